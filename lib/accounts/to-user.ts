import type { StoredUser } from '../contracts/user-store.js'
import type { User } from '../contracts/user.js'

/** What the application and the wire see of a stored user: never the hash, nor what is the library's own business. */
export function toUser (stored: StoredUser): User {
  const { id, email, isActive, isVerified, isSuperuser, createdAt, updatedAt, fields } = stored
  // Each guarded request makes one, and the application may have no fields of its own.
  if (Object.keys(fields).length === 0) return { id, email, isActive, isVerified, isSuperuser, createdAt, updatedAt } as User
  // The application's fields come first, so that none of them can pass for a flag.
  return { ...fields, id, email, isActive, isVerified, isSuperuser, createdAt, updatedAt } as User
}
