import type { Strategy } from './strategy.js'
import type { Transport } from './transport.js'

/** How long refresh tokens are good (RFC 9700 §4.14). */
export interface RefreshOptions {
  /** Unless it is used: seconds. Default 1,209,600 (14 days). */
  readonly idleSeconds?: number | undefined
  /** However much it is used: seconds, at most 34,560,000 (400 days). Default 7,776,000 (90 days). */
  readonly absoluteSeconds?: number | undefined
  /**
   * For how long one that was exchanged gives the same tokens once more, to a client that the reply has not reached: seconds, at
   * most 10. Default 0: it is a sign of theft at once.
   */
  readonly graceSeconds?: number | undefined
}

/**
 * A way to be logged in: a transport under a name. The name is the last part of `/login/:name` and `/logout/:name`.
 * `cookie()` and `bearer()` make one; one of your own is an object of this shape.
 */
export interface Backend<Name extends string = string> {
  /** Letters, digits, `-` and `_`. Each backend of an app has another. */
  readonly name: Name
  readonly transport: Transport
  /** A strategy of its own, instead of the one that all backends share. */
  readonly strategy?: Strategy | undefined
  /** How long a token of this backend lives: seconds. Without it, the strategy decides. */
  readonly lifetimeSeconds?: number | undefined
  /** Offers "remember me": how long a token lives whose login asked for it, in seconds. */
  readonly rememberSeconds?: number | undefined
  /** Gives refresh tokens: `true`, or how long they are good. Needs a strategy with sessions. */
  readonly refresh?: boolean | RefreshOptions | undefined
  /** Whether only users with a verified address may log in here, and be logged in. */
  readonly requireVerified?: boolean | undefined
}
