import type { FastifyReply, FastifyRequest } from 'fastify'
import { toUser } from '../../accounts/to-user.js'
import { startSession, type RunningBackend } from '../../backend.js'
import type { Auth } from '../../contracts/auth.js'
import type { StoredUser } from '../../contracts/user-store.js'
import { clientOf } from '../client.js'
import { decide } from '../undecided.js'
import type { RouteContext } from './context.js'

/**
 * Gives the client a new session in the place of the one that it has, and what comes with it: nobody who knew the old credential comes
 * along.
 *
 * @returns the body of the reply
 */
export async function renewSession ({ backends, deadline }: RouteContext, request: FastifyRequest, reply: FastifyReply, user: StoredUser): Promise<object> {
  const { backend: name, session } = request.auth as Auth
  const backend = backendOf(backends, name)
  const wasRemembered = session.expiresAt - session.issuedAt > backend.lifetimeSeconds * 1000

  const { credential } = await decide(async () => {
    const started = await deadline(startSession(backend, user, wasRemembered, clientOf(request)))
    await deadline(Promise.resolve(backend.strategy.revoke(session)))
    return started
  })
  return backend.transport.write(reply, { ...credential, user: toUser(user) }) as object
}

/** The backend of this name. */
export function backendOf (backends: readonly RunningBackend[], name: string): RunningBackend {
  return backends.find((backend) => backend.name === name) as RunningBackend
}
