import { countChanges, isUnchanged } from './changes.js'
import type { Session } from './contracts/strategy.js'
import type { SeenUser } from './contracts/user-store.js'
import { frozenJson } from './frozen-json.js'
import { isPromise, type MaybePromise } from './maybe-promise.js'
import { createTokenCache } from './token-cache.js'

/** What was looked up for a token: the session that it stands for, and the session's user. */
export interface Known {
  readonly session: Session
  readonly user: SeenUser
}

/** Looks a token up: `null` if it does not hold. */
export type Load<Backend> = (token: string, backend: Backend) => MaybePromise<Known | null>

/**
 * Remembers for a few seconds what was looked up, by token. What this process changes holds at once, as `changes.ts` knows of it; what
 * another one changes holds when the seconds are over.
 */
export interface AuthCache {
  /** What is known of a token at a backend; else what `load` gives. */
  get<Backend extends { readonly name: string }> (token: string, backend: Backend, load: Load<Backend>): MaybePromise<Known | null>
}

interface Entry {
  readonly backend: string
  readonly known: Known
  /** How many changes there had been when the look-up began. */
  readonly since: number
  /** Milliseconds since 1970. */
  readonly until: number
}

/** A look-up under way. */
interface Loading {
  readonly backend: string
  readonly since: number
  /** Milliseconds since 1970. */
  readonly from: number
  readonly promise: Promise<Known | null>
}

/** A look-up that takes longer is joined by nobody: it may never come back. Milliseconds. */
const longestJoin = 1000

/** So many look-ups can be joined. If they hang, they are forgotten, and each request begins its own. */
const maxLoading = 1000

/** @param seconds how long the changes of other processes may go unseen */
export function createAuthCache (seconds: number, clock: () => number): AuthCache {
  const loading = new Map<string, Loading>()
  let entries = createTokenCache<Entry>()
  let latest = 0

  /** The time. What was remembered by a clock that was set back since may be too old, and nobody can tell. */
  function timeNow (): number {
    const now = clock()
    if (now < latest) entries = createTokenCache()
    latest = now
    return now
  }

  function keep (token: string, backend: string, known: Known | null, since: number, from: number): Known | null {
    if (known === null) return null
    // Many requests share it, those too that have joined a look-up which is not kept.
    const shared = { session: Object.freeze({ ...known.session }), user: frozenJson(known.user) }
    if (!holdsSince(known, since)) return shared
    entries.set(token, { backend, known: shared, since, until: Math.min(from + seconds * 1000, known.session.expiresAt) }, weightOf(shared.user))
    return shared
  }

  return {
    get (token, backend, load) {
      const { name } = backend
      const now = timeNow()
      const entry = entries.get(token)
      if (entry !== undefined && entry.backend === name && now < entry.until && holdsSince(entry.known, entry.since)) return entry.known

      const since = countChanges()
      const other = loading.get(token)
      // What was changed since it began, it may not have seen.
      if (other !== undefined && other.backend === name && other.since === since && Math.abs(now - other.from) < longestJoin) return other.promise

      const found = load(token, backend)
      if (!isPromise(found)) return keep(token, name, found, since, now)
      const over = (): void => {
        if (loading.get(token) === mine) loading.delete(token)
      }
      const mine: Loading = { backend: name, since, from: now, promise: found.then((known) => keep(token, name, known, since, now)).finally(over) }
      if (loading.size >= maxLoading) loading.clear()
      loading.set(token, mine)
      return mine.promise
    }
  }
}

/** Whether nothing has changed since. It may have changed while it was looked up, too. */
function holdsSince ({ session, user }: Known, since: number): boolean {
  return isUnchanged(session.id, since) && isUnchanged(user.id, since)
}

/** What a user takes in memory, by estimate: its letters, and the objects and members that they stand for. */
function weightOf (user: SeenUser): number {
  const json = JSON.stringify(user)
  return json.length + 64 * (json.match(/[{[,]/g) as RegExpMatchArray).length
}
