import { backendProblems, resolveBackend, strategyProblems, type BackendSettings } from './backend-options.js'
import type { AuditEvent } from './contracts/audit.js'
import type { Backend } from './contracts/backend.js'
import type { Hooks } from './contracts/hooks.js'
import type { RateLimitStore } from './contracts/rate-limit-store.js'
import type { SessionStore } from './contracts/session-store.js'
import type { Strategy } from './contracts/strategy.js'
import type { UserStore } from './contracts/user-store.js'
import type { BackendName } from './contracts/user.js'
import { BadOptionsError } from './errors.js'
import { fieldProblems } from './field-options.js'
import { mailProblems, resolveMails, type MailOptions } from './mail-options.js'
import type { MailSettings } from './mail/mail-room.js'
import { isPromise } from './maybe-promise.js'
import { misspelt } from './misspelt.js'
import { isFunction, isObject, isWhole, memberProblems } from './option-checks.js'
import { passwordProblems, resolvePasswords, type PasswordOptions, type PasswordSettings } from './password-options.js'
import { isRateLimitStore, type Limits } from './rate-limiter.js'
import { routeProblems, type RouteGroups, type RouteOptions } from './route-options.js'
import type { ObjectSchema } from './schemas/user.js'
import { senderProblems, sendsByItself } from './sender-options.js'
import { isSessionStore } from './sessions/is-session-store.js'
import { resolveThrottle, throttleProblems, type ThrottleOptions } from './throttle-options.js'

/** Options of the plugin. */
export interface FastifyUsersOptions {
  /** Where users live. */
  readonly users: UserStore
  /** The backends, in the order in which a guard tries them. Each has another name. */
  readonly backends: ReadonlyArray<Backend<BackendName>>
  /** The strategy of all backends that bring none of their own. Default: none. */
  readonly strategy?: Strategy | undefined
  /**
   * Where sessions live, for strategies that keep them in a store: `redisSessions(client)` of `fastify-users/redis`, say. Default: the
   * user store's own place.
   */
  readonly sessions?: SessionStore | undefined
  /**
   * Where attempts are counted: `redisRateLimits(client)` of `fastify-users/redis`, say. Default: the user store's own place, or else the
   * memory of this process.
   */
  readonly limits?: RateLimitStore | undefined
  /** How often what may be tried, by whom; `false`: no limits. Default: all on. */
  readonly throttle?: ThrottleOptions | false | undefined
  /** Put before the path of each route of the plugin: begins with `/`, does not end with it. Default: none. */
  readonly prefix?: string
  /** The fields that the application adds to its users: a JSON schema of an object, as TypeBox's `Type.Object()` makes it. */
  readonly fields?: ObjectSchema | undefined
  /** What passwords may be, and how they are hashed. */
  readonly passwords?: PasswordOptions | undefined
  /** Other origins whose pages may use credentials that browsers send by themselves, such as `https://app.example.com`. Default: none. */
  readonly trustedOrigins?: readonly string[] | undefined
  /** What the application does at certain moments. */
  readonly hooks?: Hooks | undefined
  /** Told what happens to accounts, event by event, for a log of security events. It is not waited for. Default: nobody is told. */
  readonly audit?: ((event: AuditEvent) => void) | undefined
  /** Which groups of routes there are beside login and logout. Default: none. */
  readonly routes?: RouteGroups | undefined
  /** What the application adds to routes of the plugin: hooks, `config`, schema. */
  readonly routeOptions?: RouteOptions | undefined
  /**
   * Whether `POST /register` tells nobody who has an account: everybody gets 202, and the owner of an account a mail. Default
   * `false`: 201, or 400 `REGISTER_USER_ALREADY_EXISTS`.
   */
  readonly concealAccounts?: boolean | undefined
  /**
   * Whether users keep their address until they have followed a link that was mailed to the new one. Default `false`: the new
   * address counts at once, and is unverified.
   */
  readonly confirmEmailChange?: boolean | undefined
  /**
   * How lately a superuser must have proved who they are, by their password, to change users or end their sessions: seconds from 1, `false`
   * for whenever it was. `POST /confirm` renews it. Default 3,600.
   */
  readonly freshSeconds?: number | false | undefined
  /** How long a store is waited for before the client is told 503: milliseconds, 1 to 60,000. Default 5,000. */
  readonly storeTimeoutMs?: number | undefined
  /**
   * For how long a process may go by what it has looked up of a token, its session and its user: seconds, 0 to 60. What
   * changes in this process holds at once all the same; what another process changes holds after so many seconds. Default 0:
   * each request asks the store.
   */
  readonly cacheSeconds?: number | undefined
  /** How mails are written and sent. */
  readonly mails?: MailOptions | undefined
  /** Other names for `app.authenticate` and `app.users`, where the application has something of these names. Default: `authenticate` and `users`. */
  readonly decorators?: { readonly authenticate?: string | undefined, readonly users?: string | undefined } | undefined
  /** The time in milliseconds since 1970. Default `Date.now`. */
  readonly clock?: (() => number) | undefined
}

/** The options, checked, with every default in its place. */
export interface Settings {
  readonly users: UserStore
  readonly sessions: SessionStore | undefined
  readonly limits: RateLimitStore | undefined
  readonly throttle: Limits
  readonly backends: readonly BackendSettings[]
  readonly prefix: string
  readonly fields: ObjectSchema
  readonly passwords: PasswordSettings
  readonly trustedOrigins: readonly string[]
  readonly hooks: Hooks
  readonly audit: (event: AuditEvent) => void
  readonly routes: RouteGroups
  readonly routeOptions: RouteOptions
  readonly concealAccounts: boolean
  readonly confirmEmailChange: boolean
  /** `undefined`: whenever it was. */
  readonly freshSeconds: number | undefined
  readonly storeTimeoutMs: number
  readonly cacheSeconds: number
  readonly mails: MailSettings
  readonly decorators: { readonly authenticate: string, readonly users: string }
  readonly clock: () => number
  /** Whether `NODE_ENV` is `production`. */
  readonly production: boolean
}

const known = [
  'users', 'sessions', 'limits', 'throttle', 'backends', 'strategy', 'prefix', 'fields', 'passwords', 'trustedOrigins', 'hooks', 'audit', 'routes', 'routeOptions',
  'concealAccounts', 'confirmEmailChange', 'freshSeconds', 'storeTimeoutMs', 'cacheSeconds', 'mails', 'decorators', 'clock'
]
const hookNames = [
  'onAfterLogin', 'onLoginFailed', 'onAfterLogout', 'onBeforeRegister', 'onAfterRegister', 'onAfterUpdate', 'onAfterPasswordChange',
  'onAfterEmailChange', 'onAfterRequestVerify', 'onAfterVerify', 'onAfterForgotPassword', 'onAfterResetPassword',
  'onAfterRequestEmailChange', 'onBeforeDelete', 'onAfterDelete'
]
/** Fastify's own, of `register()`. */
const ofRegister = ['logLevel', 'logSerializers']

/**
 * Checks the options and fills in the defaults.
 *
 * @throws `FST_USERS_BAD_OPTIONS`, whose message names every option that is wrong
 */
export function resolveOptions (options: FastifyUsersOptions): Settings {
  const production = process.env.NODE_ENV === 'production'
  const { users, sessions, limits, throttle = {}, backends, strategy, prefix = '', fields = { type: 'object', properties: {} }, passwords = {}, trustedOrigins = [], hooks = {}, decorators = {}, clock = Date.now } = options
  const { audit = () => {}, routes = {}, routeOptions = {}, concealAccounts = false, confirmEmailChange = false, freshSeconds = 3600, storeTimeoutMs = 5000, cacheSeconds = 0, mails = {} } = options
  const problems: string[] = []
  const expect = (holds: boolean, problem: string): void => { if (!holds) problems.push(`options.${problem}`) }

  problems.push(...misspelt(options, [...known, ...ofRegister]).map((problem) => `options.${problem}`))
  expect(sessions === undefined || isSessionStore(sessions), 'sessions must be a session store, such as redisSessions(client) of fastify-users/redis')
  expect(limits === undefined || isRateLimitStore(limits), 'limits must be a store of limits, such as redisRateLimits(client) of fastify-users/redis')
  expect(!production || sessions?.ephemeral !== true, 'sessions forgets everybody when the process ends: take one of fastify-users/sql or fastify-users/redis in production')
  expect(!production || users?.ephemeral !== true, 'users forgets everything when the process ends: take a store of fastify-users/sql in production')
  expect(typeof prefix === 'string' && /^(?:\/[\w.~-]+)*$/.test(prefix), 'prefix must begin with / and not end with it, such as /auth')
  expect(typeof clock === 'function', 'clock must be a function')
  expect(typeof audit === 'function', 'audit must be a function')
  expect(typeof concealAccounts === 'boolean', 'concealAccounts must be true or false')
  expect(typeof confirmEmailChange === 'boolean', 'confirmEmailChange must be true or false')
  expect(freshSeconds === false || (isWhole(freshSeconds) && freshSeconds > 0), 'freshSeconds must be a whole number of seconds from 1, or false')
  expect(isWhole(storeTimeoutMs) && storeTimeoutMs >= 1 && storeTimeoutMs <= 60_000, 'storeTimeoutMs must be a whole number of milliseconds from 1 to 60000')
  expect(typeof cacheSeconds === 'number' && cacheSeconds >= 0 && cacheSeconds <= 60, 'cacheSeconds must be a number of seconds from 0 to 60')
  expect(concealAccounts !== true || routes?.verify === true, 'concealAccounts needs routes.verify: from the mail alone can people tell that they have registered')
  expect(Array.isArray(trustedOrigins) && trustedOrigins.every(isOrigin), 'trustedOrigins must hold origins: scheme, host and port, such as https://app.example.com')
  problems.push(...memberProblems('decorators', decorators, ['authenticate', 'users'], isName, 'must be a name'), ...memberProblems('hooks', hooks, hookNames, isFunction, 'must be a function'))
  problems.push(...storeProblems(users), ...throttleProblems(throttle), ...fieldProblems(fields, routes), ...routeProblems(routes, routeOptions), ...mailProblems(mails, production), ...strategyProblems(strategy), ...backendProblems(backends, strategy), ...passwordProblems(passwords, production))
  if (production && problems.length === 0) problems.push(...senderProblems(options))
  if (problems.length > 0) throw new BadOptionsError(problems.join('\n'))

  return Object.freeze({
    users,
    sessions,
    limits,
    throttle: resolveThrottle(throttle),
    backends: backends.map((backend) => resolveBackend(backend, strategy)),
    prefix,
    fields,
    passwords: resolvePasswords(passwords),
    trustedOrigins,
    hooks,
    audit,
    routes,
    routeOptions,
    concealAccounts,
    confirmEmailChange,
    freshSeconds: freshSeconds === false ? undefined : freshSeconds,
    storeTimeoutMs,
    cacheSeconds,
    // An application with hooks of its own for them sends tokens by itself.
    mails: resolveMails(mails, production || sendsByItself(hooks)),
    decorators: { authenticate: decorators.authenticate ?? 'authenticate', users: decorators.users ?? 'users' },
    clock: clock === Date.now ? clock : () => Math.floor(clock()),
    production
  })
}

function storeProblems (users: UserStore): string[] {
  if (!isObject(users)) return ['options.users must be a user store, such as await sqlite(\'users.db\') from fastify-users/sql']
  if (isPromise<unknown>(users)) return ['options.users is a promise: await it']
  const methods = ['insert', 'findById', 'findByEmail', 'list', 'replace', 'remove', 'retire'] as const
  return methods.filter((method) => typeof users[method] !== 'function').map((method) => `options.users.${method} must be a function`)
}

function isName (value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isOrigin (value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value && /^https?:/.test(value)
}
