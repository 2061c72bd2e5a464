import type { FastifyInstance } from 'fastify'
import type { RunningBackend } from '../../backend.js'
import type { Auth } from '../../contracts/auth.js'
import type { BackendName } from '../../contracts/user.js'
import { errorReply } from '../../schemas/error.js'
import { bodyLimit } from '../body.js'
import { openRoute } from '../open-route.js'
import { decide } from '../undecided.js'
import type { RouteContext } from './context.js'

/** `POST /logout/:name`: ends the session that was presented, and takes the credential from the client. */
export function logoutRoute (scope: FastifyInstance, context: RouteContext, backend: RunningBackend): void {
  const guard = context.authenticate({ backends: [backend.name as BackendName] })

  scope.post(`/logout/${backend.name}`, {
    bodyLimit,
    config: { ...openRoute(guard), ...context.openApiConfig(backend) },
    onRequest: guard,
    schema: {
      operationId: `logout_${backend.name}`,
      tags: ['auth'],
      summary: `Log out (${backend.name})`,
      response: {
        200: { description: 'The session is over.', type: 'object' },
        401: errorReply('`UNAUTHORIZED`: no credential of this backend, or none that holds.'),
        ...(backend.transport.ambient ? { 403: errorReply('`CROSS_SITE_REQUEST`: another site may have made the request.') } : {}),
        503: errorReply('A store is down. Try again after `Retry-After` seconds.')
      }
    },
    async handler (request, reply) {
      const { session, user } = request.auth as Auth
      await decide(async () => { await backend.strategy.revoke(session) })
      const body = backend.transport.clear(reply)
      await context.hooks.onAfterLogout?.(user, request, reply)
      return reply.sent ? reply : body
    }
  })
}
