import type { FastifyRequest } from 'fastify'
import type { RunningStrategy, Session } from './contracts/strategy.js'
import type { Credential, Transport } from './contracts/transport.js'
import type { StoredUser } from './contracts/user-store.js'
import type { MaybePromise } from './maybe-promise.js'

/** A backend in a running app: transport × strategy, with all that was left open decided. */
export interface RunningBackend {
  readonly name: string
  readonly transport: Transport
  readonly strategy: RunningStrategy
  /** Seconds. */
  readonly lifetimeSeconds: number
  /** Seconds; `undefined` where "remember me" is not offered. */
  readonly rememberSeconds: number | undefined
  readonly requireVerified: boolean
}

/** The session of the request at this backend: `undefined` if no credential was sent, `null` if it does not hold. */
export function readSession (backend: RunningBackend, request: FastifyRequest): MaybePromise<Session | null | undefined> {
  const token = backend.transport.read(request)
  if (token === null) return undefined
  return token === '' ? null : backend.strategy.verify(token, backend.name)
}

/** Logs a user in: the session, and what the transport is to give to the client, but for the user. */
export async function startSession (backend: RunningBackend, user: StoredUser, remember: boolean): Promise<{ readonly session: Session, readonly credential: Omit<Credential, 'user'> }> {
  const { rememberSeconds } = backend
  const lifetimeSeconds = remember && rememberSeconds !== undefined ? rememberSeconds : backend.lifetimeSeconds
  const { token, session } = await backend.strategy.issue({ userId: user.id, epoch: user.sessionEpoch, backend: backend.name, lifetimeSeconds })
  return { session, credential: { token, lifetimeSeconds, persistent: remember || rememberSeconds === undefined } }
}
