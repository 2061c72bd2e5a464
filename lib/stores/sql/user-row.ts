import type { StoredUser } from '../../contracts/user-store.js'
import type { SqlRow, SqlValue } from './client.js'
import { toObject } from './json-column.js'

/** The columns of the users' table; the id comes first. */
export const columns = [
  'id', 'email', 'email_key', 'password_hash', 'is_active', 'is_verified', 'is_superuser', 'created_at', 'updated_at',
  'version', 'session_epoch', 'pending_tokens', 'fields'
]

/** In the order of `columns`. */
export function toValues (user: StoredUser): SqlValue[] {
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
    // Hardly a user has one, and users are read at each request: what is null need not be parsed.
    Object.keys(user.pendingTokens).length === 0 ? null : JSON.stringify(user.pendingTokens),
    JSON.stringify(user.fields)
  ]
}

/** @throws TypeError if a column of JSON is damaged */
export function toUser (row: SqlRow): StoredUser {
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
    pendingTokens: row.pending_tokens === null ? {} : toObject(row.pending_tokens, `The pending tokens of the user ${id}`),
    fields: toObject(row.fields, `The fields of the user ${id}`)
  }
}
