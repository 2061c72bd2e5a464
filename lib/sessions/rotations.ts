/** How many exchanges a process remembers. They matter for as long as a request takes. */
const capacity = 1000

/** Who reads a reply slowly on purpose could hide a theft for as long: after so many milliseconds it counts as read. */
const longestReplyMs = 10_000

/** Tells requests with one refresh token that were on their way at the same time from one that came later. */
export interface Rotations {
  /**
   * Notes that a refresh token is about to be exchanged here: until the reply has left, whoever comes with it is on the way at the same
   * time.
   *
   * @param digest names the token
   */
  begin (digest: string): Rotation
  /**
   * Whether a request came before the client could know that its token was exchanged. In the process that made the exchange, that is exact;
   * in another one the clocks of two machines decide, and a tie is no excuse.
   *
   * @param cameAt when the request came in, by `performance.now()`
   * @param rotatedAt when the exchange was made, by the clock of whoever made it: milliseconds since 1970
   */
  cameBefore (digest: string, cameAt: number, rotatedAt: number, now: number): boolean
}

/** An exchange that has begun, and must be told how it ended. */
export interface Rotation {
  /** Another one was faster, or it failed. */
  lost (): void
  /** The reply with the new tokens has left. */
  replied (): void
}

interface Entry {
  pending: number
  begunAt: number
  repliedAt: number | null
}

export function createRotations (): Rotations {
  const entries = new Map<string, Entry>()

  return {
    begin (digest) {
      const entry = entries.get(digest) ?? { pending: 0, begunAt: 0, repliedAt: null }
      entry.pending++
      entry.begunAt = performance.now()
      entries.delete(digest)
      entries.set(digest, entry)
      if (entries.size > capacity) entries.delete(entries.keys().next().value as string)
      return {
        lost () { entry.pending-- },
        replied () {
          entry.pending--
          entry.repliedAt = performance.now()
        }
      }
    },

    cameBefore (digest, cameAt, rotatedAt, now) {
      const { pending, begunAt, repliedAt } = entries.get(digest) ?? { pending: 0, begunAt: 0, repliedAt: null }
      if (pending > 0) return cameAt < begunAt + longestReplyMs
      return repliedAt === null ? now - (performance.now() - cameAt) < rotatedAt : cameAt < repliedAt
    }
  }
}
