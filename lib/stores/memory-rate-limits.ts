import type { RateLimitStore } from '../contracts/rate-limit-store.js'
import { BadOptionsError } from '../errors.js'
import { purgeBucketsLimit } from './purge.js'

/** Which part of the buckets goes at once to make room. To find those takes a look at all, which one bucket more is not worth. */
const part = 1 / 16

/** With some few, each attempt would push out the one before: no limits at all. */
const fewest = 1000

/**
 * Counts attempts in the memory of this process: other processes count for themselves. It holds 100,000 buckets. One more takes the
 * place of those that are empty soonest, so a flood of clients or addresses costs some megabytes and no more, and pushes out no account
 * that was guessed at more often.
 *
 * @param most how many buckets it holds at most: 1,000 or more
 * @throws BadOptionsError if that is no such number
 *
 * @example
 * ```ts
 * await app.register(fastifyUsers, { limits: memoryRateLimits(), … })
 * ```
 */
export function memoryRateLimits (most = 100_000): RateLimitStore {
  if (!Number.isSafeInteger(most) || most < fewest) throw new BadOptionsError(`memoryRateLimits(most): most must be a whole number from ${fewest}.`)
  // The one that an attempt was counted in last is last.
  const emptyAtOf = new Map<string, number>()

  function makeRoom (): void {
    let left = Math.ceil(most * part)
    const latest = Float64Array.from(emptyAtOf.values()).sort()[left - 1] as number
    for (const [key, emptyAt] of emptyAtOf) {
      if (left === 0) break
      if (emptyAt <= latest && emptyAtOf.delete(key)) left--
    }
  }

  return {
    take (key, { costMs, roomMs }, now) {
      const emptyAt = Math.max(emptyAtOf.get(key) ?? now, now)
      if (emptyAt + costMs > now + roomMs) return emptyAt
      if (!emptyAtOf.delete(key) && emptyAtOf.size >= most) makeRoom()
      emptyAtOf.set(key, emptyAt + costMs)
      return null
    },

    giveBack (key, costMs, now) {
      const emptyAt = (emptyAtOf.get(key) ?? 0) - costMs
      if (emptyAt > now) emptyAtOf.set(key, emptyAt)
      else emptyAtOf.delete(key)
    },

    clear (key) { emptyAtOf.delete(key) },

    purge (now) {
      let count = 0
      for (const [key, emptyAt] of emptyAtOf) {
        if (count === purgeBucketsLimit) break
        if (emptyAt <= now && emptyAtOf.delete(key)) count++
      }
      return count
    }
  }
}
