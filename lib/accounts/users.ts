import type { StoredUser } from '../contracts/user-store.js'
import type { User, UserFields } from '../contracts/user.js'
import { UserNotFoundError } from '../errors.js'
import type { Accounts } from './accounts.js'
import { authenticate } from './authenticate.js'
import { create } from './create.js'
import { findByEmail, findById, isId } from './find.js'
import { toUser } from './to-user.js'
import { update } from './update.js'

/** What may be said of a user, beside the application's own fields. */
export interface UserSettings {
  /** At least 8, at most 1,024 characters (code points). `null`: no password, so no login by one. */
  readonly password?: string | null | undefined
  /** Instead of `password`, to import a user: a hash by argon2, bcrypt or scrypt. */
  readonly passwordHash?: string | undefined
  /** Default `true`. */
  readonly isActive?: boolean | undefined
  /** Default `false`. */
  readonly isVerified?: boolean | undefined
  /** Default `false`. */
  readonly isSuperuser?: boolean | undefined
}

/** With `exactOptionalPropertyTypes`, what may be left out may also be `undefined`. */
type Loose<T> = { readonly [Key in keyof T]: object extends Pick<T, Key> ? T[Key] | undefined : T[Key] }

/** What `users.create` takes. */
export type NewUser = { readonly email: string } & UserSettings & Loose<UserFields>

/** What `users.update` takes. */
export type UserChanges = { readonly email?: string | undefined } & UserSettings & { readonly [Field in keyof UserFields]?: UserFields[Field] | undefined }

/** The users, for scripts, tests and the application's own routes: `app.users`. */
export interface Users {
  /**
   * Adds a user.
   *
   * @throws `FST_USERS_EMAIL_TAKEN`, `FST_USERS_INVALID_USER`
   * @example await app.users.create({ email: 'ann@example.com', password: 'correct horse battery staple' })
   */
  create (user: NewUser): Promise<User>
  /** The user with this id, or `null`. */
  get (id: string): Promise<User | null>
  /** The user with this address, in whatever case, or `null`. */
  getByEmail (email: string): Promise<User | null>
  /**
   * Changes a user. A new password, a new address, deactivation and the loss of `isSuperuser` end all sessions of the
   * user at once; a new address is unverified.
   *
   * @throws `FST_USERS_NOT_FOUND`, `FST_USERS_EMAIL_TAKEN`, `FST_USERS_INVALID_USER`, `FST_USERS_CONFLICT`
   */
  update (id: string, changes: UserChanges): Promise<User>
  /** Removes a user for good, and with the user every session. `false` if there is none. */
  remove (id: string): Promise<boolean>
  /** The active user with this address and password, or `null`. It takes as long either way. */
  authenticate (email: string, password: string): Promise<User | null>
}

/** Binds the use cases to a store. */
export function createUsers (accounts: Accounts): Users {
  const { store } = accounts
  const known = (user: StoredUser | null): User | null => user === null ? null : toUser(user)

  return {
    create: async (user) => toUser(await create(accounts, user)),
    get: async (id) => known(await findById(store, id)),
    getByEmail: async (email) => known(await findByEmail(store, email)),
    async update (id, changes) {
      if (!isId(id)) throw new UserNotFoundError()
      return toUser(await update(accounts, id, changes))
    },
    remove: async (id) => isId(id) && await store.remove(id) === true,
    async authenticate (email, password) {
      const { user, failure } = await authenticate(accounts, email, password)
      return failure === null ? toUser(user) : null
    }
  }
}
