import type { MaybePromise } from '../maybe-promise.js'

/** What is known of a session, beside what a store looks for. A store keeps it as JSON, and reads none of it. */
export interface SessionData {
  /** The name of the backend that it belongs to. */
  readonly backend: string
  /** The user's `sessionEpoch` at log-in. */
  readonly epoch: number
  /** When the user proved, by a password say, who they are: milliseconds since 1970. */
  readonly authenticatedAt: number
  /** When it ends, whatever happens: milliseconds since 1970. */
  readonly endsAt: number
  /** When it ends unless it is used, counted from the last use: milliseconds; `null`: only at `endsAt`. */
  readonly idleMs: number | null
  /** When the newest access token expires: milliseconds since 1970. */
  readonly accessExpiresAt: number
  /** SHA-256 of the newest access token; `null` where that can be checked without (a JWT). */
  readonly accessDigest: string | null
  /** Of a session with refresh tokens. */
  readonly refresh: {
    /** SHA-256 of the newest refresh token. */
    readonly digest: string
    /** SHA-256 of the one before it; `null` if there was none. */
    readonly usedDigest: string | null
    /** What the newest tokens were derived with from the used one, where a grace may ask for them once more; else empty. It opens nothing without that token. */
    readonly salt: string
    /** When the used one was exchanged: milliseconds since 1970. */
    readonly rotatedAt: number
  } | null
  /** From where the log-in came; `null` where that is not known. */
  readonly ip: string | null
  /** As the client says, at most 512 characters. */
  readonly userAgent: string | null
}

/** A session as a store keeps it. No token can be made of it. */
export interface StoredSession {
  /** 43 letters, digits, `-` and `_`: the SHA-256 of what its tokens share. It names the session, and opens nothing. */
  readonly id: string
  readonly userId: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** When it was used last, give or take a minute: milliseconds since 1970. */
  readonly lastSeenAt: number
  /** From when on the store may forget it: milliseconds since 1970. It never comes back to life. */
  readonly expiresAt: number
  /** Grows by one with each change: what makes a change atomic. */
  readonly version: number
  readonly data: SessionData
}

/** Which sessions a list shall hold. */
export interface SessionQuery {
  readonly userId: string
  /** The last session of the page before; `null` for the first page. */
  readonly after: Pick<StoredSession, 'createdAt' | 'id'> | null
  /** At most so many, from 1. */
  readonly limit: number
}

/**
 * Where sessions live. Seven methods; what they mean is checked by `sessionStoreContract` of `fastify-users/testing`. Each is one
 * atomic step. A method that cannot do its work throws: the client is then told 503, and is neither logged in nor out.
 */
export interface SessionStore {
  /** Adds a session. Its id is new. */
  insert (session: StoredSession): MaybePromise<void>
  /** The session with this id, or `null`. One that has expired may be either. */
  find (id: string): MaybePromise<StoredSession | null>
  /**
   * Puts `session`, of the same user and time, in the place of the one with the same id, if that still has the given `version`: one atomic compare-and-swap.
   * `false`, and nothing changed, if it has not, or is gone: a session that was removed is never revived.
   */
  replace (session: StoredSession, version: number): MaybePromise<boolean>
  /** Removes a session. `false` if there is none. */
  remove (id: string): MaybePromise<boolean>
  /** Sessions of a user: the latest first (by `createdAt`, then by `id`, both descending). Expired ones may be among them. */
  list (query: SessionQuery): MaybePromise<readonly StoredSession[]>
  /** Removes all sessions of a user, but for the one with this id. */
  removeAll (userId: string, exceptId: string | null): MaybePromise<void>
  /** Removes sessions that have expired by `now`, some hundreds at most; says how many. A store that forgets by itself has nothing to do. */
  purge (now: number): MaybePromise<number>
  /** `true` if all is lost when the process ends. Such a store is refused where `NODE_ENV` is `production`. */
  readonly ephemeral?: boolean | undefined
  /** Called when the Fastify app closes. Closing twice is closing once. */
  close? (): MaybePromise<void>
}
