import type { SeenUser, StoredUser } from '../../contracts/user-store.js'
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
export function toUser ([id, email, emailKey, passwordHash, isActive, isVerified, isSuperuser, createdAt, updatedAt, version, sessionEpoch, pendingTokens, fields]: SqlRow): StoredUser {
  return {
    id: String(id),
    email: String(email),
    emailKey: String(emailKey),
    passwordHash: passwordHash === null ? null : String(passwordHash),
    isActive: isTrue(isActive),
    isVerified: isTrue(isVerified),
    isSuperuser: isTrue(isSuperuser),
    createdAt: String(createdAt),
    updatedAt: String(updatedAt),
    version: Number(version),
    sessionEpoch: Number(sessionEpoch),
    pendingTokens: pendingTokens === null ? {} : toObject(pendingTokens, 'pending tokens of the user', id),
    fields: toObject(fields, 'fields of the user', id)
  }
}

/** Those that a guarded request needs. */
export const seenColumns = ['id', 'email', 'is_active', 'is_verified', 'is_superuser', 'created_at', 'updated_at', 'session_epoch', 'fields']

/**
 * The user of a row that begins with `seenColumns`.
 *
 * @throws TypeError if the fields are damaged
 */
export function toSeenUser (row: SqlRow): SeenUser {
  return {
    id: String(row[0]),
    email: String(row[1]),
    isActive: isTrue(row[2]),
    isVerified: isTrue(row[3]),
    isSuperuser: isTrue(row[4]),
    createdAt: String(row[5]),
    updatedAt: String(row[6]),
    sessionEpoch: Number(row[7]),
    fields: toObject(row[8], 'fields of the user', row[0])
  }
}

function isTrue (value: unknown): boolean {
  return Number(value) === 1
}
