import type { Strategy } from './strategy.js'
import type { Transport } from './transport.js'

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
  /** Whether only users with a verified address may log in here, and be logged in. */
  readonly requireVerified?: boolean | undefined
}
