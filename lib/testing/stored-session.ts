import { randomBytes } from 'node:crypto'
import type { SessionStore, StoredSession } from '../contracts/session-store.js'
import { randomId } from '../crypto/random.js'

const hourMs = 3_600_000

export function newSessionId (): string {
  return randomBytes(32).toString('base64url')
}

/** A session that lives on for an hour, so that a store which forgets by its own clock still has it at the end of a case. */
export function newSession (given: Partial<StoredSession> = {}): StoredSession {
  const now = Date.now()
  return {
    id: newSessionId(),
    userId: randomId(),
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + hourMs,
    version: 1,
    data: {
      backend: 'cookie',
      epoch: 0,
      authenticatedAt: now,
      endsAt: now + hourMs,
      idleMs: null,
      accessExpiresAt: now + hourMs,
      accessDigest: null,
      refresh: null,
      ip: null,
      userAgent: null
    },
    ...given
  }
}

/** Adds sessions, a hundred at a time. */
export async function insertAll (store: SessionStore, sessions: readonly StoredSession[]): Promise<void> {
  for (let from = 0; from < sessions.length; from += 100) {
    await Promise.all(sessions.slice(from, from + 100).map(async (session) => await store.insert(session)))
  }
}

export async function insertedSession (store: SessionStore, given?: Partial<StoredSession>): Promise<StoredSession> {
  const session = newSession(given)
  await store.insert(session)
  return session
}

/** The next version of a session, with another value in all that can change. */
export function changedSession (session: StoredSession): StoredSession {
  return {
    ...session,
    lastSeenAt: session.lastSeenAt + 1,
    expiresAt: session.expiresAt + 2,
    version: session.version + 1,
    data: {
      backend: 'bearer',
      epoch: session.data.epoch + 1,
      authenticatedAt: session.data.authenticatedAt + 3,
      endsAt: session.data.endsAt + 4,
      idleMs: session.data.idleMs === null ? 1_209_600_000 : null,
      accessExpiresAt: session.data.accessExpiresAt + 5,
      accessDigest: session.data.accessDigest === null ? 'a'.repeat(43) : null,
      refresh: session.data.refresh === null ? { digest: 'b'.repeat(43), usedDigest: 'c'.repeat(43), salt: 'd'.repeat(22), rotatedAt: 6 } : null,
      ip: session.data.ip === null ? '2001:db8::1' : null,
      userAgent: session.data.userAgent === null ? 'é 👩‍🚀' : null
    }
  }
}

/** All sessions of a user, page by page. */
export async function allOf (store: SessionStore, userId: string, limit = 100): Promise<StoredSession[]> {
  const found: StoredSession[] = []
  // A store that goes round in circles is not followed for ever.
  for (let round = 0; round < 1000; round++) {
    const page = await store.list({ userId, after: found.at(-1) ?? null, limit })
    found.push(...page)
    if (page.length < limit) break
  }
  return found
}

/** In the order of `list`. */
export function latestFirst (sessions: readonly StoredSession[]): StoredSession[] {
  return [...sessions].sort((one, other) => other.createdAt - one.createdAt || (one.id < other.id ? 1 : -1))
}
