import type { FastifyRequest } from 'fastify'
import { toUser } from './accounts/to-user.js'
import type { AuthCache, Known } from './auth-cache.js'
import type { RunningBackend } from './backend.js'
import type { Auth } from './contracts/auth.js'
import type { Session, Verified } from './contracts/strategy.js'
import type { SeenUser, StoredUser, UserStore } from './contracts/user-store.js'
import { StoreAnswerError } from './errors.js'
import { isPromise, type MaybePromise } from './maybe-promise.js'

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

/** Tells who was recognised from who was refused, or is not known yet. */
export function isAuth (outcome: MaybePromise<Outcome>): outcome is Auth {
  return (outcome as Partial<Auth>).session !== undefined
}

const nothingSent: Refusal = Object.freeze({ reason: 'none', backend: null })

/**
 * Joins backends and users. It answers at once where strategy and store do, and throws only where they cannot tell: then
 * no further backend is tried.
 *
 * @param cache `null` where each request asks the stores
 */
export function createAuthenticator (store: UserStore, isCrossSite: IsCrossSite, cache: AuthCache | null): Authenticator {
  return (request, backends) => tryFrom(request, backends, 0, nothingSent)

  function tryFrom (request: FastifyRequest, backends: readonly RunningBackend[], start: number, refusal: Refusal): MaybePromise<Outcome> {
    let worst = refusal
    for (let i = start; i < backends.length; i++) {
      const found = tryOne(request, backends[i] as RunningBackend)
      if (isAuth(found)) return found
      if (isPromise(found)) return i === backends.length - 1 && worst === nothingSent ? found : tryOthers(found, request, backends, i + 1, worst)
      worst = moreTelling(worst, found)
    }
    return worst
  }

  // Apart, as are the others that wait: a function with a closure in it makes room for that at each call, waiting or not.
  async function tryOthers (found: Promise<Outcome>, request: FastifyRequest, backends: readonly RunningBackend[], start: number, refusal: Refusal): Promise<Outcome> {
    const outcome = await found
    return isAuth(outcome) ? outcome : await tryFrom(request, backends, start, moreTelling(refusal, outcome))
  }

  function tryOne (request: FastifyRequest, backend: RunningBackend): MaybePromise<Outcome> {
    const { transport } = backend
    const token = transport.read(request)
    if (token === null) return nothingSent
    // Before the credential is looked at: it counts only if the user's own page sent it.
    if (transport.ambient && isCrossSite(request)) return { reason: 'cross-site', backend }
    if (token === '') return { reason: 'invalid', backend }
    const known = cache === null ? load(token, backend) : cache.get(token, backend, load)
    return known === null || isKnown(known) ? admit(backend, known) : admitLater(backend, known)
  }

  function load (token: string, { name, strategy }: RunningBackend): MaybePromise<Known | null> {
    const verified = strategy.verify(token, name)
    return !isVerified(verified) && isPromise(verified) ? verified.then(withUser) : withUser(verified)
  }

  function withUser (verified: Verified | null): MaybePromise<Known | null> {
    if (verified === null) return null
    const { session, user } = verified
    if (session === undefined) throw new StoreAnswerError('verify')
    if (user !== undefined) return toKnown(session, user)
    const found = store.findById(session.userId)
    return !isUser(found) && isPromise(found) ? toKnownLater(session, found) : toKnown(session, found)
  }
}

function isVerified (verified: MaybePromise<Verified | null>): verified is Verified {
  return (verified as Partial<Verified> | null)?.session !== undefined
}

function isUser (found: MaybePromise<StoredUser | null>): found is StoredUser {
  return (found as Partial<StoredUser> | null)?.id !== undefined
}

function isKnown (known: Known | Promise<Known | null>): known is Known {
  return (known as Partial<Known>).user !== undefined
}

async function toKnownLater (session: Session, found: Promise<StoredUser | null>): Promise<Known | null> {
  return toKnown(session, await found)
}

async function admitLater (backend: RunningBackend, known: Promise<Known | null>): Promise<Outcome> {
  return admit(backend, await known)
}

/**
 * The user is looked at along with the session, so that deletion, deactivation and the end of all sessions hold at once. Strategies and
 * stores may be anybody's: what is missing on both sides is no match.
 */
function toKnown (session: Session, user: SeenUser | null | undefined): Known | null {
  const holds = user !== null && user !== undefined && typeof user.id === 'string' && user.id === session.userId &&
    user.isActive === true && Number.isSafeInteger(user.sessionEpoch) && user.sessionEpoch === session.epoch
  return holds ? { session, user } : null
}

function admit (backend: RunningBackend, known: Known | null): Outcome {
  if (known === null || (backend.requireVerified && known.user.isVerified !== true)) return { reason: 'invalid', backend }
  return { user: toUser(known.user), backend: backend.name as Auth['backend'], session: known.session }
}

const rank = { none: 0, invalid: 1, 'cross-site': 2 } as const

function moreTelling (one: Refusal, other: Refusal): Refusal {
  return rank[other.reason] > rank[one.reason] ? other : one
}
