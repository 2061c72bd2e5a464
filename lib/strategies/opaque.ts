import type { SessionStore } from '../contracts/session-store.js'
import type { Strategy } from '../contracts/strategy.js'
import { createToken, digestOf, hasDigest, readToken } from '../crypto/opaque-token.js'
import { isSessionStore } from '../sessions/is-session-store.js'
import { createKeeper } from '../sessions/keeper.js'

/** Options of {@link opaque}. */
export interface OpaqueOptions {
  /** How long a session lives where the backend does not say, and where it has refresh tokens, how long an access token does: seconds. Default 86,400 (a day). */
  readonly lifetimeSeconds?: number | undefined
  /** When a session ends unless it is used: seconds, from 300. With refresh tokens, their `idleSeconds` counts instead. Default: not before its time. */
  readonly idleSeconds?: number | undefined
  /** Where sessions live. Default: the place that the plugin has for them (its option `sessions`, or the user store's). */
  readonly sessions?: SessionStore | undefined
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
      const problems = Object.keys(unknown).map((option) => `${option} is no option of opaque()`)
      if (idleSeconds !== undefined && !(Number.isSafeInteger(idleSeconds) && idleSeconds >= leastIdle)) problems.push(`idleSeconds must be a whole number of seconds from ${leastIdle}`)
      if (sessions !== undefined && !isSessionStore(sessions)) problems.push('sessions must be a session store')
      return problems
    },

    start (context) {
      const keeper = createKeeper(sessions ?? context.sessions, context.clock, {
        make: (_session, _backend, handle, secret) => createToken(accessKind, handle, secret),
        areOpaque: true
      }, idleSeconds)

      return {
        ...keeper,

        verify (token, backend) {
          const handle = readToken(accessKind, token)
          if (handle === null) return null
          return keeper.see(digestOf(handle), backend, ({ data: { accessDigest, accessExpiresAt } }) => (
            accessExpiresAt > context.clock() && accessDigest !== null && hasDigest(token, accessDigest)
          ))
        }
      }
    }
  }
}
