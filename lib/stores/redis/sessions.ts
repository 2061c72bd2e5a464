import type { SessionStore, StoredSession } from '../../contracts/session-store.js'
import { digestOf } from '../../crypto/opaque-token.js'
import { purgeMarginMs } from '../purge.js'
import { runOn, type RedisClient } from './client.js'
import { checkedPrefix, type RedisStoreOptions } from './options.js'
import { replaceScript } from './scripts.js'
import { toSession, toText } from './session-text.js'
import { entryOf, idOf, userIndex } from './user-index.js'

/**
 * Keeps sessions in Redis 6.2 or later, or Valkey: one server, one with Sentinels, or a cluster. A session is one key, which
 * Redis forgets about an hour after the session has expired; the sessions of a user are listed in another one. Let the server
 * refuse writes when its memory is full (`maxmemory-policy noeviction`): whose session it throws away is logged out. And let
 * the client read from masters alone, for a replica does not know the latest log-ins and log-outs yet.
 *
 * @param client stays the app's own: it must listen to its `error` events, and close it in the end
 * @throws BadOptionsError if an option is wrong
 *
 * @example
 * ```ts
 * import { Redis } from 'ioredis'
 *
 * const client = new Redis(process.env.REDIS_URL, { maxRetriesPerRequest: 1 })
 * client.on('error', (error) => { console.error(error.message) })
 * const sessions = redisSessions(client)
 * ```
 */
export function redisSessions (client: RedisClient, options: RedisStoreOptions = {}): SessionStore {
  const prefix = checkedPrefix(client, options)
  const run = runOn(client)
  const index = userIndex(run)

  const keyOf = (id: string): string => `${prefix}session:{${id}}`
  // A digest, for the id of a user is any text.
  const indexOf = (userId: string): string => `${prefix}user:{${digestOf(userId)}}`

  async function find (id: string): Promise<StoredSession | null> {
    if (!isId(id)) return null
    const text = await run('GET', keyOf(id)) as string | null
    return text === null ? null : toSession(id, text)
  }

  /** Some entries are looked at with each log-in, so that an index does not grow with those of sessions that are gone. */
  async function tidy (userIndexKey: string, entries: readonly string[]): Promise<void> {
    const counts = await Promise.all(entries.map((entry) => run('EXISTS', keyOf(idOf(entry)))))
    await index.drop(userIndexKey, entries.filter((_, position) => Number(counts[position]) === 0))
  }

  return {
    find,

    async insert (session) {
      if (!isId(session.id)) throw new TypeError('The id of a session has 43 letters, digits, - and _.')
      const keepMs = keepMsOf(session)
      if (keepMs === 0) return
      await run('SET', keyOf(session.id), toText(session), 'PX', String(keepMs))
      const key = indexOf(session.userId)
      const some = await index.add(key, session, keepMs)
      await tidy(key, some).catch(() => {})
    },

    async replace (session, version) {
      if (!isId(session.id)) return false
      const keepMs = keepMsOf(session)
      // First, so that the index outlives the session. It also mends an index that has lost the session.
      await index.add(indexOf(session.userId), session, keepMs)
      return Number(await run('EVAL', replaceScript, '1', keyOf(session.id), String(version), toText(session), String(keepMs))) === 1
    },

    async remove (id) {
      if (!isId(id)) return false
      const text = await run('GETDEL', keyOf(id)) as string | null
      if (text === null) return false
      const session = toSession(id, text)
      await index.drop(indexOf(session.userId), [entryOf(session)])
      return true
    },

    async list ({ userId, after, limit }) {
      const key = indexOf(userId)
      const listed: StoredSession[] = []
      for await (const entries of index.pages(key, after, limit)) {
        const found = await Promise.all(entries.map((entry) => find(idOf(entry))))
        listed.push(...found.filter((session) => session !== null))
        await index.drop(key, entries.filter((_, position) => found[position] === null))
        if (listed.length >= limit) break
      }
      return listed.slice(0, limit)
    },

    async removeAll (userId, exceptId) {
      const key = indexOf(userId)
      for await (const entries of index.pages(key, null)) {
        const others = entries.filter((entry) => idOf(entry) !== exceptId)
        await Promise.all(others.map((entry) => run('DEL', keyOf(idOf(entry)))))
        await index.drop(key, others)
      }
    },

    // Redis forgets by itself.
    purge: () => 0
  }
}

/** Nothing else becomes part of a key. */
function isId (id: string): boolean {
  return /^[\w-]{43}$/.test(id)
}

/**
 * For how long Redis keeps a session from now on: milliseconds; 0 if it has expired. That is told from the expiry and the last
 * use, which are times of one clock, the app's. So Redis may have another time, and the app's clock may be one of a test. Only
 * if the last use is still to come, the time of this machine counts.
 */
function keepMsOf ({ expiresAt, lastSeenAt }: StoredSession): number {
  const leftMs = expiresAt - Math.min(lastSeenAt, Date.now())
  return leftMs > 0 ? leftMs + purgeMarginMs : 0
}
