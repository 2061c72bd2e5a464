import type { FastifyRequest } from 'fastify'
import type { Issued, RefreshTerms, RunningStrategy, Session, Verified } from './contracts/strategy.js'
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
  /** `undefined` where there are no refresh tokens. `path` is that of the route that takes them. */
  readonly refresh: (RefreshTerms & { readonly path: string }) | undefined
  readonly requireVerified: boolean
}

/** From where a log-in comes. */
export interface Client {
  readonly ip: string | null
  readonly userAgent: string | null
}

/** What the credential of the request at this backend stands for; `null` if none was sent, or it does not hold. */
export function readSession ({ name, transport, strategy }: RunningBackend, request: FastifyRequest): MaybePromise<Verified | null> {
  const token = transport.read(request)
  return token === null || token === '' ? null : strategy.verify(token, name)
}

/** Logs a user in: the session, and what the transport is to give to the client, but for the user. */
export async function startSession (backend: RunningBackend, user: StoredUser, remember: boolean, client: Client): Promise<{ readonly session: Session, readonly credential: Omit<Credential, 'user'> }> {
  const { rememberSeconds, refresh } = backend
  const lifetimeSeconds = remember && rememberSeconds !== undefined ? rememberSeconds : backend.lifetimeSeconds
  const issued = await backend.strategy.issue({ userId: user.id, epoch: user.sessionEpoch, backend: backend.name, lifetimeSeconds, refresh, ...client })
  return { session: issued.session, credential: { ...toCredential(backend, issued), lifetimeSeconds, persistent: remember || rememberSeconds === undefined } }
}

/** What the transport is to give to the client, but for the user. */
export function toCredential ({ lifetimeSeconds, refresh }: RunningBackend, { token, session, refreshToken }: Issued): Omit<Credential, 'user'> {
  const ageSeconds = (session.issuedAt - (session.authenticatedAt ?? session.issuedAt)) / 1000
  return {
    token,
    lifetimeSeconds,
    persistent: true,
    refresh: refresh === undefined || refreshToken === undefined ? undefined : { token: refreshToken, lifetimeSeconds: Math.min(refresh.idleSeconds, Math.ceil(refresh.absoluteSeconds - ageSeconds)), path: refresh.path }
  }
}
