import type { FastifyBaseLogger } from 'fastify'
import type { Accounts } from './accounts/accounts.js'
import { createPasswordRules } from './accounts/password-rules.js'
import { noteChange } from './changes.js'
import { limitAnswers, sessionAnswers, userAnswers } from './answers.js'
import type { RateLimitStore } from './contracts/rate-limit-store.js'
import type { SessionStore } from './contracts/session-store.js'
import type { StoredUser } from './contracts/user-store.js'
import { createPasswords } from './crypto/passwords.js'
import type { Deadline } from './deadline.js'
import { BadOptionsError } from './errors.js'
import { createMailRoom } from './mail/mail-room.js'
import type { Settings } from './options.js'
import { createLimiter } from './rate-limiter.js'
import { compile, type Check } from './schemas/compile.js'
import { definitionsOf, type ObjectSchema } from './schemas/user.js'
import { sealed } from './sealed.js'

/** What the use cases need of the app, or of the script, that they run in. */
export interface Surroundings {
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>
  /** Where the app listens; `null` if it does not. */
  readonly origin: () => string | null
  /** How long a store is waited for. */
  readonly deadline: Deadline
  /** Where the sessions of the backends are. */
  readonly sessions: readonly SessionStore[]
  /** Where attempts are counted. */
  readonly buckets: RateLimitStore
}

/** The settings that are about accounts. */
export type AccountSettings = Pick<Settings, 'users' | 'passwords' | 'clock' | 'fields' | 'hooks' | 'audit' | 'routes' | 'concealAccounts' | 'confirmEmailChange' | 'mails' | 'throttle'>

/** The methods of stores that change or end a user or a session, or all sessions of a user: whose id comes first, or as a whole. */
const changing = new Set(['replace', 'remove', 'retire', 'removeAll'])

function noteChanged (method: string, first: unknown): void {
  if (changing.has(method)) noteChange(typeof first === 'string' ? first : (first as StoredUser).id)
}

/** Joins all that the use cases work with. */
export function startAccounts (settings: AccountSettings, { log, origin, deadline, sessions, buckets }: Surroundings): Accounts {
  const { users, passwords, clock, fields, hooks, audit, routes, concealAccounts, confirmEmailChange, mails, throttle } = settings
  const { hasher, concurrency, queueLimit, queuePerClient, queueTimeoutMs } = passwords
  const counters = sealed(buckets, limitAnswers, deadline)
  return {
    store: sealed(users, userAnswers, deadline, noteChanged),
    sessions: sessions.map((store) => sealed(store, sessionAnswers, deadline, noteChanged)),
    passwords: createPasswords(hasher, { concurrency, limit: queueLimit, share: queuePerClient, waitMs: queueTimeoutMs }),
    passwordRules: createPasswordRules(passwords, log),
    clock,
    checkFields: compileFields(fields),
    checkEachField: compile(eachField(fields)),
    defaultFields: defaultsOf(fields),
    hooks,
    audit,
    mailRoom: createMailRoom(mails, { log, origin }),
    log,
    limits: throttle,
    limiter: createLimiter(counters, { clock, log }),
    buckets: counters,
    policy: {
      verifies: routes.verify === true,
      concealAccounts,
      confirmEmailChange,
      linkSeconds: {
        'verify-address': mails.verifySeconds,
        'reset-password': mails.resetSeconds,
        'set-password': mails.verifySeconds,
        'confirm-email-change': mails.verifySeconds
      }
    }
  }
}

/** The application's own schema is tried at once: a mistake in it should not wait for the first user. */
function compileFields (fields: ObjectSchema): Check {
  const check = compile({ ...fields, additionalProperties: false })
  if (Object.keys(fields.properties).length === 0) return check
  try {
    check({})
  } catch (error) {
    throw new BadOptionsError(`options.fields is no JSON schema: ${(error as Error).message}`)
  }
  return check
}

/** What the application's schema says of each field, and no more than that. */
function eachField (fields: ObjectSchema): object {
  return { ...definitionsOf(fields), type: 'object', properties: fields.properties, additionalProperties: false }
}

function defaultsOf ({ properties }: ObjectSchema): Readonly<Record<string, unknown>> {
  const defaults = Object.entries(properties).map(([name, schema]) => [name, (schema as { default?: unknown } | null)?.default])
  return Object.fromEntries(defaults.filter(([, value]) => value !== undefined))
}
