import type { LoginFailure } from '../contracts/hooks.js'
import type { StoredUser } from '../contracts/user-store.js'
import { HashQueueFullError } from '../errors.js'
import type { Accounts, Source } from './accounts.js'
import { findByEmail } from './find.js'
import { turnOf } from './turn.js'

/** The user, or why there is none. */
export type Authentication =
  { readonly user: StoredUser, readonly failure: null } |
  { readonly user: StoredUser | null, readonly failure: LoginFailure }

/** Checks an address and a password. Every way to fail costs what success costs: one hash. */
export async function authenticate (accounts: Accounts, email: string, password: string, source: Pick<Source, 'request' | 'gone'>): Promise<Authentication> {
  const user = await findByEmail(accounts.store, email)
  // What is no text is nobody's password, and is refused as slowly as any other.
  const isText = typeof password === 'string'
  const matches = await accounts.passwords.verify(user?.passwordHash ?? null, isText ? password : '', turnOf(source)) && isText

  if (user === null) return { user, failure: 'unknown-user' }
  if (user.passwordHash === null) return { user, failure: 'no-password' }
  if (matches !== true) return { user, failure: 'wrong-password' }
  if (user.isActive !== true) return { user, failure: 'inactive' }
  return { user: await upgradeHash(accounts, user, user.passwordHash, password, source), failure: null }
}

/** Replaces a hash that is weaker than those made now; only now is the password at hand. Sessions go on. */
async function upgradeHash (accounts: Accounts, user: StoredUser, hash: string, password: string, { request }: Pick<Source, 'request'>): Promise<StoredUser> {
  if (!accounts.passwords.needsRehash(hash)) return user
  try {
    const upgraded = { ...user, passwordHash: await accounts.passwords.hash(password, turnOf({ request })), version: user.version + 1 }
    // Lost to another change, which may have been one of the password: then that one stands, and the next login tries again.
    return await accounts.store.replace(upgraded, user.version) === true ? upgraded : user
  } catch (error) {
    // The password was right, and there will be a quieter moment.
    if (error instanceof HashQueueFullError) return user
    throw error
  }
}
