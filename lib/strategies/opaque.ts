import type { SessionStore, StoredSession } from '../contracts/session-store.js'
import type { Strategy, Verified } from '../contracts/strategy.js'
import { createToken, digestOf, readToken } from '../crypto/opaque-token.js'
import { createDoorkeeper } from '../doorkeeper.js'
import { isPromise, type MaybePromise } from '../maybe-promise.js'
import { misspelt } from '../misspelt.js'
import { isSessionStore } from '../sessions/is-session-store.js'
import { createKeeper } from '../sessions/keeper.js'
import { createTokenCache } from '../token-cache.js'

/** Options of {@link opaque}. */
export interface OpaqueOptions {
  /** How long a session lives where the backend does not say, and where it has refresh tokens, how long an access token does: seconds, at most 400 days. Default 86,400 (a day). */
  readonly lifetimeSeconds?: number | undefined
  /** When a session ends unless it is used: seconds, from 300. With refresh tokens, their `idleSeconds` counts instead. Default: not before its time. */
  readonly idleSeconds?: number | undefined
  /** Where sessions live. Default: the place that the plugin has for them (its option `sessions`, or the user store's). */
  readonly sessions?: SessionStore | undefined
}

/** What a store knows of a token: whose it is, and that it is this one. */
interface Digests {
  readonly id: string
  readonly digest: string
}

/** What access tokens begin with. */
const accessKind = 'fu-session'

/** `lastSeenAt` may be a minute old, so less than this would end sessions that are in use. */
const leastIdle = 300

/**
 * Tokens that say nothing: 256 random bits, of which the store knows the SHA-256. What they stand for is in the store, is asked
 * there at each request, and ends there at once.
 *
 * @example opaque({ lifetimeSeconds: 30 * 24 * 3600, idleSeconds: 7 * 24 * 3600 })
 */
export function opaque (options: OpaqueOptions = {}): Strategy {
  const { lifetimeSeconds = 86_400, idleSeconds, sessions, ...unknown } = options

  return {
    lifetimeSeconds,

    problems () {
      const problems = misspelt(unknown, ['lifetimeSeconds', 'idleSeconds', 'sessions'], 'opaque()')
      if (idleSeconds !== undefined && !(Number.isSafeInteger(idleSeconds) && idleSeconds >= leastIdle)) problems.push(`idleSeconds must be a whole number of seconds from ${leastIdle}`)
      if (sessions !== undefined && !isSessionStore(sessions)) problems.push('sessions must be a session store')
      return problems
    },

    start (context) {
      const keeper = createKeeper(sessions ?? context.sessions, context, {
        make: (_session, _backend, handle, secret) => createToken(accessKind, handle, secret),
        areOpaque: true
      }, idleSeconds)
      // What was once worked out of a token that was good. Whether it still is, the store is asked.
      const cache = createTokenCache<Digests>()
      const comesAgain = createDoorkeeper()

      function see (backend: string, { id, digest }: Digests): MaybePromise<Verified | null> {
        return keeper.see(id, backend, isNewest, digest)
      }

      function isNewest ({ data }: StoredSession, digest: string): boolean {
        // How long the comparison takes tells of a digest at most, and no token can be made of that.
        return data.accessDigest === digest && data.accessExpiresAt > context.clock()
      }

      function keep (token: string, digests: Digests, verified: Verified | null): Verified | null {
        if (verified !== null && comesAgain(token)) cache.set(token, digests, 0)
        return verified
      }

      return {
        ...keeper,

        verify (token, backend) {
          const known = cache.get(token)
          if (known !== undefined) return see(backend, known)
          const handle = readToken(accessKind, token)
          if (handle === null) return null
          const digests = { id: digestOf(handle), digest: digestOf(token) }
          const verified = see(backend, digests)
          return isPromise(verified) ? verified.then((verified) => keep(token, digests, verified)) : keep(token, digests, verified)
        }
      }
    }
  }
}
