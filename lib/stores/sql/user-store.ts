import type { StoredUser, UserStore } from '../../contracts/user-store.js'
import { andThen, type MaybePromise } from '../../maybe-promise.js'
import { hasNul, orElse, type SqlClient, type SqlExecutor, type SqlValue } from './client.js'
import { columns, toUser, toValues } from './user-row.js'

/**
 * The methods of a user store, each one statement but `retire`.
 *
 * @param retireLock whoever retires a superuser holds the lock of this name
 */
export function sqlUsers (client: SqlClient, table: string, retireLock: string): Omit<UserStore, 'revocations' | 'ephemeral' | 'close'> {
  const select = `select ${columns.join(', ')} from ${table}`
  const selectById = `${select} where id = ?`
  const selectByEmail = `${select} where email_key = ?`
  const selectPage = `${select} where id > ? order by id limit ?`
  // Not `like`, which has letters of its own to be escaped, and ignores case on SQLite.
  const selectPageOfPart = `${select} where id > ? and ${client.dialect.position}(email_key, ?) > 0 order by id limit ?`
  const selectVersion = `select id from ${table} where id = ? and version = ?`
  const selectOtherSuperuser = `select id from ${table} where is_superuser = 1 and is_active = 1 and id <> ? limit 1`
  const insert = `insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`
  const update = `update ${table} set ${columns.slice(1).map((column) => `${column} = ?`).join(', ')} where id = ? and version = ?`
  const deleteOne = `delete from ${table} where id = ? and version = ?`

  function find (statement: string, key: string): MaybePromise<StoredUser | null> {
    if (hasNul(key)) return null
    return andThen(client.queryOne(statement, [key]), (row) => row === undefined ? null : toUser(row))
  }

  function unlessDuplicate<T> (database: SqlExecutor, statement: string, values: readonly SqlValue[], whenDuplicate: T): MaybePromise<boolean | T> {
    return orElse(
      () => andThen(database.execute(statement, values), (count) => count === 1),
      (error) => {
        if (client.isDuplicate(error)) return whenDuplicate
        throw error
      }
    )
  }

  function replace (database: SqlExecutor, user: StoredUser, version: number): MaybePromise<boolean | 'taken'> {
    return unlessDuplicate(database, update, [...toValues(user).slice(1), user.id, version], 'taken')
  }

  function remove (database: SqlExecutor, id: string, version: number): MaybePromise<boolean> {
    return andThen(database.execute(deleteOne, [id, version]), (count) => count === 1)
  }

  return {
    insert: (user) => unlessDuplicate(client, insert, toValues(user), false),
    findById: (id) => find(selectById, id),
    findByEmail: (emailKey) => find(selectByEmail, emailKey),

    list ({ after, limit, emailPart }) {
      const start = after ?? ''
      if (hasNul(start) || hasNul(emailPart ?? '')) return []
      // As a text, since mysql2 sends each number as a floating-point one, and MySQL refuses to count rows in these.
      const rows = emailPart === null
        ? client.query(selectPage, [start, String(limit)])
        : client.query(selectPageOfPart, [start, emailPart, String(limit)])
      return andThen(rows, (found) => found.map(toUser))
    },

    replace: (user, version) => replace(client, user, version),
    remove: (id, version) => remove(client, id, version),

    retire (id, version, next) {
      return client.exclusively<boolean | 'taken' | 'last'>(retireLock, (database) => {
        return andThen(database.queryOne(selectOtherSuperuser, [id]), (other) => {
          if (other === undefined) return andThen(database.queryOne(selectVersion, [id, version]), (same) => same === undefined ? false : 'last')
          return next === null ? remove(database, id, version) : replace(database, next, version)
        })
      })
    }
  }
}
