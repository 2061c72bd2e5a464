import type { Session } from '../contracts/strategy.js'

/** How many tokens are remembered: the memory of a few megabytes. */
const maxTokens = 10_000

/** Longer ones are not remembered: a token of ours has a third of this. */
const maxLength = 1024

/**
 * Remembers tokens that were verified, so that their signature is checked once and not at each request. What is remembered
 * of a token never changes: whether it was ended, and what its user may do, is asked each time, elsewhere.
 */
export interface VerifiedTokens {
  /** The session of a token that was verified for this backend and has not expired. */
  get (token: string, backend: string, now: number): Session | undefined
  add (token: string, backend: string, session: Session): void
}

/** The key is the whole token: two that differ in a letter are two. When it is full, the oldest entry goes. */
export function createVerifiedTokens (limit = maxTokens): VerifiedTokens {
  const entries = new Map<string, { readonly backend: string, readonly session: Session }>()

  return {
    get (token, backend, now) {
      const entry = entries.get(token)
      if (entry === undefined || entry.backend !== backend) return undefined
      if (entry.session.expiresAt > now) return entry.session
      entries.delete(token)
      return undefined
    },

    add (token, backend, session) {
      if (token.length > maxLength) return
      if (entries.size >= limit) entries.delete(entries.keys().next().value as string)
      // A copy: the text at hand is a slice of a whole header, and would keep that in memory.
      entries.set(Buffer.from(token, 'latin1').toString('latin1'), { backend, session })
    }
  }
}
