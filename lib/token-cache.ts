/** How many values are kept at most, and of how many bytes by estimate: half of that in each of two generations. */
const maxTokens = 10_000
const maxBytes = 16 * 1024 * 1024

/** Longer ones are not kept: a token of ours has a third of this. */
const maxTokenLength = 1024

/** An entry takes about so much beside its token and what the value is said to weigh: bytes. */
const overhead = 512

/** So many letters before the last, which has few bits, tell a token from nearly all others: as many as a small integer holds. */
const tailLength = 5

/**
 * Keeps something by token, for tokens that were found good and no others: whoever makes tokens up fills nothing and displaces
 * nothing. Bounded in entries and bytes.
 */
export interface TokenCache<T> {
  get (token: string): T | undefined
  /** @param bytes what the value weighs, by estimate */
  set (token: string, value: T, bytes: number): void
  delete (token: string): void
}

interface Entry<T> {
  readonly token: string
  readonly value: T
  readonly bytes: number
}

/**
 * A token is found by a few letters of its end, and only if it is the same in every letter. There are two generations: new entries, and those
 * that are used, live in the young one; when that is full, it becomes the old one, and what was in the old one is forgotten.
 *
 * @param limit entries
 */
export function createTokenCache<T> (limit = maxTokens, byteLimit = maxBytes): TokenCache<T> {
  let young = new Map<number, Entry<T>>()
  let old = new Map<number, Entry<T>>()
  let bytes = 0

  function add (tail: number, entry: Entry<T>): void {
    if (young.size >= limit / 2 || bytes + entry.bytes > byteLimit / 2) {
      old = young
      young = new Map()
      bytes = 0
    }
    bytes += entry.bytes - (young.get(tail)?.bytes ?? 0)
    young.set(tail, entry)
  }

  return {
    get (token) {
      const tail = tailOf(token)
      const entry = young.get(tail)
      if (entry !== undefined) return entry.token === token ? entry.value : undefined
      const older = old.get(tail)
      if (older === undefined || older.token !== token) return undefined
      old.delete(tail)
      add(tail, older)
      return older.value
    },

    set (token, value, weight) {
      const total = token.length + overhead + weight
      if (token.length > maxTokenLength || total > byteLimit / 2) return
      // A copy: the text at hand is a slice of a whole header, and would keep that in memory.
      const copy = Buffer.from(token, 'latin1').toString('latin1')
      // A cookie may decode to any letter. What is no Latin letter would become another one.
      if (copy !== token) return
      add(tailOf(copy), { token: copy, value, bytes: total })
    },

    delete (token) {
      const tail = tailOf(token)
      young.delete(tail)
      old.delete(tail)
    }
  }
}

/** The end of a token as a small integer, six bits for each letter, as base64url has it. Of other texts it is merely the same each time. */
export function tailOf (token: string): number {
  const last = token.length - 1
  let tail = 0
  for (let at = last - tailLength; at < last; at++) tail = (tail << 6 ^ token.charCodeAt(at)) & 0x3fffffff
  return tail
}
