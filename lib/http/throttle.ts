import type { FastifyReply, FastifyRequest } from 'fastify'
import { clientCounters } from '../accounts/limits.js'
import { recordedIfFailed } from '../accounts/record.js'
import type { AuditEvent, AuditEventType } from '../contracts/audit.js'
import type { Counter, Limited } from '../rate-limiter.js'
import type { RouteContext } from './routes/context.js'

/** What is limited per client: what it is called in an event, and what becomes of the count if it succeeds. */
const limited = {
  register: { type: 'register', onSuccess: 'keep' },
  forgotPassword: { type: 'forgot-password', onSuccess: 'keep' },
  requestVerify: { type: 'request-verify', onSuccess: 'keep' },
  verify: { type: 'verify', onSuccess: 'give-back' },
  resetPassword: { type: 'reset-password', onSuccess: 'give-back' },
  changeEmail: { type: 'confirm-email-change', onSuccess: 'give-back' },
  refresh: { type: 'refresh', onSuccess: 'give-back' }
} satisfies Partial<Record<Limited, { readonly type: AuditEventType, readonly onSuccess: Counter['onSuccess'] }>>

/**
 * Does what a client may do so often. Refused, it is not begun.
 *
 * @throws `TOO_MANY_REQUESTS`
 */
export async function throttled<T> ({ accounts, sourceOf }: Pick<RouteContext, 'accounts' | 'sourceOf'>, what: keyof typeof limited, request: FastifyRequest, reply: FastifyReply, work: () => Promise<T>, backend: AuditEvent['backend'] = null): Promise<T> {
  const { type, onSuccess } = limited[what]
  const attempt = await recordedIfFailed(accounts, sourceOf(request, reply), type, null, () => accounts.limiter.admit(clientCounters(accounts, what, request, onSuccess)), backend)
  const result = await attempt.during(work)
  await attempt.succeeded()
  return result
}
