import type { SessionStore, StoredSession } from '../contracts/session-store.js'
import { frozenJson } from '../frozen-json.js'
import { purgeIntervalMs, purgeLimit } from './purge.js'

/**
 * Keeps sessions in the memory of this process. All are lost when it ends, so the plugin refuses it where `NODE_ENV` is
 * `production`. Once a minute, as a session is added, those that have expired are dropped, whether anybody calls `purge` or
 * not. What it hands out is deeply frozen.
 *
 * @example
 * ```ts
 * const sessions = memorySessions()
 * ```
 */
export function memorySessions (): SessionStore {
  const byId = new Map<string, StoredSession>()
  let nextPurge = 0

  function purge (now: number, limit: number): number {
    let count = 0
    for (const { id, expiresAt } of byId.values()) {
      if (count === limit) break
      if (expiresAt <= now && byId.delete(id)) count++
    }
    return count
  }

  const ofUser = (userId: string): StoredSession[] => [...byId.values()].filter((session) => session.userId === userId)

  return {
    insert (session) {
      // The app's clock, which made the expiry too.
      const now = session.createdAt
      if (now >= nextPurge) {
        nextPurge = now + purgeIntervalMs
        purge(now, Infinity)
      }
      byId.set(session.id, frozenJson(session))
    },

    find: (id) => byId.get(id) ?? null,

    replace (session, version) {
      if (byId.get(session.id)?.version !== version) return false
      byId.set(session.id, frozenJson(session))
      return true
    },

    remove: (id) => byId.delete(id),

    list: ({ userId, after, limit }) => ofUser(userId)
      .filter((session) => after === null || inOrder(after, session) < 0)
      .sort(inOrder)
      .slice(0, limit),

    removeAll (userId, exceptId) {
      for (const { id } of ofUser(userId)) {
        if (id !== exceptId) byId.delete(id)
      }
    },

    purge: (now) => purge(now, purgeLimit),
    ephemeral: true
  }
}

/** The latest first. */
function inOrder (first: Pick<StoredSession, 'createdAt' | 'id'>, second: Pick<StoredSession, 'createdAt' | 'id'>): number {
  if (first.createdAt !== second.createdAt) return second.createdAt - first.createdAt
  if (first.id === second.id) return 0
  return first.id > second.id ? -1 : 1
}
