import type { MaybePromise } from '../maybe-promise.js'
import type { RateLimitStore } from './rate-limit-store.js'
import type { RevocationStore } from './revocation-store.js'
import type { SessionStore, StoredSession } from './session-store.js'
import type { BaseUser } from './user.js'

/** What a token that was mailed is good for. */
export type Purpose = 'verify' | 'reset' | 'email-change'

/** The newest token of a purpose. An older one is nowhere kept, and so is no good. */
export interface PendingToken {
  /** SHA-256 of the token, in base64url. The token itself is kept by nobody but its owner. */
  readonly digest: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  /** The address that the user is to have: of `email-change` alone. */
  readonly email?: string
}

/** A user as a store keeps it. A store reads none of this but the five keys that its methods name. */
export interface StoredUser extends BaseUser {
  /** The address in its one canonical spelling. Unique: by an index of the database, never by a look-up. */
  readonly emailKey: string
  /** A PHC string or a bcrypt hash; `null` for a user who has no password. */
  readonly passwordHash: string | null
  /** Grows by one with each change: what makes a change atomic. */
  readonly version: number
  /** Grows by one when all sessions of the user end; a session of an earlier epoch is dead. */
  readonly sessionEpoch: number
  /**
   * What was mailed and not used yet. It stands with the user, so that one compare-and-swap uses a token up and does what
   * it is good for.
   */
  readonly pendingTokens: Readonly<Partial<Record<Purpose, PendingToken>>>
  /** The application's own fields: any JSON. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** What a guarded request needs to know of a user: the hash of a password is none of it. */
export type SeenUser = Omit<StoredUser, 'emailKey' | 'passwordHash' | 'version' | 'pendingTokens'>

/** Which users a list shall hold. */
export interface UserQuery {
  /** Only users with a greater id; `null` for the first page. */
  readonly after: string | null
  /** At most so many, from 1. */
  readonly limit: number
  /** Only users whose `emailKey` holds this text somewhere; `null` for all. */
  readonly emailPart: string | null
}

/** Two look-ups in one. */
export interface JoinedLookUps {
  /**
   * What is joined. Where the plugin is given another of these, by whoever spreads a store and replaces a part of it, it asks that one,
   * and none of the joined.
   */
  readonly of: Pick<UserStore, 'findById' | 'sessions' | 'revocations'>
  /** A session, and its user; `null` if one of them is gone. */
  bySession (sessionId: string): MaybePromise<{ readonly session: StoredSession, readonly user: SeenUser } | null>
  /**
   * The user with this id, and whether the token with that one was ended.
   *
   * @returns `user: null` if there is no such user; `isRevoked` is then of no account
   */
  withRevocation (id: string, tokenId: string): MaybePromise<{ readonly user: SeenUser | null, readonly isRevoked: boolean }>
}

/**
 * Where users live. Seven methods must be there; what they mean is checked by `userStoreContract` of `fastify-users/testing`. All but one are
 * a single statement of the database. A method that cannot do its work throws: the client is then told 503. In the example `contains` takes `%`
 * and `_` for any sign: docs/learn/prisma.md has the whole of it.
 *
 * @example
 * ```ts
 * const taken = (error: { code?: string }) => {
 *   if (error.code === 'P2002') return 'taken' as const
 *   throw error
 * }
 * const users: UserStore = {
 *   insert: async (user) => await prisma.user.create({ data: user }).then(() => true, taken) === true,
 *   findById: (id) => prisma.user.findUnique({ where: { id } }),
 *   findByEmail: (emailKey) => prisma.user.findUnique({ where: { emailKey } }),
 *   list: ({ after, limit, emailPart }) => prisma.user.findMany({
 *     where: { id: { gt: after ?? '' }, emailKey: { contains: emailPart ?? '' } }, orderBy: { id: 'asc' }, take: limit
 *   }),
 *   replace: (user, version) => prisma.user.updateMany({ where: { id: user.id, version }, data: user }).then(({ count }) => count === 1, taken),
 *   remove: async (id, version) => (await prisma.user.deleteMany({ where: { id, version } })).count === 1,
 *   retire: (id, version, next) => prisma.$transaction(async (tx) => {
 *     await tx.$executeRaw`select pg_advisory_xact_lock(7310)`
 *     const where = { id, version }
 *     if (await tx.user.count({ where }) === 0) return false
 *     if (await tx.user.count({ where: { isSuperuser: true, isActive: true, NOT: { id } } }) === 0) return 'last'
 *     return (next === null ? await tx.user.deleteMany({ where }) : await tx.user.updateMany({ where, data: next })).count === 1
 *   }).catch(taken)
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
  /** Users in the order of their ids. */
  list (query: UserQuery): MaybePromise<readonly StoredUser[]>
  /**
   * Puts `user` in the place of the one with the same id, if that still has the given `version`: one atomic
   * compare-and-swap. `false`, and nothing changed, if it has not, or is gone.
   *
   * @returns `'taken'`, and nothing changed, if another user has the new `emailKey`.
   */
  replace (user: StoredUser, version: number): MaybePromise<boolean | 'taken'>
  /** Removes a user for good, if it still has the given `version`. `false`, and nothing changed, if it has not, or is gone. */
  remove (id: string, version: number): MaybePromise<boolean>
  /**
   * What `replace` does, or `remove` where `next` is `null`, for a user who is an active superuser and will be none: but only
   * if another active superuser remains. Calls of it run one after the other, whatever process they come from: two superusers
   * who retire each other at once would both still see the other one there.
   *
   * @returns `false`, and nothing changed, if the version is another one or the user is gone; else `'last'`, and nothing changed,
   * if no other user is an active superuser; `'taken'` as `replace` does.
   */
  retire (id: string, version: number, next: StoredUser | null): MaybePromise<boolean | 'taken' | 'last'>
  /** For speed: what a request would look up one after the other, in one look-up. */
  readonly joined?: JoinedLookUps | undefined
  /** Where the ids of ended sessions are kept, if this store keeps them. */
  readonly revocations?: RevocationStore | undefined
  /** Where sessions are kept, if this store keeps them. */
  readonly sessions?: SessionStore | undefined
  /** Where attempts are counted, if this store counts them. */
  readonly limits?: RateLimitStore | undefined
  /** `true` if all is lost when the process ends. Such a store is refused where `NODE_ENV` is `production`. */
  readonly ephemeral?: boolean | undefined
  /** Called when the Fastify app closes. Closing twice is closing once. */
  close? (): MaybePromise<void>
}
