import type { FastifyInstance } from 'fastify'
import type { MaybePromise } from '../maybe-promise.js'
import type { RevocationStore } from './revocation-store.js'
import type { SessionStore, StoredSession } from './session-store.js'
import type { SeenUser } from './user-store.js'

/** One log-in of one user, as long as it holds. */
export interface Session {
  /** Names the session; it is no secret, and no credential. */
  readonly id: string
  readonly userId: string
  /** The user's `sessionEpoch` at log-in. */
  readonly epoch: number
  /** When the token was issued: milliseconds since 1970. */
  readonly issuedAt: number
  /** When the token expires: milliseconds since 1970. */
  readonly expiresAt: number
  /** When the user proved who they are: milliseconds since 1970. Default: when the token was issued. */
  readonly authenticatedAt?: number | undefined
}

/** What a token stands for. */
export interface Verified {
  readonly session: Session
  /** The session's user, where one look-up gave both; `null` if there is none. Left out, the user is looked up. */
  readonly user?: SeenUser | null | undefined
}

/** What a request looks up. Where users live in the same database, the user comes along, in one round trip. */
export interface LookUps {
  /** A session, or `null`. */
  findSession (sessions: SessionStore, id: string): MaybePromise<{ readonly session: StoredSession, readonly user?: SeenUser | null | undefined } | null>
  /** Whether the token with this id was ended. */
  findRevocation (revocations: RevocationStore, tokenId: string, userId: string): MaybePromise<{ readonly isRevoked: boolean, readonly user?: SeenUser | null | undefined }>
}

/** How long refresh tokens are good. */
export interface RefreshTerms {
  /** Unless it is used: seconds. */
  readonly idleSeconds: number
  /** However much it is used: seconds. */
  readonly absoluteSeconds: number
  /** For how long one that was exchanged gives the same tokens once more: seconds. */
  readonly graceSeconds: number
}

/** For whom, where and for how long a token is asked. */
export interface Grant {
  readonly userId: string
  readonly epoch: number
  /** The backend's name: a token is good at the backend that it was issued for, and at no other. */
  readonly backend: string
  readonly lifetimeSeconds: number
  /** Whether, and how, the backend gives refresh tokens. */
  readonly refresh: RefreshTerms | undefined
  /** From where the log-in comes; `null` where that is not known. */
  readonly ip: string | null
  /** As the client says, at most 512 characters. */
  readonly userAgent: string | null
}

/** What a log-in gives. */
export interface Issued {
  readonly token: string
  readonly session: Session
  /** Given where the grant asks for it. */
  readonly refreshToken?: string | undefined
}

/** What a refresh token is exchanged for. */
export interface Renewed extends Issued {
  readonly refreshToken: string
}

/** The new tokens; or why there are none: the refresh token does not hold, was used before, or was used by another request at the same time. */
export type Refreshed = Renewed | 'invalid' | 'reused' | 'raced'

/** How a refresh token is to be exchanged. */
export interface Exchange {
  /** The backend's name: a refresh token is good at the backend that it was issued for, and at no other. */
  readonly backend: string
  /** How long the new access token is to live. */
  readonly lifetimeSeconds: number
  readonly graceSeconds: number
  /** When the request came in, by `performance.now()`. One that was on its way before the exchange is no reuse. */
  readonly cameAt: number
  /** Calls back when the reply has left, or the client has; `failed` if the reply is an error of ours (5xx). */
  readonly onReplied: (listener: (outcome: 'answered' | 'failed') => void) => void
  /** Told of a session that is ended, because a refresh token of it was used twice. */
  readonly onReuse: (session: Session) => void
  /** Whether the user of the session may go on; if not, the session ends. */
  readonly admits: (session: Session) => Promise<boolean>
}

/** What a strategy is told when the app starts. */
export interface StrategyContext {
  /** A scope of the strategy's own: what it decorates or registers there stays there. */
  readonly fastify: FastifyInstance
  /** The time in milliseconds since 1970. */
  readonly clock: () => number
  /** Where ended tokens are remembered, if the strategy needs such a place. */
  readonly revocations: RevocationStore
  /** Where sessions live, if the strategy needs such a place. */
  readonly sessions: SessionStore
  /** How these two places are asked at each request. */
  readonly lookUps: LookUps
  /** The longest lifetime, in seconds, that each backend gives; its keys are the backends that use this strategy. */
  readonly backends: ReadonlyMap<string, number>
}

/** A strategy in a running app. */
export interface RunningStrategy {
  /** Makes a token. */
  issue (grant: Grant): MaybePromise<Issued>
  /**
   * What a token stands for, or `null`: forged, malformed, expired, ended, of another kind or of another backend. It
   * throws only if it cannot tell (its store is down): the client is then told 503, never 200.
   *
   * @param token whatever was sent in the token's place, but never empty
   */
  verify (token: string, backend: string): MaybePromise<Verified | null>
  /** Ends a session: from now on `verify` gives `null` for its token. */
  revoke (session: Session): MaybePromise<void>
  /** Where its sessions can be seen and ended; left out where they stand in the tokens alone. */
  readonly sessions?: SessionStore | undefined
  /** Exchanges a refresh token for new tokens, once. Left out where there are none. */
  refresh? (token: string, exchange: Exchange): Promise<Refreshed>
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
