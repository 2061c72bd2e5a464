import { BadOptionsError } from '../../errors.js'
import type { RedisClient } from './client.js'

/** What `redisSessions` and `redisRateLimits` take beside the client. */
export interface RedisStoreOptions {
  /**
   * What all keys begin with: up to 100 letters, digits and signs of `_-.:/`.
   *
   * @defaultValue `'fastify-users:'`
   */
  readonly prefix?: string | undefined
}

/** @throws BadOptionsError if the client or an option is wrong */
export function checkedPrefix (client: RedisClient, { prefix = 'fastify-users:', ...unknown }: RedisStoreOptions): string {
  const complaints = Object.keys(unknown).map((name) => `options.${name} is not known`)
  if (typeof client?.call !== 'function') complaints.push('client must be a Redis or a Cluster of the package ioredis, or have a method call() like theirs')
  if (typeof prefix !== 'string' || !/^[\w.:/-]{1,100}$/.test(prefix)) complaints.push('options.prefix must be 1 to 100 letters, digits and signs of _-.:/')
  if (complaints.length > 0) throw new BadOptionsError(`${complaints.join('; ')}.`)
  return prefix
}
