import type { Exchange, Refreshed, RunningStrategy, Session } from './contracts/strategy.js'
import type { StoredUser } from './contracts/user-store.js'
import { frozenJson } from './frozen-json.js'
import { isPromise, type MaybePromise } from './maybe-promise.js'
import { createTokenCache } from './token-cache.js'

/** What was looked up for a token: the session that it stands for, and the session's user. */
export interface Known {
  readonly session: Session
  readonly user: StoredUser
}

/** Looks a token up. */
export type Load<Backend> = (token: string, backend: Backend) => MaybePromise<Known | null>

/**
 * Remembers for a few seconds what was looked up, by token. What changes or ends a session or a user in this process is told to
 * it, and holds at once; what another process does holds when the seconds are over.
 */
export interface AuthCache {
  /** What is known of a token at a backend; else what `load` gives. */
  get<Backend extends { readonly name: string }> (token: string, backend: Backend, load: Load<Backend>): MaybePromise<Known | null>
  /** Says that a session or a user, of this id, has changed, or may have. */
  forget (id: string): void
}

interface Entry {
  readonly backend: string
  readonly known: Known
  /** How many changes there had been when the look-up began. */
  readonly since: number
  /** From when to when it counts: milliseconds since 1970. */
  readonly from: number
  readonly until: number
}

/** A look-up under way. */
interface Loading extends Pick<Entry, 'backend' | 'since' | 'from'> {
  readonly promise: Promise<Known | null>
}

/** So many changes are known one by one. Then all that was looked up before is forgotten, and they need not be known any more. */
const maxChanges = 10_000

/** A look-up that takes longer is joined by nobody: it may never come back. Milliseconds. */
const longestJoin = 1000

/** @param seconds how long the changes of other processes may go unseen */
export function createAuthCache (seconds: number, clock: () => number): AuthCache {
  const entries = createTokenCache<Entry>()
  const loading = new Map<string, Loading>()
  /** When a session or a user was changed last, by its id, counted in changes. */
  const changedAt = new Map<string, number>()
  let changes = 0
  let allChangedAt = 0

  /** Whether nothing has changed since. It may have changed while it was looked up, too. */
  function isUnchanged ({ session, user }: Known, since: number): boolean {
    return since >= allChangedAt && (changedAt.get(session.id) ?? 0) <= since && (changedAt.get(user.id) ?? 0) <= since
  }

  function keep (token: string, backend: string, known: Known | null, since: number, from: number): Known | null {
    if (known === null || !isUnchanged(known, since)) return known
    // Many requests will share it.
    const user = frozenJson(known.user)
    const entry = { backend, known: { session: Object.freeze({ ...known.session }), user }, since, from, until: Math.min(from + seconds * 1000, known.session.expiresAt) }
    entries.set(token, entry, JSON.stringify(user).length)
    return entry.known
  }

  return {
    get (token, backend, load) {
      const { name } = backend
      const now = clock()
      const entry = entries.get(token)
      if (entry !== undefined && entry.backend === name && now >= entry.from && now < entry.until && isUnchanged(entry.known, entry.since)) return entry.known

      const other = loading.get(token)
      // What was changed since it began, it may not have seen.
      if (other !== undefined && other.backend === name && other.since === changes && Math.abs(now - other.from) < longestJoin) return other.promise

      const since = changes
      const found = load(token, backend)
      if (!isPromise(found)) return keep(token, name, found, since, now)
      const over = (): void => {
        if (loading.get(token) === mine) loading.delete(token)
      }
      const mine: Loading = { backend: name, since, from: now, promise: found.then((known) => keep(token, name, known, since, now)).finally(over) }
      loading.set(token, mine)
      return mine.promise
    },

    forget (id) {
      changes++
      changedAt.set(id, changes)
      if (changedAt.size < maxChanges) return
      changedAt.clear()
      allChangedAt = changes
    }
  }
}

/** A strategy whose sessions are forgotten as they end or go on, and also where that failed: it may have happened all the same. */
export function forgetful (strategy: RunningStrategy, forget: AuthCache['forget']): RunningStrategy {
  const { refresh, sessions } = strategy

  return {
    sessions,
    issue: (grant) => strategy.issue(grant),
    verify: (token, backend) => strategy.verify(token, backend),
    revoke: async (session) => await finallyForget([session], async () => await strategy.revoke(session)),
    ...(refresh === undefined ? {} : { refresh: refreshAndForget })
  }

  async function refreshAndForget (token: string, exchange: Exchange): Promise<Refreshed> {
    const met: Session[] = []
    return await finallyForget(met, async () => await (refresh as NonNullable<typeof refresh>).call(strategy, token, {
      ...exchange,
      admits: async (session) => {
        met.push(session)
        return await exchange.admits(session)
      },
      onReuse: (session) => {
        met.push(session)
        exchange.onReuse(session)
      }
    }))
  }

  async function finallyForget<T> (sessions: readonly Session[], work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } finally {
      for (const { id } of sessions) forget(id)
    }
  }
}
