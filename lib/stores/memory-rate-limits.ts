import type { RateLimitStore } from '../contracts/rate-limit-store.js'
import { purgeBucketsLimit } from './purge.js'

/** How many buckets are looked at to find one that can go. */
const lookedAt = 16

/**
 * Counts attempts in the memory of this process: other processes count for themselves. It holds 100,000 buckets. One more takes the
 * place of one of the oldest, the one of them that is empty soonest, so a flood of clients or addresses costs some megabytes and no
 * more.
 *
 * @param most how many buckets it holds at most
 *
 * @example
 * ```ts
 * await app.register(fastifyUsers, { limits: memoryRateLimits(), … })
 * ```
 */
export function memoryRateLimits (most = 100_000): RateLimitStore {
  // The one that an attempt was counted in last is last.
  const emptyAtOf = new Map<string, number>()

  function makeRoom (): void {
    let [soonest, earliest, looked] = ['', Infinity, 0]
    for (const [key, emptyAt] of emptyAtOf) {
      if (looked++ === lookedAt) break
      if (emptyAt < earliest) [soonest, earliest] = [key, emptyAt]
    }
    emptyAtOf.delete(soonest)
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
