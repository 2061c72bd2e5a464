import type { Backend } from './contracts/backend.js'
import type { Hooks } from './contracts/hooks.js'
import type { Strategy } from './contracts/strategy.js'
import type { UserStore } from './contracts/user-store.js'
import type { BackendName } from './contracts/user.js'
import { BadOptionsError } from './errors.js'
import { isObject, isWhole, reported } from './option-checks.js'
import { passwordProblems, resolvePasswords, type PasswordOptions, type PasswordSettings } from './password-options.js'
import { baseUserSchema, type ObjectSchema } from './schemas/user.js'

/** Options of the plugin. */
export interface FastifyUsersOptions {
  /** Where users live. */
  readonly users: UserStore
  /** The backends, in the order in which a guard tries them. Each has another name. */
  readonly backends: ReadonlyArray<Backend<BackendName>>
  /** The strategy of all backends that bring none of their own. */
  readonly strategy?: Strategy | undefined
  /** Put before the path of each route of the plugin. Default: none. */
  readonly prefix?: string
  /** The fields that the application adds to its users: a JSON schema of an object, as TypeBox's `Type.Object()` makes it. */
  readonly fields?: ObjectSchema | undefined
  readonly passwords?: PasswordOptions | undefined
  /** Other origins whose pages may use credentials that browsers send by themselves, such as `https://app.example.com`. */
  readonly trustedOrigins?: readonly string[] | undefined
  readonly hooks?: Hooks | undefined
  /** Other names for `app.authenticate` and `app.users`, where the application has something of these names. */
  readonly decorators?: { readonly authenticate?: string | undefined, readonly users?: string | undefined } | undefined
  /** The time in milliseconds since 1970. Default `Date.now`. */
  readonly clock?: (() => number) | undefined
}

/** The options, checked, with every default in its place. */
export interface Settings {
  readonly users: UserStore
  readonly backends: ReadonlyArray<Backend & { readonly strategy: Strategy, readonly lifetimeSeconds: number, readonly requireVerified: boolean }>
  readonly prefix: string
  readonly fields: ObjectSchema
  readonly passwords: PasswordSettings
  readonly trustedOrigins: readonly string[]
  readonly hooks: Hooks
  readonly decorators: { readonly authenticate: string, readonly users: string }
  readonly clock: () => number
}

const known = ['users', 'backends', 'strategy', 'prefix', 'fields', 'passwords', 'trustedOrigins', 'hooks', 'decorators', 'clock']
/** Fastify's own, of `register()`. */
const ofRegister = ['logLevel', 'logSerializers']

/** RFC 6265bis §5.5: browsers keep no cookie for longer. */
const longestLifetime = 400 * 24 * 3600

/**
 * Checks the options and fills in the defaults.
 *
 * @throws `FST_USERS_BAD_OPTIONS`, whose message names every option that is wrong
 */
export function resolveOptions (options: FastifyUsersOptions, production: boolean): Settings {
  const { users, backends, strategy, prefix = '', fields = { type: 'object', properties: {} }, passwords = {}, trustedOrigins = [], hooks = {}, decorators = {}, clock = Date.now } = options
  const problems: string[] = []
  const require = (holds: boolean, problem: string): void => { if (!holds) problems.push(`options.${problem}`) }

  for (const name of Object.keys(options)) require([...known, ...ofRegister].includes(name), `${name} is no option`)
  require(isObject(users) && ['insert', 'findById', 'findByEmail', 'replace', 'remove'].every((method) => typeof users[method as keyof UserStore] === 'function'), 'users must be a user store, such as await sqlite(\'users.db\') from fastify-users/sql')
  require(!production || users?.ephemeral !== true, 'users forgets everything when the process ends: take a store of fastify-users/sql in production')
  require(typeof prefix === 'string' && /^(?:\/[\w.~-]+)*$/.test(prefix), 'prefix must begin with / and not end with it, such as /auth')
  require(isObject(decorators) && Object.entries(decorators).every(([name, value]) => ['authenticate', 'users'].includes(name) && (value === undefined || (typeof value === 'string' && value !== ''))), 'decorators must hold other names for authenticate and users')
  require(typeof clock === 'function', 'clock must be a function')
  require(isObject(hooks) && Object.entries(hooks).every(([name, hook]) => ['onAfterLogin', 'onLoginFailed', 'onAfterLogout'].includes(name) && (hook === undefined || typeof hook === 'function')), 'hooks must hold functions named onAfterLogin, onLoginFailed or onAfterLogout')
  require(Array.isArray(trustedOrigins) && trustedOrigins.every(isOrigin), 'trustedOrigins must hold origins: scheme, host and port, such as https://app.example.com')
  problems.push(...fieldProblems(fields), ...strategyProblems(strategy), ...backendProblems(backends, strategy), ...passwordProblems(passwords, production))
  if (problems.length > 0) throw new BadOptionsError(problems.join('\n'))

  return Object.freeze({
    users,
    backends: backends.map((backend) => {
      const used = backend.strategy ?? strategy as Strategy
      return { ...backend, strategy: used, lifetimeSeconds: backend.lifetimeSeconds ?? used.lifetimeSeconds, requireVerified: backend.requireVerified === true }
    }),
    prefix,
    fields,
    passwords: resolvePasswords(passwords),
    trustedOrigins,
    hooks,
    decorators: { authenticate: decorators.authenticate ?? 'authenticate', users: decorators.users ?? 'users' },
    clock
  })
}

function strategyProblems (strategy: Strategy | undefined): string[] {
  if (strategy === undefined) return []
  return isStrategy(strategy) ? reported('strategy', strategy.problems?.()) : ['options.strategy must be a strategy, such as jwt({ secret })']
}

function backendProblems (backends: FastifyUsersOptions['backends'], shared: Strategy | undefined): string[] {
  if (!Array.isArray(backends) || backends.length === 0) return ['options.backends must be a list of one backend or more, such as [cookie(), bearer()]']
  const names = backends.map((backend: Partial<Backend>) => backend?.name)

  return backends.flatMap((backend: Backend, index) => {
    const path = `backends[${index}]`
    const isBackend = isObject(backend) && isObject(backend.transport) && ['read', 'write', 'clear', 'challenge'].every((method) => typeof backend.transport[method as 'read'] === 'function')
    if (!isBackend) return [`options.${path} must be a backend, such as cookie() or bearer()`]

    const { name, transport, strategy, lifetimeSeconds, rememberSeconds, requireVerified } = backend
    const problems: string[] = []
    const require = (holds: boolean, problem: string): void => { if (!holds) problems.push(problem) }
    require(typeof name === 'string' && /^[\w-]{1,64}$/.test(name), 'name must be letters, digits, - and _')
    require(names.indexOf(name) === index, `name must differ from the other backends' names: ${name}`)
    const twin = transport.carrier === undefined ? index : backends.findIndex((other: Partial<Backend>) => other?.transport?.carrier === transport.carrier)
    require(twin === index, `transport needs a carrier of its own: backends[${twin}] has the ${transport.carrier} already`)
    require(isLifetime(lifetimeSeconds), `lifetimeSeconds must be a whole number of seconds from 1 to ${longestLifetime} (400 days)`)
    require(isLifetime(rememberSeconds), `rememberSeconds must be a whole number of seconds from 1 to ${longestLifetime} (400 days)`)
    require(requireVerified === undefined || typeof requireVerified === 'boolean', 'requireVerified must be true or false')
    require(strategy !== undefined || shared !== undefined, 'strategy is missing, and so is options.strategy')
    require(strategy === undefined || isStrategy(strategy), 'strategy must be a strategy, such as jwt({ secret })')
    return [
      ...reported(path, [...problems, ...transport.problems?.() ?? []]),
      ...(isStrategy(strategy) ? reported(`${path}.strategy`, strategy.problems?.()) : [])
    ]
  })
}

function fieldProblems (fields: ObjectSchema): string[] {
  if (!isObject(fields) || !isObject(fields.properties)) return ['options.fields must be the JSON schema of an object, such as Type.Object({ nickname: Type.String() })']
  const taken = [...Object.keys(baseUserSchema.properties), 'emailKey', 'password', 'passwordHash', 'version', 'sessionEpoch', 'fields', '__proto__']
  return Object.keys(fields.properties).filter((name) => taken.includes(name)).map((name) => `options.fields.properties.${name} is a name that every user has already`)
}

function isStrategy (value: unknown): value is Strategy {
  return isObject(value) && typeof (value as Strategy).start === 'function' && isLifetime((value as Strategy).lifetimeSeconds)
}

function isLifetime (value: unknown): boolean {
  return value === undefined || (isWhole(value) && value >= 1 && value <= longestLifetime)
}

function isOrigin (value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value && /^https?:/.test(value)
}
