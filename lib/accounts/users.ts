import type { FastifyRequest } from 'fastify'
import type { Background } from '../background.js'
import type { StoredUser } from '../contracts/user-store.js'
import type { DefaultedField, User, UserFields } from '../contracts/user.js'
import { UserNotFoundError } from '../errors.js'
import type { Accounts, Source } from './accounts.js'
import { authenticate } from './authenticate.js'
import { create } from './create.js'
import { confirmEmailChange } from './email-change.js'
import { findByEmail, findById } from './find.js'
import { forgotPassword } from './forgot-password.js'
import { loginCounters } from './limits.js'
import { list, type ListQuery, type UserPage } from './list.js'
import { remove } from './remove.js'
import { requestVerify } from './request-verify.js'
import { resetPassword } from './reset-password.js'
import { revokeSessions } from './revoke-sessions.js'
import { toUser } from './to-user.js'
import { unlock } from './unlock.js'
import { update } from './update.js'
import { verify } from './verify.js'

/** What may be said of a user, beside the application's own fields. */
export interface UserSettings {
  /** What the rules allow: by default 8 to 128 characters (code points). `null`: no password, so no login by one. */
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
export type NewUser = { readonly email: string } & UserSettings & Loose<Omit<UserFields, DefaultedField>> & { readonly [Field in DefaultedField]?: UserFields[Field] | undefined }

/** What `users.update` takes. */
export type UserChanges = { readonly email?: string | undefined } & UserSettings & { readonly [Field in keyof UserFields]?: UserFields[Field] | undefined }

/**
 * The users, for scripts, tests and the application's own routes: `app.users`.
 *
 * A `request` that is handed over reaches the hooks, and tells the audit who did it, and from where. Input is trusted: a route
 * that hands over a body names what may be in it.
 */
export interface Users {
  /**
   * Adds a user. Nothing is mailed.
   *
   * @throws `REGISTER_USER_ALREADY_EXISTS`, `REGISTER_INVALID_PASSWORD`, `FST_USERS_INVALID_USER`
   * @example await app.users.create({ email: 'ann@example.com', password: 'correct horse battery staple' })
   */
  create (user: NewUser, request?: FastifyRequest): Promise<User>
  /** The user with this id, or `null`. */
  get (id: string): Promise<User | null>
  /** The user with this address, in whatever case, or `null`. */
  getByEmail (email: string): Promise<User | null>
  /**
   * A page of users, the oldest first.
   *
   * @throws `FST_USERS_INVALID_USER`
   * @example
   * ```ts
   * for (let cursor: string | null | undefined; cursor !== null;) {
   *   const page = await app.users.list({ cursor, email: '@example.com' })
   *   cursor = page.nextCursor
   * }
   * ```
   */
  list (query?: ListQuery): Promise<UserPage>
  /**
   * Changes a user. A new password, a new address, deactivation and the loss of `isSuperuser` end all sessions of the
   * user at once, and what was mailed before; a new address is unverified. The user is told by mail of a new password, and at
   * the old address of a new one.
   *
   * @throws `USER_NOT_FOUND`, `UPDATE_USER_EMAIL_ALREADY_EXISTS`, `UPDATE_USER_INVALID_PASSWORD`, `LAST_SUPERUSER`,
   * `FST_USERS_INVALID_USER`, `FST_USERS_CONFLICT`
   */
  update (id: string, changes: UserChanges, request?: FastifyRequest): Promise<User>
  /**
   * Removes a user for good, and with the user every session. `false` if there is none.
   *
   * @throws `LAST_SUPERUSER`, or what `onBeforeDelete` throws
   */
  remove (id: string, request?: FastifyRequest): Promise<boolean>
  /**
   * The active user with this address and password, or `null`. It takes as long either way, and counts as a login at the account and, with
   * a `request`, of its client: no password is looked at that would be one too many.
   *
   * @throws `TOO_MANY_REQUESTS`, whether there is an account or not
   */
  authenticate (email: string, password: string, request?: FastifyRequest): Promise<User | null>
  /**
   * Mails a link to verify the address, if there is an active account of it that is not verified. It resolves before that is
   * known, and takes as long either way.
   */
  requestVerify (email: string, request?: FastifyRequest): Promise<void>
  /**
   * Verifies the address of the user to whom the token was mailed.
   *
   * @throws `VERIFY_USER_BAD_TOKEN`, `VERIFY_USER_ALREADY_VERIFIED`
   */
  verify (token: string, request?: FastifyRequest): Promise<User>
  /** Mails a link to reset the password, if there is an active account. It resolves before that is known, and takes as long either way. */
  forgotPassword (email: string, request?: FastifyRequest): Promise<void>
  /**
   * Sets the password of the user to whom the token was mailed, and ends all sessions.
   *
   * @throws `RESET_PASSWORD_BAD_TOKEN`; `RESET_PASSWORD_INVALID_PASSWORD`, and the token is still good
   */
  resetPassword (token: string, password: string, request?: FastifyRequest): Promise<User>
  /**
   * With `confirmEmailChange`: gives the user the new address, to which the token was mailed.
   *
   * @throws `CHANGE_EMAIL_BAD_TOKEN`, `UPDATE_USER_EMAIL_ALREADY_EXISTS`
   */
  confirmEmailChange (token: string, request?: FastifyRequest): Promise<User>
  /** Ends all sessions of a user. `false` if there is no such user. */
  revokeSessions (id: string, request?: FastifyRequest): Promise<boolean>
  /** Lets a user log in at once whose password was guessed at too often. A new password does so, too. `false` if there is no such user. */
  unlock (id: string, request?: FastifyRequest): Promise<boolean>
}

/** Binds the use cases to a store. */
export function createUsers (accounts: Accounts, background: Background): Users {
  const { store } = accounts
  const known = (user: StoredUser | null): User | null => user === null ? null : toUser(user)
  const from = (request: FastifyRequest | undefined): Source => ({ request: request ?? null, later: background.run })

  return {
    create: async (user, request) => toUser(await create(accounts, user, from(request))),
    get: async (id) => known(await findById(store, id)),
    getByEmail: async (email) => known(await findByEmail(store, email)),
    list: async (query = {}) => await list(accounts, query),
    update: async (id, changes, request) => toUser((await update(accounts, id, changes, from(request))).after),
    remove: async (id, request) => await unlessMissing(() => remove(accounts, id, from(request))),
    async authenticate (email, password, request) {
      const source = from(request)
      const attempt = await accounts.limiter.admit(loginCounters(accounts, email, source.request))
      const { user, failure } = await attempt.during(() => authenticate(accounts, email, password, source))
      if (failure !== null) return null
      await attempt.succeeded()
      return toUser(user)
    },
    requestVerify: async (email, request) => { await requestVerify(accounts, email, from(request)) },
    verify: async (token, request) => toUser(await verify(accounts, token, from(request))),
    forgotPassword: async (email, request) => { await forgotPassword(accounts, email, from(request)) },
    resetPassword: async (token, password, request) => toUser(await resetPassword(accounts, token, password, from(request))),
    confirmEmailChange: async (token, request) => toUser(await confirmEmailChange(accounts, token, from(request))),
    revokeSessions: async (id, request) => await unlessMissing(() => revokeSessions(accounts, id, from(request))),
    unlock: async (id, request) => await unlessMissing(() => unlock(accounts, id, from(request)))
  }
}

async function unlessMissing (work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof UserNotFoundError) return false
    throw error
  }
}
