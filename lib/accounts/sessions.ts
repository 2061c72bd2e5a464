import type { StoredSession } from '../contracts/session-store.js'
import type { StoredUser } from '../contracts/user-store.js'
import type { BackendName } from '../contracts/user.js'
import { InvalidUserError, SessionNotFoundError } from '../errors.js'
import type { Accounts, Source } from './accounts.js'
import { recorded } from './record.js'

/** A session, as its owner sees it. */
export interface SessionView {
  readonly id: string
  readonly backend: BackendName
  /** ISO 8601, UTC. */
  readonly createdAt: string
  /** ISO 8601, UTC; give or take a minute. */
  readonly lastSeenAt: string
  /** When it ends unless it is used: ISO 8601, UTC. */
  readonly expiresAt: string
  readonly ip: string | null
  readonly userAgent: string | null
}

/** A page of sessions, the latest first. */
export interface SessionPage {
  readonly items: readonly SessionView[]
  /** For the next page; `null` on the last one. */
  readonly nextCursor: string | null
}

/** Which sessions a page shall hold. */
export interface SessionListQuery {
  /** At most so many: 1 to 100. Default 50. */
  readonly limit?: number | undefined
  /** The `nextCursor` of the page before. Default: the first page. */
  readonly cursor?: string | undefined
}

/** How many pages of sessions that have ended are passed over at most, before a short page is given. */
const patience = 20

/** The sessions of a user that hold, page by page, from all places where they are. */
export async function listSessions (accounts: Accounts, user: StoredUser, { limit = 50, cursor }: SessionListQuery): Promise<SessionPage> {
  const found: StoredSession[] = []
  let after: Place | null = cursor === undefined ? null : readCursor(cursor)

  for (let page = 0; page < patience; page++) {
    const rows = await nextPage(accounts, user.id, after, limit + 1)
    found.push(...rows.filter((row) => holds(row, user, accounts.clock())))
    if (found.length > limit) return pageOf(found.slice(0, limit), found[limit - 1] as StoredSession)
    if (rows.length <= limit) return pageOf(found, null)
    after = rows.at(-1) as StoredSession
  }
  return pageOf(found, after)
}

function pageOf (rows: readonly StoredSession[], last: Place | null): SessionPage {
  return { items: rows.map(toView), nextCursor: last === null ? null : `${last.createdAt}.${last.id}` }
}

/** Ends one session of a user. @throws `SESSION_NOT_FOUND`, also for one that is somebody else's */
export async function endSession (accounts: Accounts, userId: string, id: string, source: Source): Promise<void> {
  await recorded(accounts, source, 'revoke-session', userId, async () => {
    for (const store of accounts.sessions) {
      const row = await store.find(id)
      if (row?.userId === userId && await store.remove(id) === true) return
    }
    throw new SessionNotFoundError()
  })
}

/** Ends all sessions of a user that are in stores, but one. */
export async function endOtherSessions (accounts: Accounts, userId: string, exceptId: string, source: Source): Promise<void> {
  await recorded(accounts, source, 'revoke-sessions', userId, async () => {
    for (const store of accounts.sessions) await store.removeAll(userId, exceptId)
  })
}

/** Clears away the sessions of a user who was removed. They are dead whether they are there or not, so that it fails is no reason to fail. */
export async function forgetSessions ({ sessions, log }: Accounts, userId: string): Promise<void> {
  for (const store of sessions) {
    try {
      await store.removeAll(userId, null)
    } catch (error) {
      log.error({ err: error, userId }, 'fastify-users: ended sessions could not be cleared away')
    }
  }
}

async function nextPage ({ sessions }: Accounts, userId: string, after: Place | null, limit: number): Promise<StoredSession[]> {
  const pages = await Promise.all(sessions.map(async (store) => await store.list({ userId, after, limit })))
  return pages.flat().sort((one, other) => other.createdAt - one.createdAt || (other.id > one.id ? 1 : -1)).slice(0, limit)
}

function holds ({ expiresAt, data }: StoredSession, user: StoredUser, now: number): boolean {
  return expiresAt > now && data.endsAt > now && data.epoch === user.sessionEpoch
}

function toView ({ id, createdAt, lastSeenAt, expiresAt, data: { backend, ip, userAgent } }: StoredSession): SessionView {
  const iso = (time: number): string => new Date(time).toISOString()
  return { id, backend: backend as BackendName, createdAt: iso(createdAt), lastSeenAt: iso(lastSeenAt), expiresAt: iso(expiresAt), ip, userAgent }
}

type Place = Pick<StoredSession, 'createdAt' | 'id'>

function readCursor (cursor: string): Place {
  const [, createdAt, id = ''] = /^(\d{1,15})\.([\w-]{1,64})$/.exec(cursor) ?? []
  if (createdAt === undefined) throw new InvalidUserError('cursor must be the nextCursor of another page')
  return { createdAt: Number(createdAt), id }
}
