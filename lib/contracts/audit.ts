import type { BackendName } from './user.js'

/** What may happen to an account. */
export type AuditEventType =
  'login' | 'logout' | 'refresh' | 'register' | 'create' | 'update' | 'delete' |
  'request-verify' | 'verify' | 'forgot-password' | 'reset-password' |
  'reauthenticate' | 'password-change' | 'request-email-change' | 'confirm-email-change' | 'email-change' | 'revoke-session' | 'revoke-sessions' | 'unlock'

/** Something that happened to an account, or was tried: for a log of security events. It never holds a secret or an address. */
export interface AuditEvent {
  readonly type: AuditEventType
  readonly outcome: 'success' | 'failure'
  /** Why it failed: a {@link LoginFailure}, or the `code` of the error. `null` where it did not. */
  readonly reason: string | null
  /** Whose account it is; `null` where there is none. */
  readonly userId: string | null
  /** Who did it: the logged-in user of the request, `null` for a stranger or the application itself. */
  readonly actorId: string | null
  /** The backend of a login or a logout. */
  readonly backend: BackendName | null
  /** `request.ip`: behind a proxy it is right if Fastify's `trustProxy` is. `null` without a request. */
  readonly ip: string | null
  /** As the client says, at most 512 characters. `null` without a request, or where it says nothing. */
  readonly userAgent: string | null
  /** ISO 8601, UTC, with milliseconds. */
  readonly at: string
}
