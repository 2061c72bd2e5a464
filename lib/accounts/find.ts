import type { StoredUser } from '../contracts/user-store.js'
import type { Accounts } from './accounts.js'
import { emailKey, isEmail } from '../email.js'
import { UserNotFoundError } from '../errors.js'

/** Whatever a route hands on: databases compare a number, or a text with a NUL, in ways of their own. */
export function isId (id: unknown): id is string {
  return typeof id === 'string' && id !== '' && !id.includes('\0')
}

/** The user with this id, or `null`, also where a store says `undefined` for nobody. */
export async function findById (store: Accounts['store'], id: string): Promise<StoredUser | null> {
  return isId(id) ? await store.findById(id) ?? null : null
}

/** The user with this id. @throws `USER_NOT_FOUND` */
export async function getById (store: Accounts['store'], id: string): Promise<StoredUser> {
  const user = await findById(store, id)
  if (user === null) throw new UserNotFoundError()
  return user
}

/** The user with this address, in whatever case, or `null`. What cannot be one is not asked for: not every database takes every character. */
export async function findByEmail (store: Accounts['store'], email: string): Promise<StoredUser | null> {
  if (typeof email !== 'string') return null
  const key = emailKey(email)
  return isEmail(key) ? await store.findByEmail(key) ?? null : null
}
