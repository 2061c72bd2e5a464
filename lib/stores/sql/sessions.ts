import type { SessionData, SessionStore, StoredSession } from '../../contracts/session-store.js'
import { andThen, type MaybePromise } from '../../maybe-promise.js'
import { purgeLimit } from '../purge.js'
import { hasNul, type SqlClient, type SqlRow, type SqlValue } from './client.js'
import { insist } from './insist.js'
import { toObject } from './json-column.js'

const sessionColumns = ['id', 'user_id', 'created_at', 'last_seen_at', 'expires_at', 'version', 'data']

/** Sessions, in a table. Each method is one statement but `purge`, which looks first where a thousand end. */
export function sqlSessions (client: SqlClient, table: string): SessionStore {
  const columns = sessionColumns.join(', ')
  const select = `select ${columns} from ${table}`
  const selectOne = `${select} where id = ?`
  const newestFirst = 'order by created_at desc, id desc limit ?'
  const selectPage = `${select} where user_id = ? ${newestFirst}`
  // Where the page begins is said twice: all databases see a range of the index in the first half, and not all in the second.
  const selectNextPage = `${select} where user_id = ? and created_at <= ? and (created_at < ? or id < ?) ${newestFirst}`
  const insert = `insert into ${table} (${columns}) values (?, ?, ?, ?, ?, ?, ?)`
  const update = `update ${table} set last_seen_at = ?, expires_at = ?, version = ?, data = ? where id = ? and version = ?`
  const deleteOne = `delete from ${table} where id = ?`
  const deleteAll = `delete from ${table} where user_id = ?`
  const deleteOthers = `${deleteAll} and id <> ?`
  // Not every database can limit a delete, but each can look up where the oldest thousand end, and delete up to there.
  const selectLast = `select id, expires_at from ${table} where expires_at <= ? order by expires_at, id limit 1 offset ${purgeLimit - 1}`
  const deleteUpTo = `delete from ${table} where expires_at <= ? and (expires_at < ? or id <= ?)`
  const deleteExpired = `delete from ${table} where expires_at <= ?`

  // A log-out everywhere meets its rows in another order than a purge.
  const write = (sql: string, values: readonly SqlValue[]): MaybePromise<number> => insist(() => client.execute(sql, values))

  return {
    insert ({ id, userId, createdAt, lastSeenAt, expiresAt, version, data }) {
      const inserted = write(insert, [id, userId, createdAt, lastSeenAt, expiresAt, version, JSON.stringify(data)])
      return andThen(inserted, () => undefined)
    },

    find (id) {
      if (hasNul(id)) return null
      return andThen(client.queryOne(selectOne, [id]), (row) => row === undefined ? null : toSession(row))
    },

    replace ({ id, lastSeenAt, expiresAt, version: next, data }, version) {
      if (hasNul(id)) return false
      const updated = write(update, [lastSeenAt, expiresAt, next, JSON.stringify(data), id, version])
      return andThen(updated, (count) => count === 1)
    },

    remove (id) {
      if (hasNul(id)) return false
      return andThen(write(deleteOne, [id]), (count) => count === 1)
    },

    list ({ userId, after, limit }) {
      if (hasNul(userId) || hasNul(after?.id ?? '')) return []
      // The limit as a text, since mysql2 sends each number as a floating-point one, and MySQL refuses to count rows in these.
      const rows = after === null
        ? client.query(selectPage, [userId, String(limit)])
        : client.query(selectNextPage, [userId, after.createdAt, after.createdAt, after.id, String(limit)])
      return andThen(rows, (found) => found.map(toSession))
    },

    removeAll (userId, exceptId) {
      if (hasNul(userId)) return undefined
      const deleted = exceptId === null || hasNul(exceptId)
        ? write(deleteAll, [userId])
        : write(deleteOthers, [userId, exceptId])
      return andThen(deleted, () => undefined)
    },

    purge (now) {
      return andThen(client.queryOne(selectLast, [now]), (last): MaybePromise<number> => {
        if (last === undefined) return write(deleteExpired, [now])
        const [id, expiresAt] = [String(last[0]), Number(last[1])]
        return write(deleteUpTo, [expiresAt, expiresAt, id])
      })
    },

    ephemeral: client.ephemeral
  }
}

/** @throws TypeError if the data are damaged */
function toSession ([id, userId, createdAt, lastSeenAt, expiresAt, version, data]: SqlRow): StoredSession {
  return {
    id: String(id),
    userId: String(userId),
    createdAt: Number(createdAt),
    lastSeenAt: Number(lastSeenAt),
    expiresAt: Number(expiresAt),
    version: Number(version),
    data: toSessionData(data, id)
  }
}

/** @throws TypeError if the data are damaged */
export function toSessionData (data: unknown, id: unknown): SessionData {
  return toObject(data, 'data of the session', id) as unknown as SessionData
}
