import type { RevocationStore } from '../../contracts/revocation-store.js'
import { andThen, type MaybePromise } from '../../maybe-promise.js'
import { purgeIntervalMs, purgeMarginMs } from '../purge.js'
import { orElse, type SqlClient } from './client.js'

const PURGE_LIMIT = 1000

/**
 * Ended sessions, in a table. Once a minute in each process, as a session is ended, the thousand rows that expired first
 * are deleted. If there were as many, the next session that ends brings the next thousand, so the table cannot outgrow it.
 */
export function sqlRevocations (client: SqlClient, table: string): RevocationStore {
  const insert = `insert into ${table} (id, expires_at) values (?, ?)`
  const select = `select id from ${table} where id = ?`
  // Not every database can limit a delete, but each can look up where the oldest thousand end, and delete up to there.
  const selectLast = `select max(expires_at) from (select expires_at from ${table} where expires_at <= ? order by expires_at limit ${PURGE_LIMIT}) oldest`
  const deleteUpTo = `delete from ${table} where expires_at <= ?`
  let nextPurge = 0

  function ignoreDuplicate (error: unknown): void {
    if (!client.isDuplicate(error)) throw error
  }

  function purge (now: number): MaybePromise<unknown> {
    if (now < nextPurge) return undefined
    nextPurge = now + purgeIntervalMs
    return andThen(client.queryOne(selectLast, [now - purgeMarginMs]), (row) => {
      const last = row?.[0] ?? null
      if (last === null) return undefined
      return andThen(client.execute(deleteUpTo, [Number(last)]), (count) => {
        if (count >= PURGE_LIMIT) nextPurge = now
      })
    })
  }

  return {
    revoke (id, expiresAt, now) {
      const inserted = orElse(() => client.execute(insert, [id, expiresAt]), ignoreDuplicate)
      // The session has ended by then. A purge that fails does not undo that, and is tried again in a minute.
      return andThen(inserted, () => andThen(orElse(() => purge(now), () => undefined), () => undefined))
    },

    isRevoked: (id) => andThen(client.queryOne(select, [id]), (row) => row !== undefined)
  }
}
