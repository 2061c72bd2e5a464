import type { MaybePromise } from '../maybe-promise.js'
import type { RevocationStore } from './revocation-store.js'
import type { BaseUser } from './user.js'

/** A user as a store keeps it. A store reads none of this but the four keys that its methods name. */
export interface StoredUser extends BaseUser {
  /** The address in its one canonical spelling. Unique: by an index of the database, never by a look-up. */
  readonly emailKey: string
  /** A PHC string or a bcrypt hash; `null` for a user who has no password. */
  readonly passwordHash: string | null
  /** Grows by one with each change: what makes a change atomic. */
  readonly version: number
  /** Grows by one when all sessions of the user end; a session of an earlier epoch is dead. */
  readonly sessionEpoch: number
  /** The application's own fields: any JSON. */
  readonly fields: Readonly<Record<string, unknown>>
}

/**
 * Where users live. Five methods, each one statement of the database; what they mean is checked by `userStoreContract`
 * of `fastify-users/testing`. A method that cannot do its work throws: the client is then told 503.
 *
 * @example
 * ```ts
 * const users: UserStore = {
 *   insert: (user) => prisma.user.create({ data: user }).then(() => true, (error) => {
 *     if (error.code === 'P2002') return false
 *     throw error
 *   }),
 *   findById: (id) => prisma.user.findUnique({ where: { id } }),
 *   findByEmail: (emailKey) => prisma.user.findUnique({ where: { emailKey } }),
 *   replace: async (user, version) => (await prisma.user.updateMany({ where: { id: user.id, version }, data: user })).count === 1,
 *   remove: async (id) => (await prisma.user.deleteMany({ where: { id } })).count === 1
 * }
 * ```
 */
export interface UserStore {
  /** Adds a user. `false`, and nothing changed, if another user has this `emailKey`. */
  insert (user: StoredUser): MaybePromise<boolean>
  /** The user with this id, or `null`. */
  findById (id: string): MaybePromise<StoredUser | null>
  /** The user with this `emailKey`, or `null`. */
  findByEmail (emailKey: string): MaybePromise<StoredUser | null>
  /**
   * Puts `user` in the place of the one with the same id, if that still has the given `version`: one atomic
   * compare-and-swap. `false`, and nothing changed, if it has not, or is gone.
   *
   * @returns `'taken'`, and nothing changed, if another user has the new `emailKey`.
   */
  replace (user: StoredUser, version: number): MaybePromise<boolean | 'taken'>
  /** Removes a user for good. `false` if there is none. */
  remove (id: string): MaybePromise<boolean>
  /** Where the ids of ended sessions are kept, if this store keeps them. */
  readonly revocations?: RevocationStore | undefined
  /** `true` if all is lost when the process ends. Such a store is refused where `NODE_ENV` is `production`. */
  readonly ephemeral?: boolean | undefined
  /** Called when the Fastify app closes. Closing twice is closing once. */
  close? (): MaybePromise<void>
}
