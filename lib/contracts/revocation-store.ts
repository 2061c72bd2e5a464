import type { MaybePromise } from '../maybe-promise.js'

/**
 * Remembers which tokens were ended before their time (RFC 7009), until they would have expired anyway. Asked at each
 * request, so a log-out holds at once in every process that shares the store.
 */
export interface RevocationStore {
  /**
   * Ends the token with this id. Ending it twice is ending it once.
   *
   * @param expiresAt when the entry may be forgotten, in milliseconds since 1970
   */
  revoke (id: string, expiresAt: number): MaybePromise<void>
  /** Whether the token with this id was ended. */
  isRevoked (id: string): MaybePromise<boolean>
}
