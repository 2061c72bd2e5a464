export { redisSessions } from './sessions.js'
export type { RedisClient } from './client.js'
export type { RedisSessionsOptions } from './sessions.js'
