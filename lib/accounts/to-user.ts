import type { StoredUser } from '../contracts/user-store.js'
import type { User } from '../contracts/user.js'

/** What the application and the wire see of a stored user: never the hash, nor what is the library's own business. */
export function toUser (stored: StoredUser): User {
  // The application's fields come first, so that none of them can pass for a flag.
  const user = {
    ...stored.fields,
    id: stored.id,
    email: stored.email,
    isActive: stored.isActive,
    isVerified: stored.isVerified,
    isSuperuser: stored.isSuperuser,
    createdAt: stored.createdAt,
    updatedAt: stored.updatedAt
  }
  return user as User
}
