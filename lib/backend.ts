import type { FastifyRequest } from 'fastify'
import type { RunningStrategy, Session } from './contracts/strategy.js'
import type { Transport } from './contracts/transport.js'
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
