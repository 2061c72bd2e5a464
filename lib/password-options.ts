import { availableParallelism } from 'node:os'
import type { PasswordHasher } from './contracts/password-hasher.js'
import { argon2Hasher, owaspCost, owaspLeastWork } from './crypto/password.js'
import { isObject, isWhole, reported } from './option-checks.js'

/** How passwords are hashed. */
export interface PasswordOptions {
  /** Memory of one argon2id hash: KiB. Default 19,456 (OWASP). */
  readonly memoryCost?: number | undefined
  /** Passes over it. Default 2 (OWASP). */
  readonly timeCost?: number | undefined
  /** Lanes. Default 1 (OWASP). */
  readonly parallelism?: number | undefined
  /** How many hashes run at once. Default: the cores, but fewer than libuv's threads (`UV_THREADPOOL_SIZE`, 4). */
  readonly concurrency?: number | undefined
  /** How many may wait; one more is refused with 503. Default 100. */
  readonly queueLimit?: number | undefined
  /** Another hasher than argon2id. */
  readonly hasher?: PasswordHasher | undefined
}

/** The options, with every default in its place. */
export interface PasswordSettings {
  readonly hasher: PasswordHasher
  readonly concurrency: number
  readonly queueLimit: number
}

/** Fills in the defaults. */
export function resolvePasswords (options: PasswordOptions): PasswordSettings {
  const { memoryCost = owaspCost.memoryCost, timeCost = owaspCost.timeCost, parallelism = owaspCost.parallelism } = options
  const { hasher = argon2Hasher({ memoryCost, timeCost, parallelism }), concurrency = defaultConcurrency(), queueLimit = 100 } = options
  return { hasher, concurrency, queueLimit }
}

/** What is wrong with the options. */
export function passwordProblems (options: PasswordOptions, production: boolean): string[] {
  if (!isObject(options)) return ['options.passwords must be an object']
  const { memoryCost = owaspCost.memoryCost, timeCost = owaspCost.timeCost, parallelism = owaspCost.parallelism, hasher, concurrency = 1, queueLimit = 1, ...unknown } = options
  const problems = Object.keys(unknown).map((name) => `${name} is no option`)
  const expect = (holds: boolean, problem: string): void => { if (!holds) problems.push(problem) }

  for (const [name, value] of Object.entries({ timeCost, parallelism, concurrency, queueLimit })) {
    expect(isWhole(value) && value > 0, `${name} must be a whole number from 1`)
  }
  expect(isWhole(memoryCost) && memoryCost >= 8 * parallelism, 'memoryCost must be a whole number of KiB, from 8 times parallelism')
  expect(hasher === undefined || isHasher(hasher), 'hasher must have hash, verify and needsRehash')
  expect(!production || hasher !== undefined || memoryCost * timeCost >= owaspLeastWork, 'memoryCost and timeCost are below what OWASP advises: leave them out, or raise them, in production')
  return reported('passwords', problems)
}

function isHasher (value: unknown): boolean {
  return isObject(value) && ['hash', 'verify', 'needsRehash'].every((method) => typeof value[method as keyof typeof value] === 'function')
}

/** More hashes at once than cores win nothing, and one thread of libuv's pool stays free for files, DNS and drivers. */
function defaultConcurrency (): number {
  const threads = Number(process.env.UV_THREADPOOL_SIZE) || 4
  return Math.max(1, Math.min(availableParallelism(), threads - 1))
}
