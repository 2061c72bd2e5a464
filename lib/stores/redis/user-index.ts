import type { StoredSession } from '../../contracts/session-store.js'
import { purgeMarginMs } from '../purge.js'
import type { RunRedis } from './client.js'
import { indexScript } from './scripts.js'

/** How many entries are read at once, at most. */
const maxPage = 500

/**
 * Which sessions a user has: a sorted set of entries without scores, which Redis sorts by their bytes. An entry is added
 * after its session, so one without a session is that of a session which is gone for good, and may be dropped by whoever
 * meets it. A crash in between leaves a session without an entry, whose token nobody was given.
 */
export interface UserIndex {
  /** Adds what is missing; gives a few other entries of a large index, by chance. */
  add (key: string, session: StoredSession, keepMs: number): Promise<readonly string[]>
  /** Entries, those of the latest sessions first, page by page. The pages grow: those before them may have been in vain. */
  pages (key: string, after: Pick<StoredSession, 'createdAt' | 'id'> | null, firstPage?: number): AsyncGenerator<readonly string[], void, undefined>
  /** Drops entries. Nothing depends on it, so it may fail. */
  drop (key: string, entries: readonly string[]): Promise<void>
}

export function userIndex (run: RunRedis): UserIndex {
  return {
    add: async (key, session, keepMs) =>
      await run('EVAL', indexScript, '1', key, entryOf(session), String(keepMs + purgeMarginMs)) as string[],

    async * pages (key, after, firstPage = maxPage) {
      let from = after === null ? '+' : `(${entryOf(after)}`
      for (let size = Math.min(firstPage, maxPage), full = true; full; size = Math.min(size * 2, maxPage)) {
        const entries = await run('ZRANGE', key, from, '-', 'BYLEX', 'REV', 'LIMIT', '0', String(size)) as string[]
        yield entries
        full = entries.length === size
        from = `(${entries.at(-1)}`
      }
    },

    async drop (key, entries) {
      if (entries.length > 0) await run('ZREM', key, ...entries).catch(() => {})
    }
  }
}

/** The time of the log-in, with as many digits as the greatest has, then the id: by their bytes they are in the order of `list`. */
export function entryOf ({ createdAt, id }: Pick<StoredSession, 'createdAt' | 'id'>): string {
  return `${createdAt.toString(36).padStart(11, '0')}${id}`
}

export function idOf (entry: string): string {
  return entry.slice(11)
}
