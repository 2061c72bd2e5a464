import type { FastifyReply, FastifyRequest } from 'fastify'
import { isAuth, type Authenticator, type Outcome, type Refusal } from '../authenticator.js'
import type { RunningBackend } from '../backend.js'
import type { Auth } from '../contracts/auth.js'
import type { Session } from '../contracts/strategy.js'
import type { BackendName, User } from '../contracts/user.js'
import type { Deadline } from '../deadline.js'
import { AmbiguousCredentialsError, BadOptionsError, CrossSiteError, ForbiddenError, NotFreshError, NotVerifiedError, UnauthorizedError, UnknownBackendError, withHeaders } from '../errors.js'
import { undecided } from './undecided.js'
import { isOpen, isOpenTo, isOwnGuard } from './open-route.js'
import { isPromise, type MaybePromise } from '../maybe-promise.js'
import { misspelt } from '../misspelt.js'
import { isFunction, isObject } from '../option-checks.js'

/** Options of `app.authenticate()`. */
export interface GuardOptions {
  /**
   * Lets requests without a credential pass; `request.auth` is then `null`. A credential that does not hold is refused
   * all the same. Default `false`.
   */
  readonly optional?: boolean | undefined
  /** Only users with a verified address. Default `false`. */
  readonly verified?: boolean | undefined
  /** Only superusers. Default `false`. */
  readonly superuser?: boolean | undefined
  /** Only users who have proved, by their password, who they are within so many seconds. `POST /confirm` renews that. Default: whenever it was. */
  readonly fresh?: number | undefined
  /** The backends to try, in this order. Default: all, in the order of their registration. */
  readonly backends?: readonly BackendName[] | undefined
}

/**
 * A hook for `onRequest` or `preHandler`, of a route or a whole scope. Its parameters name only what every request has,
 * so that it fits any type provider and leaves the inference of a route's body alone.
 *
 * In a hook of your own it is awaited, and rejects with what the client is to be told. The OpenAPI document does not see it there.
 *
 * @example
 * ```ts
 * const guard = app.authenticate()
 * app.addHook('preHandler', async (request, reply) => { if (request.url !== '/health') await guard(request, reply) })
 * ```
 */
export interface Guard {
  // `undefined` and not nothing: where a hook is given a payload, a guard does not fit.
  (request: { readonly raw: object }, reply: { readonly raw: object }, done?: undefined): Promise<void>
  (request: { readonly raw: object }, reply: { readonly raw: object }, done: (error?: Error) => void): void
}

/** `app.authenticate`. */
export type Authenticate = (options?: GuardOptions) => Guard

/** What a guard asks for, as the OpenAPI document tells it. */
export interface GuardDescription {
  readonly backends: readonly RunningBackend[]
  readonly optional: boolean
  readonly forbids: boolean
}

/** What a guard needs of the app. */
export interface GuardSurroundings {
  /** Asks the stores. */
  readonly ask: Authenticator
  /** Goes by what was looked up a moment ago, if that is wanted. */
  readonly recall: Authenticator
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** How long a store is waited for. */
  readonly deadline: Deadline
}

const descriptions = new WeakMap<object, GuardDescription>()

/** The description of a guard, or `undefined` if the hook is none. */
export function describeGuard (hook: object): GuardDescription | undefined {
  return descriptions.get(hook)
}

/** Makes `app.authenticate`. */
export function createAuthenticate (all: readonly RunningBackend[], { ask, recall, clock, deadline }: GuardSurroundings): Authenticate {
  return (options = {}) => {
    const { optional = false, verified = false, superuser = false, fresh = Infinity, backends: names, ...unknown } = checked(options)
    const [problem] = misspelt(unknown, optionNames)
    if (problem !== undefined) throw new BadOptionsError(`authenticate(): ${problem}`)
    const backends = names === undefined ? all : pick(names, all)
    const refuse = createRefuse(backends)
    // Who may do more is looked at more closely.
    const authenticate = superuser || fresh !== Infinity ? ask : recall

    // As Fastify counts, it has three parameters, and so is one that calls back.
    function guard (request: FastifyRequest, reply: FastifyReply, done?: (error?: Error) => void): Promise<void> | undefined {
      if (done === undefined) return awaited(request, reply)
      // As a hook that is given a payload it would not know what to call.
      if (!isFunction(done)) throw new BadOptionsError('authenticate(): a guard is a hook for onRequest, preValidation or preHandler')
      let outcome: MaybePromise<Outcome>
      try {
        outcome = authenticate(request, backends)
      } catch (cause) {
        done(undecided(cause))
        return undefined
      }
      if (!isAuth(outcome) && isPromise(outcome)) settleLater(request, outcome, done)
      else done(settle(request, outcome))
      return undefined
    }

    function awaited (request: FastifyRequest, reply: FastifyReply): Promise<void> {
      return new Promise((resolve, reject) => { guard(request, reply, (error) => { error === undefined ? resolve() : reject(error) }) })
    }

    function settleLater (request: FastifyRequest, outcome: Promise<Outcome>, done: (error?: Error) => void): void {
      deadline(outcome).then((outcome) => { done(settle(request, outcome)) }, (cause: unknown) => { done(undecided(cause)) })
    }

    /** @returns why the request is refused, if it is */
    function settle (request: FastifyRequest, outcome: Outcome): Error | undefined {
      try {
        const error = judge(request, outcome)
        if (error === undefined) return introduce(request, outcome)
        return isOpenTo(guard, request) ? undefined : error
      } catch (cause) {
        return undecided(cause)
      }
    }

    /** Tells the request who makes it. */
    function introduce (request: FastifyRequest, outcome: Outcome): Error | undefined {
      const before = request.auth
      if (isAuth(outcome)) {
        // At a route of ours, its own guard alone says whose request it is.
        if (before !== null && !isOwnGuard(guard, request)) {
          // What an earlier guard allowed, it allowed to the user that it found.
          if (before.user.id !== outcome.user.id && !isOpenTo(guard, request)) return undecided(new AmbiguousCredentialsError())
          if (isOpen(request.routeOptions.config)) return undefined
        }
        request.auth = outcome
        request.user = outcome.user
      } else if (before === null) {
        // What another plugin may have left there is no user of ours.
        request.user = null as unknown as User
      }
      return undefined
    }

    function judge (request: FastifyRequest, outcome: Outcome): Error | undefined {
      if (!isAuth(outcome)) {
        if (optional && outcome.reason === 'none') return undefined
        // The client is told nothing of it, and the log no token.
        request.log.debug({ reason: outcome.reason, backend: outcome.backend?.name ?? null }, 'fastify-users: nobody is logged in')
        return refuse(outcome)
      }
      if (verified && outcome.user.isVerified !== true) return forbidden(new NotVerifiedError(), outcome, backends)
      if (superuser && outcome.user.isSuperuser !== true) return forbidden(new ForbiddenError(), outcome, backends)
      if (fresh !== Infinity && !isFresh(outcome.session, fresh)) return forbidden(new NotFreshError(), outcome, backends)
      return undefined
    }

    /** What a strategy says oddly is no yes. */
    function isFresh ({ authenticatedAt, issuedAt }: Session, seconds: number): boolean {
      return clock() - (authenticatedAt ?? issuedAt) <= seconds * 1000
    }

    descriptions.set(guard, { backends, optional, forbids: verified || superuser || fresh !== Infinity || backends.some(({ transport }) => transport.ambient) })
    return guard as Guard
  }
}

const optionNames = ['optional', 'verified', 'superuser', 'fresh', 'backends']

/** A misspelt or odd value must not open a door: `optional: 'false'` is no yes, and no no. */
function checked (options: GuardOptions): GuardOptions {
  if (!isObject(options)) throw new BadOptionsError('authenticate() takes an object, such as { superuser: true }')
  if ('raw' in options) throw new BadOptionsError('authenticate is called to make the hook: write app.authenticate()')
  for (const name of ['optional', 'verified', 'superuser'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'boolean') throw new BadOptionsError(`authenticate(): ${name} must be true or false`)
  }
  if (options.fresh !== undefined && !(Number.isSafeInteger(options.fresh) && options.fresh > 0)) throw new BadOptionsError('authenticate(): fresh must be a whole number of seconds from 1')
  return options
}

function pick (names: readonly string[], all: readonly RunningBackend[]): RunningBackend[] {
  if (!Array.isArray(names) || names.length === 0) throw new BadOptionsError('authenticate(): backends must be a list of one name or more')
  return names.map((name) => {
    const backend = all.find((backend) => backend.name === name)
    if (backend === undefined) throw new UnknownBackendError(name, all.map(({ name }) => name).join(', '))
    return backend
  })
}

/** What whoever is refused at these backends is told. */
export function createRefuse (backends: readonly RunningBackend[]): (refusal: Refusal) => Error {
  const headersOf = new Map([null, ...backends].map((invalid) => [invalid, { ...noStore, 'www-authenticate': challenges(backends, invalid) }]))

  return ({ reason, backend }) => {
    if (reason === 'cross-site') return withHeaders(new CrossSiteError(), noStore)
    return withHeaders(new UnauthorizedError(), { ...headersOf.get(backend) })
  }
}

function forbidden (error: Error, auth: Auth, backends: readonly RunningBackend[]): Error {
  const { transport } = backends.find(({ name }) => name === auth.backend) as RunningBackend
  return withHeaders(error, { ...noStore, 'www-authenticate': transport.challenge('insufficient_scope') })
}

/** The backends' challenges in one header (RFC 9110 §11.6.1); the error stands with the one whose credential does not hold. */
function challenges (backends: readonly RunningBackend[], invalid: RunningBackend | null): string {
  return backends.map((backend) => backend.transport.challenge(backend === invalid ? 'invalid_token' : undefined)).join(', ')
}

const noStore = { 'cache-control': 'no-store' }
