import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import type { AuditEvent } from '../contracts/audit.js'
import type { Hooks } from '../contracts/hooks.js'
import type { LinkKind } from '../contracts/letter.js'
import type { RateLimitStore } from '../contracts/rate-limit-store.js'
import type { SessionStore } from '../contracts/session-store.js'
import type { UserStore } from '../contracts/user-store.js'
import type { Passwords } from '../crypto/passwords.js'
import type { MailRoom } from '../mail/mail-room.js'
import type { Limiter, Limits } from '../rate-limiter.js'
import type { Check } from '../schemas/compile.js'
import type { PasswordRules } from './password-rules.js'

/** What the use cases of this folder work with. */
export interface Accounts {
  readonly store: Pick<UserStore, 'insert' | 'findById' | 'findByEmail' | 'list' | 'replace' | 'remove' | 'retire'>
  /** Where the sessions of the backends are: none, where all of them stand in tokens alone. */
  readonly sessions: ReadonlyArray<Pick<SessionStore, 'find' | 'list' | 'remove' | 'removeAll' | 'purge'>>
  readonly passwords: Passwords
  readonly passwordRules: PasswordRules
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Checks the application's own fields. */
  readonly checkFields: Check
  /** Checks some of them, each by itself: none must be there, and none depends on another. */
  readonly checkEachField: Check
  /** What those fields are where nobody says. */
  readonly defaultFields: Readonly<Record<string, unknown>>
  readonly hooks: Hooks
  readonly audit: (event: AuditEvent) => void
  readonly mailRoom: MailRoom
  readonly log: Pick<FastifyBaseLogger, 'error'>
  /** How often what may be tried. */
  readonly limits: Limits
  readonly limiter: Limiter
  /** Where attempts are counted. */
  readonly buckets: Pick<RateLimitStore, 'purge'>
  readonly policy: AccountPolicy
}

/** What the application has decided about its accounts. */
export interface AccountPolicy {
  /** Whether a new address is asked to be verified at once. */
  readonly verifies: boolean
  /** Whether to register tells nobody who has an account. */
  readonly concealAccounts: boolean
  /** Whether a new address counts only when a link that was mailed there is followed. */
  readonly confirmEmailChange: boolean
  /** How long the link of each letter is good: seconds. */
  readonly linkSeconds: Readonly<Record<LinkKind, number>>
}

/** Where a call comes from. */
export interface Source {
  /** `null` where the application itself calls. */
  readonly request: FastifyRequest | null
  /** Aborted when the client hangs up before its reply: what takes long and has not begun is not worth it any more. */
  readonly gone?: AbortSignal
  /** Does what the reply must not tell about, by its text or its time: when it has left. */
  readonly later: (work: () => Promise<unknown>) => void
}
