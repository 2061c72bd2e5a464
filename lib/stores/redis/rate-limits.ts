import type { RateLimitStore } from '../../contracts/rate-limit-store.js'
import { purgeMarginMs } from '../purge.js'
import { runOn, type RedisClient } from './client.js'
import { checkedPrefix, type RedisStoreOptions } from './options.js'
import { giveBackScript, takeScript } from './scripts.js'

/**
 * Counts attempts in Redis 6.2 or later, or Valkey: one server, one with Sentinels, or a cluster. A bucket is one key, which Redis
 * forgets about an hour after it is empty.
 *
 * @param client stays the app's own: it must listen to its `error` events, and close it in the end
 * @throws BadOptionsError if an option is wrong
 *
 * @example
 * ```ts
 * await app.register(fastifyUsers, { limits: redisRateLimits(client), sessions: redisSessions(client), … })
 * ```
 */
export function redisRateLimits (client: RedisClient, options: RedisStoreOptions = {}): RateLimitStore {
  const prefix = checkedPrefix(client, options)
  const run = runOn(client)

  function keyOf (key: string): string {
    if (!/^[\w-]{43}$/.test(key)) throw new TypeError('The key of a limit has 43 letters, digits, - and _.')
    return `${prefix}limit:{${key}}`
  }

  return {
    async take (key, { costMs, roomMs }, now) {
      const emptyAt = await run('EVAL', takeScript, '1', keyOf(key), String(now), String(costMs), String(roomMs), String(purgeMarginMs))
      return emptyAt === null ? null : Number(emptyAt)
    },

    async giveBack (key, costMs, now) { await run('EVAL', giveBackScript, '1', keyOf(key), String(costMs), String(now)) },
    async clear (key) { await run('DEL', keyOf(key)) },

    // Redis forgets by itself.
    purge: () => 0
  }
}
