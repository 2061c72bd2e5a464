import type { AuditEvent, AuditEventType } from '../contracts/audit.js'
import type { StoredUser } from '../contracts/user-store.js'
import { UserNotFoundError } from '../errors.js'
import { isPromise } from '../maybe-promise.js'
import type { Accounts, Source } from './accounts.js'

/** What is to be said of a moment, beside where it came from. */
interface Moment {
  readonly type: AuditEventType
  readonly userId: string | null
  /** Why it failed; left out where it did not. */
  readonly reason?: string
  readonly backend?: AuditEvent['backend']
}

/** The client chooses it, so it is cut. */
export const longestUserAgent = 512

/** Tells the application's `audit` what has happened. One that throws is logged: it is no reason to fail. */
export function record (accounts: Pick<Accounts, 'audit' | 'clock' | 'log'>, { request }: Source, { type, userId, reason, backend = null }: Moment): void {
  try {
    const told: unknown = accounts.audit({
      type,
      outcome: reason === undefined ? 'success' : 'failure',
      reason: reason ?? null,
      userId,
      actorId: request?.auth?.user.id ?? null,
      backend,
      ip: request?.ip ?? null,
      userAgent: request?.headers['user-agent']?.slice(0, longestUserAgent) ?? null,
      at: new Date(accounts.clock()).toISOString()
    })
    // Nobody waits for it, and so nobody else would hear of it.
    if (isPromise(told)) told.catch(failed)
  } catch (error) {
    failed(error)
  }

  function failed (error: unknown): void {
    accounts.log.error({ err: error }, 'fastify-users: audit has failed')
  }
}

/** Does what may fail, and records how it went. Where the work gives a user, the record is about that one. */
export async function recorded<T> (accounts: Accounts, source: Source, type: AuditEventType, userId: string | null, work: () => Promise<T>): Promise<T> {
  const result = await recordedIfFailed(accounts, source, type, userId, work)
  record(accounts, source, { type, userId: (result as Partial<StoredUser> | undefined)?.id ?? userId })
  return result
}

/** Does what may fail, and records it only if it does: where it goes on, that is recorded later. */
export async function recordedIfFailed<T> (accounts: Accounts, source: Source, type: AuditEventType, userId: string | null, work: () => Promise<T>, backend: AuditEvent['backend'] = null): Promise<T> {
  try {
    return await work()
  } catch (error) {
    // An id that nobody has, or that the store could not be asked for, is whatever the caller took for one: an address, say.
    const isKnown = !(error instanceof UserNotFoundError) && /^[\w-]{1,64}$/.test(String(userId))
    record(accounts, source, { type, userId: isKnown ? userId : null, reason: codeOf(error), backend })
    throw error
  }
}

/** Codes are fixed texts. What else is in an error, a driver's say, may be anything. */
function codeOf (error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : 'ERROR'
}
