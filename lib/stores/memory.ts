import type { RevocationStore } from '../contracts/revocation-store.js'
import type { StoredUser, UserStore } from '../contracts/user-store.js'
import { frozenJson } from '../frozen-json.js'
import { memoryRateLimits } from './memory-rate-limits.js'
import { memorySessions } from './memory-sessions.js'
import { purgeIntervalMs, purgeMarginMs } from './purge.js'

/**
 * Keeps users, their sessions, the ids of ended sessions, and counters of attempts, in the memory of this process: for tests, examples and a first
 * try. All is lost when the process ends, so the plugin refuses it where `NODE_ENV` is `production`.
 *
 * What it hands out is deeply frozen, and has been through JSON, as `fields` and `pendingTokens` would have been in a
 * database.
 *
 * @example
 * ```ts
 * const store = memory()
 * ```
 */
export function memory (): UserStore {
  const byId = new Map<string, StoredUser>()
  const byEmail = new Map<string, StoredUser>()

  function put (user: StoredUser): void {
    const copy = frozenJson(user)
    byId.set(copy.id, copy)
    byEmail.set(copy.emailKey, copy)
  }

  function replace (user: StoredUser, version: number): boolean | 'taken' {
    const current = byId.get(user.id)
    if (current?.version !== version) return false
    if ((byEmail.get(user.emailKey) ?? current) !== current) return 'taken'
    byEmail.delete(current.emailKey)
    put(user)
    return true
  }

  function remove (id: string, version: number): boolean {
    const user = byId.get(id)
    if (user?.version !== version) return false
    byEmail.delete(user.emailKey)
    return byId.delete(id)
  }

  return {
    insert (user) {
      if (byId.has(user.id) || byEmail.has(user.emailKey)) return false
      put(user)
      return true
    },

    findById: (id) => byId.get(id) ?? null,

    findByEmail: (emailKey) => byEmail.get(emailKey) ?? null,

    list: ({ after, limit, emailPart }) => [...byId.values()]
      .filter(({ id, emailKey }) => id > (after ?? '') && emailKey.includes(emailPart ?? ''))
      .sort((first, second) => first.id < second.id ? -1 : 1)
      .slice(0, limit),

    replace,
    remove,

    retire (id, version, next) {
      if (byId.get(id)?.version !== version) return false
      if (![...byId.values()].some((user) => user.id !== id && user.isSuperuser && user.isActive)) return 'last'
      return next === null ? remove(id, version) : replace(next, version)
    },

    revocations: memoryRevocations(),
    sessions: memorySessions(),
    limits: memoryRateLimits(),
    ephemeral: true
  }
}

/**
 * Remembers ended sessions in the memory of this process, until an hour after they would have expired. Once a minute, as a
 * session is ended, older entries are dropped.
 *
 * @example
 * ```ts
 * jwt({ secret, revocations: memoryRevocations() })
 * ```
 */
export function memoryRevocations (): RevocationStore {
  const expiryOf = new Map<string, number>()
  let nextPurge = 0

  function purge (now: number): void {
    nextPurge = now + purgeIntervalMs
    for (const [id, expiresAt] of expiryOf) {
      if (expiresAt <= now - purgeMarginMs) expiryOf.delete(id)
    }
  }

  return {
    revoke (id, expiresAt, now) {
      if (now >= nextPurge) purge(now)
      if (!expiryOf.has(id)) expiryOf.set(id, expiresAt)
    },

    isRevoked: (id) => expiryOf.has(id)
  }
}
