import type { FastifyRequest } from 'fastify'
import { toUser } from './accounts/to-user.js'
import { readSession, type RunningBackend } from './backend.js'
import type { Auth } from './contracts/auth.js'
import type { Session } from './contracts/strategy.js'
import type { StoredUser, UserStore } from './contracts/user-store.js'
import { andThen, isPromise, type MaybePromise } from './maybe-promise.js'

/**
 * Why nobody is logged in: no credential was sent; one was, and does not hold; or one was that browsers send by
 * themselves, with a request that another site may have made.
 */
export interface Refusal {
  readonly reason: 'none' | 'invalid' | 'cross-site'
  /** The backend whose credential was refused. */
  readonly backend: RunningBackend | null
}

/** What came of trying the backends. */
export type Outcome = Auth | Refusal

/** Tells whether another site may have made the request. */
export type IsCrossSite = (request: FastifyRequest) => boolean

/** Tries backends in the order given; the first that yields a user wins. */
export type Authenticator = (request: FastifyRequest, backends: readonly RunningBackend[]) => MaybePromise<Outcome>

/** Tells who was recognised from who was refused. */
export function isAuth (outcome: Outcome): outcome is Auth {
  return 'session' in outcome
}

const nothingSent: Refusal = Object.freeze({ reason: 'none', backend: null })

/**
 * Joins backends and users. It answers at once where strategy and store do, and throws only where they cannot tell: then
 * no further backend is tried.
 */
export function createAuthenticator (store: UserStore, isCrossSite: IsCrossSite): Authenticator {
  return (request, backends) => tryFrom(request, backends, 0, nothingSent)

  function tryFrom (request: FastifyRequest, backends: readonly RunningBackend[], start: number, refusal: Refusal): MaybePromise<Outcome> {
    let worst = refusal
    for (let i = start; i < backends.length; i++) {
      const backend = backends[i] as RunningBackend
      const found = tryOne(request, backend)
      if (isPromise(found)) {
        const before = worst
        return found.then((outcome) => isAuth(outcome) ? outcome : tryFrom(request, backends, i + 1, moreTelling(before, outcome)))
      }
      if (isAuth(found)) return found
      worst = moreTelling(worst, found)
    }
    return worst
  }

  function tryOne (request: FastifyRequest, backend: RunningBackend): MaybePromise<Outcome> {
    // Before the credential is looked at: it counts only if the user's own page sent it.
    if (backend.transport.ambient && isCrossSite(request)) {
      return backend.transport.read(request) === null ? nothingSent : { reason: 'cross-site', backend }
    }
    return andThen(readSession(backend, request), (session) => {
      if (session === undefined) return nothingSent
      if (session === null) return { reason: 'invalid', backend }
      return andThen(store.findById(session.userId), (user) => admit(backend, session, user ?? null))
    })
  }
}

/**
 * The user is loaded at each request, so that deletion, deactivation and the end of all sessions hold at once. Strategies and
 * stores may be anybody's: what is missing on both sides is no match.
 */
function admit (backend: RunningBackend, session: Session, user: StoredUser | null): Outcome {
  const holds = user !== null && typeof user.id === 'string' && user.id === session.userId &&
    user.isActive === true && Number.isSafeInteger(user.sessionEpoch) && user.sessionEpoch === session.epoch &&
    (!backend.requireVerified || user.isVerified === true)
  return holds ? { user: toUser(user), backend: backend.name as Auth['backend'], session } : { reason: 'invalid', backend }
}

const rank = { none: 0, invalid: 1, 'cross-site': 2 } as const

function moreTelling (one: Refusal, other: Refusal): Refusal {
  return rank[other.reason] > rank[one.reason] ? other : one
}
