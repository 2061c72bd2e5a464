import type { RateLimit } from './contracts/rate-limit-store.js'
import { misspelt } from './misspelt.js'
import { isObject, isWhole, reported } from './option-checks.js'
import type { Limited, Limits, LimitsOf } from './rate-limiter.js'

/** A limit, or a part of one: the rest is as by default. `false`: none. */
export type LimitOption = Partial<RateLimit> | false | undefined

/** What is counted per client: an IPv4 address, or the /64 network of an IPv6 address. */
export interface ClientLimits {
  /** How much may come from one client. Default: as the route has it. */
  readonly perClient?: LimitOption
}

/** Attempts to know a password: those that fail count. */
export interface GuessLimits {
  /** How many may fail for one account, before it waits for a while. Default 10 in 900 seconds. */
  readonly perAccount?: LimitOption
  /** How many may fail for one account in a row, however slowly: up to 100. Default 100 in 31,536,000 seconds (a year). */
  readonly inARow?: LimitOption
}

/** Mails that a stranger may have sent. */
export interface MailLimits {
  /** How many go to one account, counted by its address. More are not sent, and whoever asks is told nothing of it. Default: as the route has it. */
  readonly perAccount?: LimitOption
}

/** Limits on what guesses, hashes or mails. `false`: none of that kind. All are on by default. */
export interface ThrottleOptions {
  /** `POST /login/<name>`, of all backends together. Default: per client 100 that fail in 900 seconds. */
  readonly login?: (ClientLimits & GuessLimits) | false | undefined
  /** The current password of who is logged in: `PATCH`, `DELETE /users/me`, `POST /confirm`. It does not count as a login, nor is it stopped by those. Default: as `GuessLimits` says. */
  readonly currentPassword?: GuessLimits | false | undefined
  /** `POST /register`. Default: per client 50 in 3,600 seconds; with `concealAccounts`, the owner of an account gets 3 mails in 3,600 seconds. */
  readonly register?: (ClientLimits & MailLimits) | false | undefined
  /** `POST /forgot-password`. Default: per client 50 in 3,600 seconds, per account 3 mails in 3,600 seconds. */
  readonly forgotPassword?: (ClientLimits & MailLimits) | false | undefined
  /** `POST /request-verify-token`. Default: per client 50 in 3,600 seconds; per account 5 mails in 3,600 seconds, whatever they are sent for. */
  readonly requestVerify?: (ClientLimits & MailLimits) | false | undefined
  /** `POST /verify`. Default: per client 50 that fail in 900 seconds. */
  readonly verify?: ClientLimits | false | undefined
  /** `POST /reset-password`. Default: per client 50 that fail in 900 seconds. */
  readonly resetPassword?: ClientLimits | false | undefined
  /** `POST /change-email`. Default: per client 50 that fail in 900 seconds; by `PATCH /users/me`, per account, per new address and per old one 5 in 3,600 seconds. More are refused. */
  readonly changeEmail?: (ClientLimits & MailLimits) | false | undefined
  /** A new password by `PATCH /users/me`, which is told by mail. Default: per account 10 in 3,600 seconds, counted by its address. More are refused. */
  readonly changePassword?: MailLimits | false | undefined
  /** `POST /refresh/<name>`, of all backends together. Default: per client 300 that fail in 900 seconds. */
  readonly refresh?: ClientLimits | false | undefined
}

const quarter = 900
const hour = 3600
const year = 365 * 24 * hour

/** Soft at 10 in a quarter of an hour, hard at 100 (NIST SP 800-63B-4 §3.2.2). */
const guesses = { perAccount: { attempts: 10, seconds: quarter }, inARow: { attempts: 100, seconds: year } }

const defaults = {
  login: { perClient: { attempts: 100, seconds: quarter }, ...guesses },
  currentPassword: guesses,
  register: { perClient: { attempts: 50, seconds: hour }, perAccount: { attempts: 3, seconds: hour } },
  forgotPassword: { perClient: { attempts: 50, seconds: hour }, perAccount: { attempts: 3, seconds: hour } },
  requestVerify: { perClient: { attempts: 50, seconds: hour }, perAccount: { attempts: 5, seconds: hour } },
  verify: { perClient: { attempts: 50, seconds: quarter } },
  resetPassword: { perClient: { attempts: 50, seconds: quarter } },
  changeEmail: { perClient: { attempts: 50, seconds: quarter }, perAccount: { attempts: 5, seconds: hour } },
  changePassword: { perAccount: { attempts: 10, seconds: hour } },
  refresh: { perClient: { attempts: 300, seconds: quarter } }
} satisfies Limits

/** Seconds. */
const longest = 10 * year
/** NIST SP 800-63B-4 §3.2.2: no account may be guessed at more often than that. */
const mostInARow = 100

type Given = { readonly [Kind in keyof LimitsOf]?: LimitOption }

/** Fills in the defaults. */
export function resolveThrottle (throttle: ThrottleOptions | false): Limits {
  return Object.fromEntries(Object.entries<LimitsOf>(defaults).map(([name, limits]) => {
    const given: false | Given = throttle === false ? false : throttle[name as Limited] ?? {}
    return [name, given === false ? {} : withDefaults(limits, given)]
  })) as unknown as Limits
}

function withDefaults (limits: LimitsOf, given: Given): LimitsOf {
  const kinds = Object.keys(limits) as Array<keyof LimitsOf>
  return Object.fromEntries(kinds.flatMap((kind) => {
    const limit = given[kind] ?? {}
    if (limit === false) return []
    const { attempts, seconds } = limits[kind] as RateLimit
    return [[kind, { attempts: limit.attempts ?? attempts, seconds: limit.seconds ?? seconds }]]
  }))
}

/** What is wrong with the option. */
export function throttleProblems (throttle: unknown): string[] {
  if (throttle === false) return []
  if (!isObject(throttle)) return ['options.throttle must be an object, such as { login: { perClient: { attempts: 20 } } }, or false']
  return reported('throttle', [...misspelt(throttle, Object.keys(defaults)), ...Object.entries(defaults).flatMap(([name, limits]) => {
    const given = throttle[name as keyof typeof throttle] as unknown
    if (given === undefined || given === false) return []
    if (!isObject(given)) return [`${name} must be an object, such as { perClient: { attempts: 20 } }, or false`]
    const problems = [...misspelt(given, Object.keys(limits)), ...Object.keys(limits).flatMap((kind) => limitProblems(kind, given[kind as keyof typeof given]))]
    return problems.map((problem) => `${name}.${problem}`)
  })])
}

function limitProblems (kind: string, limit: unknown): string[] {
  if (limit === undefined || limit === false) return []
  if (!isObject(limit)) return [`${kind} must be an object, such as { attempts: 10, seconds: 900 }, or false`]
  const { attempts = 1, seconds = 1 } = limit as Partial<RateLimit>
  const most = kind === 'inARow' ? mostInARow : 1_000_000
  const problems = misspelt(limit, ['attempts', 'seconds'])
  if (!isWhole(attempts) || attempts < 1 || attempts > most) problems.push(`attempts must be a whole number from 1 to ${most}`)
  if (!isWhole(seconds) || seconds < 1 || seconds > longest) problems.push(`seconds must be a whole number of seconds from 1 to ${longest} (10 years)`)
  return problems.map((problem) => `${kind}.${problem}`)
}
