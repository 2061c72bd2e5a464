import type { FastifyInstance } from 'fastify'
import { record } from '../../accounts/record.js'
import type { RunningBackend } from '../../backend.js'
import type { Auth } from '../../contracts/auth.js'
import type { BackendName } from '../../contracts/user.js'
import { decide } from '../undecided.js'
import { addRoute } from './add-route.js'
import type { RouteContext } from './context.js'

/** `POST /logout/:name`: ends the session that was presented, and takes the credential from the client. */
export function logoutRoute (scope: FastifyInstance, context: RouteContext, backend: RunningBackend): void {
  const name = backend.name as BackendName

  addRoute(scope, context, 'logout', {
    method: 'POST',
    url: `/logout/${name}`,
    guard: context.authenticate({ backends: [name] }),
    schema: {
      operationId: `logout_${name}`,
      summary: `Log out (${name})`,
      response: { 200: { description: 'The session is over.', type: 'object' } }
    },
    async handler (request, reply) {
      const { session, user } = request.auth as Auth
      await decide(() => context.deadline(Promise.resolve(backend.strategy.revoke(session))))
      record(context.accounts, context.sourceOf(request, reply), { type: 'logout', userId: user.id, backend: name })
      const body = backend.transport.clear(reply, backend.refresh?.path)
      await context.hooks.onAfterLogout?.(user, request, reply)
      return reply.sent ? reply : body
    }
  })
}
