import type { MaybePromise } from '../maybe-promise.js'

/** How often something may be tried: so many times at once; what was used comes back evenly, one attempt after the other. */
export interface RateLimit {
  /** How many attempts may be made at once. */
  readonly attempts: number
  /** In how many seconds all of them have come back. */
  readonly seconds: number
}

/**
 * A bucket that each attempt fills by `costMs`, that loses a millisecond each millisecond, and that holds `roomMs`: a limit of 10
 * attempts in 900 seconds has a cost of 90,000 and a room of 900,000. Both are whole numbers.
 */
export interface RateLimitTerms {
  /** Milliseconds. */
  readonly costMs: number
  /** Milliseconds. */
  readonly roomMs: number
}

/**
 * Where attempts are counted. Four methods; what they mean is checked by `rateLimitStoreContract` of `fastify-users/testing`. All that
 * is kept of a bucket is when it will be empty: milliseconds since 1970, by the clock that `now` is of. A method that cannot do its
 * work throws: the client is then told 503, and nothing is tried.
 *
 * Keys are 43 letters, digits, `-` and `_`: digests, so that no address is in the store.
 */
export interface RateLimitStore {
  /**
   * Counts an attempt, if its bucket has room: one atomic step, so that of many at once no more are counted than fit. With `emptyAt` the
   * one that is kept, or `now` if that is later or none is kept, `emptyAt + costMs` is kept if it is at most `now + roomMs`.
   *
   * @returns `null` if it was counted; else, and nothing changed, when the bucket will be empty
   */
  take (key: string, terms: RateLimitTerms, now: number): MaybePromise<number | null>
  /**
   * Takes an attempt back, by one atomic step: the bucket will be empty `costMs` earlier. Nothing where the key is not known. A bucket that
   * is empty by `now` then need not be kept.
   */
  giveBack (key: string, costMs: number, now: number): MaybePromise<void>
  /** Forgets a bucket, full or not. */
  clear (key: string): MaybePromise<void>
  /** Forgets buckets that are empty by `now`, a thousand or so at most; says how many. A store that forgets by itself has nothing to do. */
  purge (now: number): MaybePromise<number>
  /** Called when the Fastify app closes. Closing twice is closing once. */
  close? (): MaybePromise<void>
}
