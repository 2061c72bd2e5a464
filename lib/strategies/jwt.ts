import type { RevocationStore } from '../contracts/revocation-store.js'
import type { RunningStrategy, Session, Strategy, StrategyContext } from '../contracts/strategy.js'
import { randomId } from '../crypto/random.js'
import { andThen } from '../maybe-promise.js'
import { createVerifiedTokens } from './verified-tokens.js'
import { keyProblems, openKeys, type JwtAlgorithm, type JwtKey, type KeyRing } from './jwt-keys.js'

/** Options of {@link jwt}. Either `secret` or `keys`. */
export interface JwtOptions {
  /**
   * The secret of HMAC with SHA-256 (`HS256`): at least 32 random bytes, as `openssl rand -base64 48` prints them.
   * `undefined`, an unset environment variable say, refuses to start.
   */
  readonly secret?: string | Buffer | undefined
  /** Keys in place of `secret`: the first signs, all verify. See docs/backends.md on rotation. */
  readonly keys?: readonly JwtKey[] | undefined
  /** How long a token lives where the backend does not say: seconds. Default 3600. */
  readonly lifetimeSeconds?: number | undefined
  /** The `iss` that tokens get, and must have. */
  readonly issuer?: string | undefined
  /** An `aud` that tokens get, and must have, beside the backend's name. */
  readonly audience?: string | undefined
  /** By how much another machine's clock may be ahead when it set `iat`: seconds, at most 60. Default 5. */
  readonly leewaySeconds?: number | undefined
  /** Where logged-out tokens are remembered. Default: where the user store keeps them. */
  readonly revocations?: RevocationStore | undefined
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
  const { secret, keys, lifetimeSeconds = 3600, issuer, audience, leewaySeconds = 5, revocations, ...unknown } = options
  const all = keys ?? [{ algorithm: 'HS256' as JwtAlgorithm, secret }]

  return {
    lifetimeSeconds,

    problems () {
      const problems = Object.keys(unknown).map((option) => `${option} is no option of jwt()`)
      if (keys !== undefined && secret !== undefined) problems.push('secret and keys exclude each other')
      if (!isText(issuer)) problems.push('issuer must be a string that is not empty')
      if (!isText(audience)) problems.push('audience must be a string that is not empty')
      if (!(typeof leewaySeconds === 'number' && leewaySeconds >= 0 && leewaySeconds <= 60)) problems.push('leewaySeconds must be from 0 to 60')
      return [...problems, ...keyProblems(all, keys === undefined ? '' : 'keys')]
    },

    async start (context) {
      const ring = await openKeys(context.fastify, all)
      const expected = { issuer, audience, leewaySeconds }
      return run(context, revocations ?? context.revocations, ring, expected)
    }
  }
}

/** What tokens must say, beside what is the same for all. */
interface Expected {
  readonly issuer: string | undefined
  readonly audience: string | undefined
  readonly leewaySeconds: number
}

function run (context: StrategyContext, revocations: RevocationStore, ring: KeyRing, expected: Expected): RunningStrategy {
  const { clock, backends } = context
  const { issuer, audience, leewaySeconds } = expected
  const verified = createVerifiedTokens()

  return {
    issue ({ userId, epoch, backend, lifetimeSeconds }) {
      const iat = Math.floor(clock() / 1000)
      const claims: Claims = {
        sub: userId,
        jti: randomId(),
        iat,
        exp: iat + lifetimeSeconds,
        aud: audience === undefined ? backend : [audience, backend],
        ...(issuer === undefined ? {} : { iss: issuer }),
        epoch
      }
      return { token: ring.sign(claims), session: toSession(claims) }
    },

    verify (token, backend) {
      const session = verified.get(token, backend, clock()) ?? check(token, backend)
      if (session === null) return null
      return andThen(revocations.isRevoked(session.id), (revoked) => revoked === false ? session : null)
    },

    revoke: (session) => revocations.revoke(session.id, session.expiresAt, clock())
  }

  function check (token: string, backend: string): Session | null {
    if (token.length > maxTokenLength) return null
    const claims = ring.verify(token)
    if (claims === null || !holds(claims, backend)) return null
    const session = toSession(claims)
    verified.add(token, backend, session)
    return session
  }

  /** No JWT library demands all of these claims: this check decides. */
  function holds (claims: Readonly<Record<string, unknown>>, backend: string): claims is Readonly<Record<string, unknown>> & Claims {
    const now = clock() / 1000
    const { sub, jti, iat, exp, nbf, aud, iss, epoch } = claims
    return isId(sub) && isId(jti) &&
      isTime(iat) && iat <= now + leewaySeconds &&
      isTime(exp) && exp > now && exp - iat <= (backends.get(backend) ?? 0) &&
      (nbf === undefined || (isTime(nbf) && nbf <= now + leewaySeconds)) &&
      (audience === undefined ? aud === backend : Array.isArray(aud) && aud.length === 2 && aud[0] === audience && aud[1] === backend) &&
      iss === issuer &&
      Number.isSafeInteger(epoch)
  }
}

function toSession ({ jti, sub, epoch, iat, exp }: Claims): Session {
  return Object.freeze({ id: jti, userId: sub, epoch, issuedAt: iat * 1000, expiresAt: exp * 1000 })
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
