import type { SeenUser } from '../contracts/user-store.js'
import type { User } from '../contracts/user.js'

/** What the application and the wire see of a stored user: never the hash, nor what is the library's own business. */
export function toUser (stored: SeenUser): User {
  const { id, email, isActive, isVerified, isSuperuser, createdAt, updatedAt, fields } = stored
  // The application's fields come first, so that none of them can pass for a flag.
  if (hasAny(fields)) return { ...fields, id, email, isActive, isVerified, isSuperuser, createdAt, updatedAt } as User
  // Each guarded request makes one.
  return { id, email, isActive, isVerified, isSuperuser, createdAt, updatedAt } as User
}

function hasAny (fields: object): boolean {
  let any = false
  // No list of them is made.
  for (const name in fields) any ||= Object.hasOwn(fields, name)
  return any
}
