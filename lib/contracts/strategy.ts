import type { FastifyInstance } from 'fastify'
import type { MaybePromise } from '../maybe-promise.js'
import type { RevocationStore } from './revocation-store.js'

/** One log-in of one user, as long as it holds. */
export interface Session {
  /** Names the session; it is no secret, and no credential. */
  readonly id: string
  readonly userId: string
  /** The user's `sessionEpoch` at log-in. */
  readonly epoch: number
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** For whom, where and for how long a token is asked. */
export interface Grant {
  readonly userId: string
  readonly epoch: number
  /** The backend's name: a token is good at the backend that it was issued for, and at no other. */
  readonly backend: string
  readonly lifetimeSeconds: number
}

/** What a strategy is told when the app starts. */
export interface StrategyContext {
  /** A scope of the strategy's own: what it decorates or registers there stays there. */
  readonly fastify: FastifyInstance
  /** The time in milliseconds since 1970. */
  readonly clock: () => number
  /** Where ended tokens are remembered, if the strategy needs such a place. */
  readonly revocations: RevocationStore
  /** The longest lifetime, in seconds, that each backend gives; its keys are the backends that use this strategy. */
  readonly backends: ReadonlyMap<string, number>
}

/** A strategy in a running app. */
export interface RunningStrategy {
  /** Makes a token. */
  issue (grant: Grant): MaybePromise<{ readonly token: string, readonly session: Session }>
  /**
   * The session of a token, or `null`: forged, malformed, expired, ended, of another kind or of another backend. It
   * throws only if it cannot tell (its store is down): the client is then told 503, never 200.
   */
  verify (token: string, backend: string): MaybePromise<Session | null>
  /** Ends a session: from now on `verify` gives `null` for its token. */
  revoke (session: Session): MaybePromise<void>
}

/**
 * What a token *is*: how it is made, checked and ended. It knows no user and no HTTP. `strategyContract` of
 * `fastify-users/testing` checks an implementation.
 */
export interface Strategy {
  /** How long a token lives where the backend does not say: seconds. */
  readonly lifetimeSeconds: number
  /** What is wrong with the options, each sentence beginning with the option's name. Asked once, before `start`. */
  problems? (): readonly string[]
  /** Called once for each registration of the plugin, before the app is ready. */
  start (context: StrategyContext): MaybePromise<RunningStrategy>
}
