/**
 * Sessions and limits in Redis.
 *
 * @module fastify-users/redis
 */
export { redisRateLimits } from './rate-limits.js'
export { redisSessions } from './sessions.js'
export type { RedisClient } from './client.js'
export type { RedisStoreOptions } from './options.js'
