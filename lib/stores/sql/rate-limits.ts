import type { RateLimitStore } from '../../contracts/rate-limit-store.js'
import { andThen, type MaybePromise } from '../../maybe-promise.js'
import { purgeBucketsLimit } from '../purge.js'
import type { SqlClient, SqlValue } from './client.js'
import { insist } from './insist.js'

/** How often an attempt is begun at most, because its row comes and goes. */
const TRIES = 5

/** Buckets, in a table: a row for each that is not empty, and for some that are. */
export function sqlRateLimits (client: SqlClient, table: string): RateLimitStore {
  const insert = client.dialect.insertIfNew(table, ['id', 'empty_at'])
  const fill = `update ${table} set empty_at = case when empty_at > ? then empty_at else ? end + ? where id = ? and empty_at <= ?`
  const select = `select empty_at from ${table} where id = ?`
  const drain = `update ${table} set empty_at = empty_at - ? where id = ?`
  const deleteOne = `delete from ${table} where id = ?`
  const deleteLast = `${deleteOne} and empty_at <= ?`
  // Not every database can limit a delete, but each can look up where the first thousand end, and delete up to there.
  const selectLast = `select id, empty_at from ${table} where empty_at <= ? order by empty_at, id limit 1 offset ${purgeBucketsLimit - 1}`
  const deleteUpTo = `delete from ${table} where empty_at <= ? and (empty_at < ? or id <= ?)`
  const deleteEmpty = `delete from ${table} where empty_at <= ?`

  const write = (sql: string, values: readonly SqlValue[]): MaybePromise<number> => insist(() => client.execute(sql, values))

  return {
    take (key, { costMs, roomMs }, now) {
      function begin (tries: number): MaybePromise<number | null> {
        // Most accounts have no row: whoever logs in has it removed.
        return andThen(write(insert, [key, now + costMs]), (inserted): MaybePromise<number | null> => {
          if (inserted === 1) return null
          return andThen(write(fill, [now, now, costMs, key, now + roomMs - costMs]), (updated): MaybePromise<number | null> => {
            if (updated === 1) return null
            return andThen(client.queryOne(select, [key]), (row): MaybePromise<number | null> => {
              if (row !== undefined) return Number(row[0])
              if (tries === 1) throw new Error('The row of a limit comes and goes.')
              return begin(tries - 1)
            })
          })
        })
      }
      return begin(TRIES)
    },

    giveBack (key, costMs, now) {
      // Most buckets hold the one attempt that is given back. Their rows would be there until they are swept.
      return andThen(write(deleteLast, [key, now + costMs]), (deleted) => deleted === 1 ? undefined : andThen(write(drain, [costMs, key]), () => undefined))
    },

    clear: (key) => andThen(write(deleteOne, [key]), () => undefined),

    purge (now) {
      return andThen(client.queryOne(selectLast, [now]), (last): MaybePromise<number> => {
        if (last === undefined) return write(deleteEmpty, [now])
        const [id, emptyAt] = [String(last[0]), Number(last[1])]
        return write(deleteUpTo, [emptyAt, emptyAt, id])
      })
    }
  }
}
