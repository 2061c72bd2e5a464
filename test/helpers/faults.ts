import { AsyncLocalStorage } from 'node:async_hooks'
import type { AuditEvent, SessionStore, StoredSession, StoredUser, UserStore } from '../../lib/index.js'
import { arrivals, type Arrivals } from './accounts.js'

/** One call, of all that a run makes, that goes wrong. */
export interface Plan {
  /** Which call: from 1. */
  readonly at: number
  readonly fault: Fault
  /** How many calls there were so far. */
  calls: number
  /** The method that went wrong, such as `users.insert`; `null` if it did not come to that. */
  struck: string | null
  /** What the run has told the audit. */
  readonly events: Arrivals<AuditEvent>
}

/** How a call goes wrong. */
export interface Fault {
  readonly name: string
  /** Whether it fails, so that 503 is due; else it answers what is not true. */
  readonly fails: boolean
  /** Whether it has been done all the same. */
  readonly isDone?: boolean
  /** What comes of the call in its place. */
  act (real: () => unknown, method: string, values: readonly unknown[]): unknown
}

const plans = new AsyncLocalStorage<Plan>()

/** Runs something, one call of which goes wrong. Others may run at the same time. */
export async function withFault<T> (at: number, fault: Fault, run: () => Promise<T>): Promise<{ readonly plan: Plan, readonly result: T }> {
  const plan: Plan = { at, fault, calls: 0, struck: null, events: arrivals() }
  return { plan, result: await plans.run(plan, run) }
}

/** Takes what the audit is told to the run that it is about. */
export function toPlan (event: AuditEvent): void {
  plans.getStore()?.events.put(event)
}

/** A store, or a mailer, each of whose calls may go wrong. */
export function breakable<T extends object> (name: string, inner: T): T {
  const call = (method: string, real: (...values: unknown[]) => unknown) => (...values: unknown[]): unknown => {
    const plan = plans.getStore()
    const go = (): unknown => real.apply(inner, values)
    if (plan === undefined || ++plan.calls !== plan.at) return go()
    plan.struck = `${name}.${method}`
    return plan.fault.act(go, plan.struck, values)
  }
  return Object.fromEntries(Object.entries(inner).map(([key, value]) => [key, typeof value === 'function' && key !== 'close' ? call(key, value) : value])) as T
}

/** An error as some libraries make them: it quotes all that the call was given, and carries it, too. */
function driversError (method: string, values: readonly unknown[]): Error {
  const sql = `${method} values ${JSON.stringify(values)}`
  return Object.assign(new Error(`driver: ${sql}`), { statusCode: 401, code: '23505', detail: sql, sql, parameters: values })
}

export const failures: readonly Fault[] = [
  { name: 'throws', fails: true, act: (_real, method, values) => { throw driversError(method, values) } },
  { name: 'rejects', fails: true, act: async (_real, method, values) => { throw driversError(method, values) } },
  { name: 'hangs', fails: true, act: async () => await new Promise(() => {}) },
  {
    name: 'is done, and fails then',
    fails: true,
    isDone: true,
    async act (real, method, values) {
      await real()
      throw driversError(method, values)
    }
  }
]

/** These answer nothing: whatever they say is no lie, and that they did nothing no caller can know. */
const silent = ['sessions.insert', 'sessions.removeAll', 'revocations.revoke', 'mailer.send']

/** What a store has of somebody else. */
export interface Others {
  readonly user: StoredUser
  readonly session: StoredSession | null
}

/** Answers that are not true, of calls that were not made. */
export function lies (others: Others): readonly Fault[] {
  const answer = (name: string, value: (method: string) => unknown): Fault => ({
    name: `answers ${name}`,
    fails: false,
    act: (real, method) => silent.includes(method) ? real() : value(method)
  })
  const foreign = (method: string): unknown => {
    const row = method.startsWith('sessions.') ? others.session : others.user
    // Of a list of all users, nobody can tell that it is another one.
    return method === 'sessions.list' ? [row] : row
  }
  return [
    answer('undefined', () => undefined),
    answer('null', () => null),
    answer('{}', () => ({})),
    answer('1', () => 1),
    answer('"yes"', () => 'yes'),
    // Of those who answer with a row: who may say yes or no would tell a truth by it, or one that nobody can tell from it.
    answer('true', (method) => /\.(?:find|list)/.test(method) ? true : 'true'),
    answer('what is somebody else\'s', foreign),
    answer('an empty array', (method) => method.endsWith('.list') ? [{}] : [])
  ]
}

const userColumns = ['id', 'email', 'emailKey', 'passwordHash', 'isActive', 'isVerified', 'isSuperuser', 'version', 'sessionEpoch', 'pendingTokens', 'fields']
const sessionColumns = ['id', 'userId', 'createdAt', 'lastSeenAt', 'expiresAt', 'version', 'data', 'data.backend', 'data.epoch', 'data.endsAt', 'data.accessExpiresAt', 'data.accessDigest', 'data.refresh']

/** Rows that lack something. */
export const gaps: readonly Fault[] = [...new Set([...userColumns, ...sessionColumns])].map((column) => ({
  name: `leaves out ${column}`,
  fails: false,
  act (real, method) {
    const found = real()
    if (!/\.(?:find|list)/.test(method)) return found
    return Array.isArray(found) ? found.map((row) => without(row, column)) : without(found, column)
  }
}))

function without (row: unknown, column: string): unknown {
  if (row === null || typeof row !== 'object') return row
  const [first = '', second] = column.split('.')
  if (second === undefined) return Object.fromEntries(Object.entries(row).filter(([name]) => name !== first))
  return first in row ? { ...row, [first]: without((row as Record<string, unknown>)[first], second) } : row
}

/** Makes the calls of all stores breakable. */
export function breakableUsers (users: UserStore): UserStore {
  const { revocations, sessions } = users
  return {
    ...breakable('users', users),
    revocations: revocations === undefined ? undefined : breakable('revocations', revocations),
    sessions: sessions === undefined ? undefined : breakable('sessions', sessions as SessionStore)
  }
}
