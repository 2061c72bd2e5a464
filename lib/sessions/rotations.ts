/** How many exchanges a process remembers. They matter for as long as a request, or its repetition, takes. */
const capacity = 1000

/** Who reads a reply slowly on purpose could hide a theft for as long: after so many milliseconds it counts as read. */
const longestReplyMs = 10_000

/** How many failed exchanges of one token are remembered: the latest. */
const mostFailed = 10

/** How far the clocks of two machines, and the ways to them, may be apart: milliseconds. */
const otherMachineMs = 2000

/** How an exchange went for the client: it was answered, or has gone; or it was told that something of ours has failed. */
export type ReplyOutcome = 'answered' | 'failed'

/** What a process knows of the refresh tokens that it has exchanged lately. It tells a client in a hurry from a thief. */
export interface Rotations {
  /**
   * Notes that a refresh token is about to be exchanged here: until the reply has left, whoever comes with it is on the way at the same
   * time.
   *
   * @param digest names the token
   * @param salt what the new tokens are made with
   */
  begin (digest: string, salt: string): Rotation
  /**
   * Whether a request came before the client could know that its token was exchanged. In the process that made the exchange, that is
   * exact. In another one it is guessed by two machines' clocks, in favour of the client: it gets nothing by it.
   *
   * @param cameAt when the request came in, by `performance.now()`
   * @param rotatedAt when the exchange was made, by the clock of whoever made it: milliseconds since 1970
   */
  cameBefore (digest: string, cameAt: number, rotatedAt: number, now: number): boolean
  /**
   * The salts of exchanges of which one was made here, or may have been, and that were answered by an error of ours: the client comes again,
   * and is not to be logged out for that. They are given once.
   */
  takeFailed (digest: string): readonly string[]
}

/** An exchange that has begun, and must be told how it ended. */
export interface Rotation {
  /** Another one was faster: whatever the client was told meanwhile, nothing was exchanged. */
  lost (): void
  /** The reply has left, even if the store has not answered yet. */
  replied (outcome: ReplyOutcome): void
}

interface Entry {
  pending: number
  readonly begunAt: number
  repliedAt: number | null
  /** Of a client that has come again and again, while the store still worked at what it was asked before: any of these may be the one. */
  readonly failedSalts: Set<string>
}

export function createRotations (): Rotations {
  const entries = new Map<string, Entry>()

  return {
    begin (digest, salt) {
      const entry = entries.get(digest) ?? { pending: 0, begunAt: performance.now(), repliedAt: null, failedSalts: new Set() }
      entry.pending++
      entries.delete(digest)
      entries.set(digest, entry)
      if (entries.size > capacity) entries.delete(entries.keys().next().value as string)

      let isOpen = true
      return {
        lost () {
          if (isOpen) entry.pending--
          isOpen = false
          entry.failedSalts.delete(salt)
        },
        replied (outcome) {
          if (!isOpen) return
          isOpen = false
          entry.pending--
          entry.repliedAt = performance.now()
          if (outcome === 'failed') keep(entry.failedSalts, salt)
        }
      }
    },

    cameBefore (digest, cameAt, rotatedAt, now) {
      const { pending, begunAt, repliedAt } = entries.get(digest) ?? { pending: 0, begunAt: 0, repliedAt: null }
      if (pending > 0) return cameAt < begunAt + longestReplyMs
      return repliedAt === null ? now - (performance.now() - cameAt) < rotatedAt + otherMachineMs : cameAt < repliedAt
    },

    takeFailed (digest) {
      const entry = entries.get(digest)
      const salts = [...entry?.failedSalts ?? []]
      entry?.failedSalts.clear()
      return salts
    }
  }
}

function keep (salts: Set<string>, salt: string): void {
  salts.add(salt)
  if (salts.size > mostFailed) salts.delete(salts.values().next().value as string)
}
