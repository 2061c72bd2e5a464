/**
 * All that is used of a Redis client. `Redis` and `Cluster` of the package ioredis fit as they are. Others need to be told how
 * to send a command as it stands, and replies as text; in a cluster it goes to the node of its key.
 *
 * @example
 * ```ts
 * import { createClient, createCluster } from 'redis'
 *
 * const single: RedisClient = { call: (...command) => client.sendCommand(command) }
 * const many: RedisClient = { call: (...command) => cluster.sendCommand(command[0] === 'EVAL' ? command[3] : command[1], false, command) }
 * ```
 */
export interface RedisClient {
  call (...command: [name: string, ...args: string[]]): Promise<unknown>
}

/** Sends one command, and gives its reply. */
export type RunRedis = RedisClient['call']

/**
 * Commands of a client. Drivers hang a command that failed on the error, and with it all that is known of a session: of such
 * an error only the message goes on.
 */
export function runOn (client: RedisClient): RunRedis {
  return async (...command) => {
    try {
      return await client.call(...command)
    } catch (error) {
      throw new Error(`Redis: ${(error as Error).message}`)
    }
  }
}
