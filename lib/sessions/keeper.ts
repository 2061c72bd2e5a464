import { createHmac, randomBytes } from 'node:crypto'
import { isBoolean, isSession } from '../answers.js'
import type { SessionData, SessionStore, StoredSession } from '../contracts/session-store.js'
import type { Exchange, Grant, Issued, LookUps, Refreshed, Renewed, RunningStrategy, Session, StrategyContext, Verified } from '../contracts/strategy.js'
import { createToken, digestOf, hasDigest, readToken } from '../crypto/opaque-token.js'
import { StoreAnswerError } from '../errors.js'
import { isPromise, type MaybePromise } from '../maybe-promise.js'
import { createRotations, type Rotation } from './rotations.js'

/** How access tokens are made: what differs from one strategy with sessions to the other. */
export interface AccessTokens {
  /** @param handle what all tokens of the session share */
  make (session: Session, backend: string, handle: string, secret: Buffer): string
  /** Whether the store is to know the digest of the newest one, because nothing else tells whether it is good. */
  readonly areOpaque: boolean
}

/** Keeps sessions in a store. */
export interface Keeper extends Required<Pick<RunningStrategy, 'issue' | 'revoke' | 'refresh' | 'sessions'>> {
  /** The session with this id, if it holds at this backend and is what `isGood` expects; and the store is told, at times, that it was used. */
  see <T>(id: string, backend: string, isGood: (row: StoredSession, expected: T) => boolean, expected: T): MaybePromise<Verified | null>
}

type Found = Awaited<ReturnType<LookUps['findSession']>>

/** What refresh tokens begin with. */
const refreshKind = 'fu-refresh'

/** `lastSeenAt` is written no more often than this: milliseconds. */
const seenEveryMs = 60_000

/** How often an exchange is tried again because the session was changed in between. */
const tries = 5

/**
 * The life of a session in a store: begun at log-in, seen at requests, renewed by refresh tokens, ended. All of its tokens carry
 * one handle, and the digest of that is the session's id: so there is one row and one look-up, and the id opens nothing.
 *
 * @param idleSeconds when a session without refresh tokens ends unless it is used; `undefined`: not before its time
 */
export function createKeeper (store: SessionStore, { clock, lookUps }: Pick<StrategyContext, 'clock' | 'lookUps'>, access: AccessTokens, idleSeconds?: number): Keeper {
  const rotations = createRotations()
  /** The sessions whose last use is being noted: a store that hangs gets one write for each, not one for each request. */
  const noting = new Map<string, number>()

  return { issue, see, refresh, revoke, sessions: store }

  async function issue ({ userId, epoch, backend, lifetimeSeconds, refresh, ip, userAgent }: Grant): Promise<Issued> {
    const now = clock()
    const handle = randomBytes(16).toString('base64url')
    const id = digestOf(handle)
    const endsAt = now + (refresh?.absoluteSeconds ?? lifetimeSeconds) * 1000
    const idle = refresh?.idleSeconds ?? idleSeconds
    const expiresAt = Math.min(now + lifetimeSeconds * 1000, endsAt)
    const session: Session = { id, userId, epoch, issuedAt: now, expiresAt, authenticatedAt: now }
    const token = access.make(session, backend, handle, randomBytes(32))
    const refreshToken = refresh === undefined ? undefined : createToken(refreshKind, handle)

    const data: SessionData = {
      backend,
      epoch,
      authenticatedAt: now,
      endsAt,
      idleMs: idle === undefined ? null : idle * 1000,
      accessExpiresAt: expiresAt,
      accessDigest: access.areOpaque ? digestOf(token) : null,
      refresh: refreshToken === undefined ? null : { digest: digestOf(refreshToken), usedDigest: null, salt: '', rotatedAt: now },
      ip,
      userAgent
    }
    await store.insert({ id, userId, createdAt: now, lastSeenAt: now, expiresAt: expiry(data, now), version: 1, data })
    return { token, session, refreshToken }
  }

  function see <T> (id: string, backend: string, isGood: (row: StoredSession, expected: T) => boolean, expected: T): MaybePromise<Verified | null> {
    const found = lookUps.findSession(store, id)
    return !isFound(found) && isPromise(found) ? seenLater(found, id, backend, isGood, expected) : seen(found, id, backend, isGood, expected)
  }

  async function seenLater <T> (found: Promise<Found>, id: string, backend: string, isGood: (row: StoredSession, expected: T) => boolean, expected: T): Promise<Verified | null> {
    return seen(await found, id, backend, isGood, expected)
  }

  function seen <T> (found: Found, id: string, backend: string, isGood: (row: StoredSession, expected: T) => boolean, expected: T): Verified | null {
    if (found === null) return null
    const { session: row, user } = found
    const now = clock()
    if (!holds(row, id, backend, now) || !isGood(row, expected)) return null
    if (now - row.lastSeenAt >= seenEveryMs) noteSeen(row, now)
    return { session: toSession(row), user }
  }

  /** Nobody waits for it, and where another change came first, that one knows better. */
  function noteSeen (row: StoredSession, now: number): void {
    if (now - (noting.get(row.id) ?? -Infinity) < seenEveryMs) return
    noting.set(row.id, now)
    const done = (): void => { noting.delete(row.id) }
    try {
      const noted = store.replace({ ...row, lastSeenAt: now, expiresAt: expiry(row.data, now), version: row.version + 1 }, row.version)
      if (isPromise(noted)) {
        noted.then(done, done)
        return
      }
    } catch {}
    done()
  }

  async function refresh (token: string, { backend, lifetimeSeconds, graceSeconds, admits, cameAt, onReplied, onReuse }: Exchange): Promise<Refreshed> {
    const handle = readToken(refreshKind, token)
    if (handle === null) return 'invalid'
    const id = digestOf(handle)
    const used = digestOf(token)

    let wasNewest = false
    for (let attempt = 0; attempt < tries; attempt++) {
      const row = await store.find(id)
      const now = clock()
      if (!holds(row, id, backend, now) || row.data.refresh === null) return 'invalid'

      const { digest, usedDigest, rotatedAt } = row.data.refresh
      if (!hasDigest(token, digest)) {
        if (usedDigest !== null && hasDigest(token, usedDigest)) {
          const failedSalts = rotations.takeFailed(used)
          const repeated = repeat(row, handle, token, failedSalts, graceSeconds, now)
          if (repeated !== null) {
            const { issued, salt } = repeated
            // Before the user is asked for: if that fails, the client comes once more.
            const rotation = failedSalts.includes(salt) ? rotations.begin(used, salt) : null
            if (rotation !== null) onReplied(rotation.replied)
            if (await admits(toSession(row))) return issued
            rotation?.lost()
          }
          if (wasNewest || rotations.cameBefore(used, cameAt, rotatedAt, now)) return 'raced'
        }
        // Whoever has this handle has had a token of this session. Two have the session, and one of them is a thief.
        onReuse(toSession(row))
        await end(id)
        return 'reused'
      }

      wasNewest = true
      if (!await admits(toSession(row))) {
        await end(id)
        return 'invalid'
      }
      const renewed = renew(row, handle, token, now, lifetimeSeconds, graceSeconds)
      if (await exchange(renewed.row, row.version, rotations.begin(used, renewed.salt), onReplied)) return renewed.issued
      // Somebody was faster: the next look tells whether with the same token.
    }
    return 'raced'
  }

  /** Whoever sees the new row must find that it was begun here, so that was noted first. */
  async function exchange (row: StoredSession, version: number, rotation: Rotation, onReplied: Exchange['onReplied']): Promise<boolean> {
    // Before the store has answered: if that takes too long, the client is told so, and comes once more.
    onReplied(rotation.replied)
    const won = await store.replace(row, version) === true
    if (!won) rotation.lost()
    return won
  }

  /**
   * The tokens that the used one was exchanged for, once more: within the grace, or where the exchange was made here and the reply was
   * an error of ours. `null` where neither holds, or they were used themselves.
   */
  function repeat (row: StoredSession, handle: string, token: string, failedSalts: readonly string[], graceSeconds: number, now: number): { readonly issued: Renewed, readonly salt: string } | null {
    const { digest, salt, rotatedAt } = row.data.refresh as NonNullable<SessionData['refresh']>
    // Another machine's clock may be ahead: what was exchanged in the future is no nearer for that.
    const isInGrace = graceSeconds > 0 && Math.abs(now - rotatedAt) < graceSeconds * 1000
    for (const candidate of isInGrace ? [...failedSalts, salt] : failedSalts) {
      const issued = derive(row, handle, token, candidate)
      if (hasDigest(issued.refreshToken, digest)) return { issued, salt: candidate }
    }
    return null
  }

  /**
   * The next tokens, made of the presented one and a salt. The store learns the salt only where a grace asks for it: with the used token
   * it gives the new ones.
   */
  function renew (row: StoredSession, handle: string, token: string, now: number, lifetimeSeconds: number, graceSeconds: number): { readonly row: StoredSession, readonly issued: Renewed, readonly salt: string } {
    const salt = randomBytes(16).toString('base64url')
    const rotation = { digest: '', usedDigest: digestOf(token), salt: graceSeconds > 0 ? salt : '', rotatedAt: now }
    const data: SessionData = { ...row.data, accessExpiresAt: Math.min(now + lifetimeSeconds * 1000, row.data.endsAt), refresh: rotation }
    const issued = derive({ ...row, data }, handle, token, salt)
    const digests = { accessDigest: access.areOpaque ? digestOf(issued.token) : null, refresh: { ...rotation, digest: digestOf(issued.refreshToken) } }
    return {
      issued,
      salt,
      row: { ...row, lastSeenAt: now, expiresAt: expiry(data, now), version: row.version + 1, data: { ...data, ...digests } }
    }
  }

  function derive (row: StoredSession, handle: string, token: string, salt: string): Renewed {
    const session = toSession(row)
    return {
      session,
      token: access.make(session, row.data.backend, handle, secretOf(token, salt, 'access')),
      refreshToken: createToken(refreshKind, handle, secretOf(token, salt, 'refresh'))
    }
  }

  async function revoke ({ id }: Session): Promise<void> {
    await end(id)
  }

  /** Nobody is told that a session is over because of an answer that is none. */
  async function end (id: string): Promise<void> {
    if (!isBoolean(await store.remove(id))) throw new StoreAnswerError('remove')
  }
}

function isFound (found: MaybePromise<Found>): found is Found & object {
  return (found as Partial<NonNullable<Found>> | null)?.session !== undefined
}

/**
 * Whether a session holds at a backend, as far as the store can tell. One with another id, or half of one, is no answer: nothing is told by
 * it, not even that this one is over, and it is never written back.
 */
function holds (row: StoredSession | null, id: string, backend: string, now: number): row is StoredSession {
  if (row === null) return false
  if (!isSession(row) || row.id !== id) throw new StoreAnswerError('find')
  return row.data.backend === backend && row.expiresAt > now && row.data.endsAt > now
}

/** A stored session, as the rest of the house knows it. */
function toSession ({ id, userId, createdAt, data: { epoch, accessExpiresAt, authenticatedAt, refresh } }: StoredSession): Session {
  return { id, userId, epoch, issuedAt: refresh?.rotatedAt ?? createdAt, expiresAt: accessExpiresAt, authenticatedAt }
}

function expiry ({ endsAt, idleMs }: SessionData, now: number): number {
  return idleMs === null ? endsAt : Math.min(endsAt, now + idleMs)
}

function secretOf (token: string, salt: string, use: string): Buffer {
  return createHmac('sha256', token).update(`${salt}.${use}`).digest()
}
