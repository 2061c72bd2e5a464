import { isIP } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Accounts } from '../accounts/accounts.js'
import { recordedIfFailed } from '../accounts/record.js'
import type { AuditEvent, AuditEventType } from '../contracts/audit.js'
import { countersOf, type Counter, type Limited } from '../rate-limiter.js'
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

/** What a request counts against for where it comes from. */
export function clientCounters ({ limits }: Accounts, what: Limited, { ip }: FastifyRequest, onSuccess: Counter['onSuccess']): readonly Counter[] {
  return countersOf(limits, what, 'perClient', clientNameOf(ip), onSuccess)
}

/**
 * Who counts as one client: an IPv4 address, however it is written; of IPv6 the network of 64 bits, for whoever has one address of it
 * has all. What is no address is one client together: a socket without one, or what a proxy that is trusted too much passes on.
 */
export function clientNameOf (ip: string | undefined): string {
  const [address = ''] = ip?.split('%') ?? []
  const version = isIP(address)
  if (version !== 6) return version === 4 ? address : 'unknown'
  const groups = groupsOf(address)
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (!isMapped) return groups.slice(0, 4).map((group) => group.toString(16)).join(':')
  return groups.slice(6).flatMap((group) => [group >> 8, group & 0xff]).join('.')
}

/** The eight groups of an IPv6 address. The parser of URLs knows all the ways to write one, and leaves a single one, without dots. */
function groupsOf (address: string): number[] {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const read = (part: string): number[] => part === '' ? [] : part.split(':').map((group) => parseInt(group, 16))
  const [first, last] = [read(head), read(tail ?? '')]
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last]
}
