import type { StoredUser } from '../../contracts/user-store.js'
import type { SqlRow, SqlValue } from './client.js'

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

/** What was taken for empty would be written back as empty: a damaged row must be mended, not emptied. */
function toObject (json: unknown, what: string): Record<string, never> {
  const value = parsed(String(json))
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, never>
  throw new TypeError(`${what} are no JSON object.`)
}

/** `undefined` if it is no JSON. The error of the parser is dropped, as it quotes the text. */
function parsed (json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
