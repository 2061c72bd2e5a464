import { isBoolean } from '../answers.js'
import type { RevocationStore } from '../contracts/revocation-store.js'
import type { SessionStore, StoredSession } from '../contracts/session-store.js'
import type { LookUps, RunningStrategy, Session, Strategy, StrategyContext, Verified } from '../contracts/strategy.js'
import { randomId } from '../crypto/random.js'
import { createDoorkeeper } from '../doorkeeper.js'
import { StoreAnswerError } from '../errors.js'
import { andThen, isPromise, type MaybePromise } from '../maybe-promise.js'
import { misspelt } from '../misspelt.js'
import { createKeeper } from '../sessions/keeper.js'
import { isSessionStore } from '../sessions/is-session-store.js'
import { createTokenCache } from '../token-cache.js'
import { keyProblems, openKeys, type JwtAlgorithm, type JwtKey, type KeyRing } from './jwt-keys.js'

/** Options of {@link jwt}. Either `secret` or `keys`. */
export interface JwtOptions {
  /**
   * The secret of HMAC with SHA-256 (`HS256`): at least 32 random bytes, as `npx fastify-users secret` prints them.
   * `undefined`, an unset environment variable say, refuses to start.
   */
  readonly secret?: string | Buffer | undefined
  /** Keys in place of `secret`: the first signs, all verify. See docs/backends.md on rotation. */
  readonly keys?: readonly JwtKey[] | undefined
  /** How long a token lives where the backend does not say: seconds, at most 400 days. Default 3600. */
  readonly lifetimeSeconds?: number | undefined
  /** The `iss` that tokens get, and must have. */
  readonly issuer?: string | undefined
  /** An `aud` that tokens get, and must have, beside the backend's name. */
  readonly audience?: string | undefined
  /** By how much another machine's clock may be ahead when it set `iat`: seconds, at most 60. Default 5. */
  readonly leewaySeconds?: number | undefined
  /** Where logged-out tokens are remembered; not with `sessions`. Default: where the user store keeps them. */
  readonly revocations?: RevocationStore | undefined
  /**
   * Whether each token belongs to a session in a store, to be seen and ended there, and renewed by refresh tokens: `true` takes the
   * place that the plugin has for them (its option `sessions`, or the user store's). Default `false`.
   */
  readonly sessions?: boolean | SessionStore | undefined
}

/** The claims of an access token, all of them required. */
interface Claims {
  readonly sub: string
  readonly jti: string
  readonly iat: number
  readonly exp: number
  readonly aud: string | readonly string[]
  readonly iss?: string
  readonly epoch: number
  /** The session's id, where sessions are in a store. */
  readonly sid?: string
}

/** A token of ours has a tenth of this. */
const maxTokenLength = 8192

/**
 * Signed tokens (RFC 7519, with RFC 8725's advice): the session stands in the token itself. Logging out refuses the
 * token by its `jti`; a change of the user's `sessionEpoch` refuses all of them.
 *
 * @example jwt({ secret: process.env.AUTH_SECRET, lifetimeSeconds: 900 })
 */
export function jwt (options: JwtOptions): Strategy {
  const { secret, keys, lifetimeSeconds = 3600, issuer, audience, leewaySeconds = 5, revocations, sessions = false, ...unknown } = Object(options) as JwtOptions
  const all = keys ?? [{ algorithm: 'HS256' as JwtAlgorithm, secret }]

  return {
    lifetimeSeconds,

    problems () {
      if (options != null && typeof options !== 'object') return ['secret belongs into an object: jwt({ secret })']
      const problems = misspelt(unknown, ['secret', 'keys', 'lifetimeSeconds', 'issuer', 'audience', 'leewaySeconds', 'revocations', 'sessions'], 'jwt()')
      if (keys !== undefined && secret !== undefined) problems.push('secret and keys exclude each other')
      if (!isText(issuer)) problems.push('issuer must be a string that is not empty')
      if (!isText(audience)) problems.push('audience must be a string that is not empty')
      if (!(typeof leewaySeconds === 'number' && leewaySeconds >= 0 && leewaySeconds <= 60)) problems.push('leewaySeconds must be from 0 to 60')
      if (typeof sessions !== 'boolean' && !isSessionStore(sessions)) problems.push('sessions must be true, false, or a session store')
      if (sessions !== false && revocations !== undefined) problems.push('revocations has no use beside sessions: a session that has ended is not in the store')
      return [...problems, ...keyProblems(all, keys === undefined ? '' : 'keys')]
    },

    async start (context) {
      const ring = await openKeys(context.fastify, all)
      const tokens = createJwts(context, ring, { issuer, audience, leewaySeconds, hasSession: sessions !== false })
      if (sessions === false) return withoutSessions(context, tokens, revocations ?? context.revocations)
      return withSessions(context, tokens, sessions === true ? context.sessions : sessions)
    }
  }
}

/** What tokens must say, beside what is the same for all. */
interface Expected {
  readonly issuer: string | undefined
  readonly audience: string | undefined
  readonly leewaySeconds: number
  /** Whether they name a session in a store. */
  readonly hasSession: boolean
}

/** Makes and checks the tokens themselves. */
interface Jwts {
  sign (session: Session, backend: string): string
  /** What the token itself says; whether it was ended, it does not know. */
  check (token: string, backend: string): Verified | null
}

/** The session stands in the token, and what was ended is remembered. */
function withoutSessions ({ clock, lookUps }: StrategyContext, tokens: Jwts, revocations: RevocationStore): RunningStrategy {
  return {
    issue ({ userId, epoch, backend, lifetimeSeconds }) {
      // A token knows no parts of seconds.
      const issuedAt = Math.floor(clock() / 1000) * 1000
      const session = Object.freeze({ id: randomId(), userId, epoch, issuedAt, expiresAt: issuedAt + lifetimeSeconds * 1000 })
      return { token: tokens.sign(session, backend), session }
    },

    verify (token, backend) {
      const verified = tokens.check(token, backend)
      if (verified === null) return null
      const found = lookUps.findRevocation(revocations, verified.session.id, verified.session.userId)
      return !isAnswer(found) && isPromise(found) ? unlessRevokedLater(verified, found) : unlessRevoked(verified, found)
    },

    revoke: (session) => revocations.revoke(session.id, session.expiresAt, clock())
  }
}

type Revocation = Awaited<ReturnType<LookUps['findRevocation']>>

function isAnswer (found: MaybePromise<Revocation>): found is Revocation {
  return (found as Partial<Revocation>).isRevoked !== undefined
}

function unlessRevoked (verified: Verified, { isRevoked, user }: Revocation): Verified | null {
  if (!isBoolean(isRevoked)) throw new StoreAnswerError('isRevoked')
  if (isRevoked) return null
  return user === undefined ? verified : { session: verified.session, user }
}

async function unlessRevokedLater (verified: Verified, found: Promise<Revocation>): Promise<Verified | null> {
  return unlessRevoked(verified, await found)
}

/** The token names a session in a store, and is good as long as that is there. */
function withSessions (context: StrategyContext, tokens: Jwts, store: SessionStore): RunningStrategy {
  const keeper = createKeeper(store, context, { make: tokens.sign, areOpaque: false })

  return {
    ...keeper,

    verify (token, backend) {
      const verified = tokens.check(token, backend)
      if (verified === null) return null
      const { id, issuedAt, expiresAt } = verified.session
      const seen = keeper.see(id, backend, isOfSession, verified.session)
      return andThen(seen, (seen) => seen === null ? null : { session: { ...seen.session, issuedAt, expiresAt }, user: seen.user })
    }
  }
}

function isOfSession ({ userId, data }: StoredSession, session: Session): boolean {
  return userId === session.userId && data.epoch === session.epoch
}

function createJwts ({ clock, backends }: StrategyContext, ring: KeyRing, { issuer, audience, leewaySeconds, hasSession }: Expected): Jwts {
  // A signature is checked once, and not at each request: what is kept of a token never changes.
  const cache = createTokenCache<Verified & { readonly backend: string }>()
  const comesAgain = createDoorkeeper()

  return {
    sign ({ id, userId, epoch, issuedAt, expiresAt }, backend) {
      const claims: Claims = {
        sub: userId,
        jti: hasSession ? randomId() : id,
        iat: Math.floor(issuedAt / 1000),
        exp: Math.floor(expiresAt / 1000),
        aud: audience === undefined ? backend : [audience, backend],
        ...(issuer === undefined ? {} : { iss: issuer }),
        epoch,
        ...(hasSession ? { sid: id } : {})
      }
      return ring.sign(claims)
    },

    check (token, backend) {
      const known = cache.get(token)
      if (known === undefined) return verify(token, backend)
      if (known.backend !== backend) return null
      if (known.session.expiresAt > clock()) return known
      cache.delete(token)
      return null
    }
  }

  function verify (token: string, backend: string): Verified | null {
    if (token.length > maxTokenLength) return null
    const claims = ring.verify(token)
    if (claims === null || !holds(claims, backend)) return null
    const verified = Object.freeze({ session: toSession(claims), backend })
    if (comesAgain(token)) cache.set(token, verified, 0)
    return verified
  }

  /** No JWT library demands all of these claims: this check decides. */
  function holds (claims: Readonly<Record<string, unknown>>, backend: string): claims is Readonly<Record<string, unknown>> & Claims {
    const now = clock() / 1000
    const { sub, jti, iat, exp, nbf, aud, iss, epoch, sid } = claims
    return isId(sub) && isId(jti) && (hasSession ? isId(sid) : sid === undefined) &&
      isTime(iat) && iat <= now + leewaySeconds &&
      isTime(exp) && exp > now && exp - iat <= (backends.get(backend) ?? 0) &&
      (nbf === undefined || (isTime(nbf) && nbf <= now + leewaySeconds)) &&
      (audience === undefined ? aud === backend : Array.isArray(aud) && aud.length === 2 && aud[0] === audience && aud[1] === backend) &&
      iss === issuer &&
      Number.isSafeInteger(epoch)
  }
}

function toSession ({ jti, sub, epoch, iat, exp, sid = jti }: Claims): Session {
  return Object.freeze({ id: sid, userId: sub, epoch, issuedAt: iat * 1000, expiresAt: exp * 1000 })
}

function isId (value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 64
}

function isTime (value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0
}

function isText (value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && value !== '')
}
