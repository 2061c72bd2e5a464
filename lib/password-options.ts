import { availableParallelism } from 'node:os'
import type { Argon2Factory, PasswordHasher } from './contracts/password-hasher.js'
import type { BreachOptions, PasswordRuleSettings, ValidatePassword } from './contracts/password-rule.js'
import { argon2Hasher, owaspCost, owaspLeastWork } from './crypto/password.js'
import { misspelt } from './misspelt.js'
import { isObject, isWhole, reported } from './option-checks.js'
import { longPassword, passwordRule } from './schemas/password.js'

/** Milliseconds. Somebody sits there and waits. */
const longestWait = 30_000
const longestQueue = 600_000

/** What passwords may be, and how they are hashed. */
export interface PasswordOptions {
  /** Memory of one argon2id hash: KiB, from 8 times `parallelism`. Default 19,456 (OWASP). */
  readonly memoryCost?: number | undefined
  /** Passes over that memory, from 1. Default 2 (OWASP). */
  readonly timeCost?: number | undefined
  /** Lanes, from 1. Default 1 (OWASP). */
  readonly parallelism?: number | undefined
  /** How many hashes run at once, from 1. Default: the cores divided by `parallelism`, but fewer than libuv's threads (`UV_THREADPOOL_SIZE`, 4). */
  readonly concurrency?: number | undefined
  /** How many may wait, from 1; one more is refused with 503. Default 100. */
  readonly queueLimit?: number | undefined
  /** How many of one client may run or wait; one more is refused with 503. From 1. Default: a quarter of `queueLimit`, at least 2. */
  readonly queuePerClient?: number | undefined
  /** How long one may wait: milliseconds, from 1 to 600,000. Then it is refused with 503, and not hashed. Default 5,000. */
  readonly queueTimeoutMs?: number | undefined
  /** Another hasher than argon2id by the package `argon2`; or a function that makes one, of the three costs: `nodeRsArgon2`. */
  readonly hasher?: PasswordHasher | Argon2Factory | undefined
  /** How short a new password may be: code points, from 8 to 64. Default 8. */
  readonly minLength?: number | undefined
  /** How long a new password may be: code points, from 64 to 1,024. Default 128. */
  readonly maxLength?: number | undefined
  /** A rule of your own for new passwords. It is given the default rules, to call them or not. */
  readonly validatePassword?: ValidatePassword | undefined
  /** Refuses passwords known from breaches, as the last of the default rules. Default: nobody is asked. */
  readonly breaches?: BreachOptions | undefined
}

/** The options, with every default in its place. */
export interface PasswordSettings extends PasswordRuleSettings {
  readonly hasher: PasswordHasher
  readonly concurrency: number
  readonly queueLimit: number
  readonly queuePerClient: number
  readonly queueTimeoutMs: number
}

/** Fills in the defaults. */
export function resolvePasswords (options: PasswordOptions): PasswordSettings {
  const { memoryCost = owaspCost.memoryCost, timeCost = owaspCost.timeCost, parallelism = owaspCost.parallelism } = options
  const { hasher: given = argon2Hasher, concurrency = defaultConcurrency(parallelism), queueLimit = 100, queuePerClient = Math.max(2, Math.ceil(queueLimit / 4)), queueTimeoutMs = 5_000 } = options
  const hasher = typeof given === 'function' ? given({ memoryCost, timeCost, parallelism }) : given
  const { minLength = passwordRule.minLength, maxLength = longPassword.byDefault, validatePassword, breaches } = options
  return { hasher, concurrency, queueLimit, queuePerClient, queueTimeoutMs, minLength, maxLength, validatePassword, breaches: breaches && resolveBreaches(breaches) }
}

const known = ['memoryCost', 'timeCost', 'parallelism', 'concurrency', 'queueLimit', 'queuePerClient', 'queueTimeoutMs', 'hasher', 'minLength', 'maxLength', 'validatePassword', 'breaches']

/** What is wrong with the options. */
export function passwordProblems (options: PasswordOptions, production: boolean): string[] {
  if (!isObject(options)) return ['options.passwords must be an object']
  const { memoryCost = owaspCost.memoryCost, timeCost = owaspCost.timeCost, parallelism = owaspCost.parallelism, hasher, concurrency = 1, queueLimit = 1, queuePerClient = 1, queueTimeoutMs = 1, ...others } = options
  const { minLength = passwordRule.minLength, maxLength = longPassword.byDefault, validatePassword, breaches, ...unknown } = others
  const problems = misspelt(unknown, known)
  const expect = (holds: boolean, problem: string): void => { if (!holds) problems.push(problem) }

  for (const [name, value] of Object.entries({ timeCost, parallelism, concurrency, queueLimit, queuePerClient })) {
    expect(isWhole(value) && value > 0, `${name} must be a whole number from 1`)
  }
  expect(isWhole(memoryCost) && memoryCost >= 8 * parallelism, 'memoryCost must be a whole number of KiB, from 8 times parallelism')
  expect(isWhole(queueTimeoutMs) && queueTimeoutMs >= 1 && queueTimeoutMs <= longestQueue, `queueTimeoutMs must be a whole number of milliseconds from 1 to ${longestQueue}`)
  expect(hasher === undefined || isHasher(typeof hasher === 'function' ? hasher(owaspCost) : hasher), 'hasher must have hash, verify and needsRehash, or be a function that makes one')
  expect(!production || isObject(hasher) || memoryCost * timeCost >= owaspLeastWork, 'memoryCost and timeCost are below what OWASP advises: leave them out, or raise them, in production')
  expect(isWhole(minLength) && minLength >= passwordRule.minLength && minLength <= longPassword.allowed, `minLength must be a whole number of characters from ${passwordRule.minLength} to ${longPassword.allowed}`)
  expect(isWhole(maxLength) && maxLength >= longPassword.allowed && maxLength <= passwordRule.maxLength, `maxLength must be a whole number of characters from ${longPassword.allowed} to ${passwordRule.maxLength}`)
  expect(validatePassword === undefined || typeof validatePassword === 'function', 'validatePassword must be a function')
  return reported('passwords', [...problems, ...(breaches === undefined ? [] : breachProblems(breaches))])
}

function resolveBreaches ({ fetch, url = 'https://api.pwnedpasswords.com/range/', timeoutMs = 2_000 }: BreachOptions): PasswordSettings['breaches'] {
  return { fetch, url, timeoutMs }
}

function breachProblems (breaches: BreachOptions): string[] {
  if (!isObject(breaches)) return ['breaches must be an object, such as { fetch }']
  const { fetch, url, timeoutMs, ...unknown } = breaches
  const problems = misspelt(unknown, ['fetch', 'url', 'timeoutMs']).map((problem) => `breaches.${problem}`)
  if (typeof fetch !== 'function') problems.push('breaches.fetch must be a function, such as the global fetch')
  if (url !== undefined && !isRangeUrl(url)) problems.push('breaches.url must be an http or https URL that ends with /, without a user name, a password or a query')
  if (timeoutMs !== undefined && !(isWhole(timeoutMs) && timeoutMs >= 1 && timeoutMs <= longestWait)) problems.push(`breaches.timeoutMs must be a whole number of milliseconds from 1 to ${longestWait}`)
  return problems
}

/** What every `fetch` takes, and what the prefix of a hash can be put behind. With a user name `fetch` would refuse each time, and each password would pass. */
function isRangeUrl (url: unknown): boolean {
  return typeof url === 'string' && /^https?:\/\/[^?#@]+\/$/.test(url) && URL.canParse(url)
}

function isHasher (value: unknown): boolean {
  return isObject(value) && ['hash', 'verify', 'needsRehash'].every((method) => typeof value[method as keyof typeof value] === 'function')
}

/** More lanes at once than cores win nothing, and one thread of libuv's pool stays free for files, DNS and drivers. */
function defaultConcurrency (parallelism: number): number {
  const { UV_THREADPOOL_SIZE: size } = process.env
  // As libuv reads it: what is no number makes one thread.
  const threads = size === undefined ? 4 : parseInt(size) || 1
  return Math.max(1, Math.min(Math.floor(availableParallelism() / parallelism), threads - 1))
}
