import type { StoredUser, UserStore } from '../../contracts/user-store.js'
import { andThen, type MaybePromise } from '../../maybe-promise.js'
import { orElse, type SqlClient, type SqlRow, type SqlValue } from './client.js'

const columns = [
  'id', 'email', 'email_key', 'password_hash', 'is_active', 'is_verified', 'is_superuser', 'created_at', 'updated_at',
  'version', 'session_epoch', 'fields'
]

/** The five methods of a user store, each one statement. */
export function sqlUsers (client: SqlClient, table: string): Omit<UserStore, 'revocations' | 'ephemeral' | 'close'> {
  const insert = `insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`
  const selectById = `select ${columns.join(', ')} from ${table} where id = ?`
  const selectByEmail = `select ${columns.join(', ')} from ${table} where email_key = ?`
  const update = `update ${table} set ${columns.slice(1).map((column) => `${column} = ?`).join(', ')} where id = ? and version = ?`
  const remove = `delete from ${table} where id = ?`

  function find (select: string, key: string): MaybePromise<StoredUser | null> {
    // PostgreSQL has no NUL in a text and fails when asked for one; no row can have it.
    if (key.includes('\0')) return null
    return andThen(client.query(select, [key]), ([row]) => row === undefined ? null : toUser(row))
  }

  function unlessDuplicate<T> (statement: string, values: readonly SqlValue[], whenDuplicate: T): MaybePromise<boolean | T> {
    return orElse(
      () => andThen(client.execute(statement, values), (count) => count === 1),
      (error) => {
        if (client.isDuplicate(error)) return whenDuplicate
        throw error
      }
    )
  }

  return {
    insert: (user) => unlessDuplicate(insert, toValues(user), false),
    findById: (id) => find(selectById, id),
    findByEmail: (emailKey) => find(selectByEmail, emailKey),
    replace: (user, version) => unlessDuplicate<'taken'>(update, [...toValues(user).slice(1), user.id, version], 'taken'),
    remove: (id) => andThen(client.execute(remove, [id]), (count) => count === 1)
  }
}

/** In the order of `columns`. */
function toValues (user: StoredUser): SqlValue[] {
  return [
    user.id,
    user.email,
    user.emailKey,
    user.passwordHash,
    Number(user.isActive),
    Number(user.isVerified),
    Number(user.isSuperuser),
    user.createdAt,
    user.updatedAt,
    user.version,
    user.sessionEpoch,
    JSON.stringify(user.fields)
  ]
}

function toUser (row: SqlRow): StoredUser {
  const id = String(row.id)
  return {
    id,
    email: String(row.email),
    emailKey: String(row.email_key),
    passwordHash: row.password_hash === null ? null : String(row.password_hash),
    isActive: Number(row.is_active) === 1,
    isVerified: Number(row.is_verified) === 1,
    isSuperuser: Number(row.is_superuser) === 1,
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
    version: Number(row.version),
    sessionEpoch: Number(row.session_epoch),
    fields: toFields(id, String(row.fields))
  }
}

/** Fields that were taken for empty would be written back as empty: a damaged row must be mended, not emptied. */
function toFields (id: string, json: string): Record<string, unknown> {
  const fields = parsed(json)
  if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) return fields as Record<string, unknown>
  throw new TypeError(`The fields of the user ${id} are no JSON object.`)
}

/** `undefined` if it is no JSON. The error of the parser is dropped, as it quotes the text. */
function parsed (json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
