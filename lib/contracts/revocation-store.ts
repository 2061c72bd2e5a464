import type { MaybePromise } from '../maybe-promise.js'

/**
 * Remembers which tokens were ended before their time (RFC 7009), until they would have expired anyway. Asked at each
 * request, so a log-out holds at once in every process that shares the store.
 */
export interface RevocationStore {
  /**
   * Ends the token with this id. Ending it twice is ending it once.
   *
   * @param expiresAt when the token expires anyway, in milliseconds since 1970: the entry may be forgotten after that, but
   * not at once, for the clock of another machine may be behind
   * @param now the time by the clock that `expiresAt` was made with: what is expired is told by this one alone
   */
  revoke (id: string, expiresAt: number, now: number): MaybePromise<void>
  /** Whether the token with this id was ended. */
  isRevoked (id: string): MaybePromise<boolean>
}
