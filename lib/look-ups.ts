import type { StoredSession } from './contracts/session-store.js'
import type { LookUps } from './contracts/strategy.js'
import type { UserStore } from './contracts/user-store.js'
import { isPromise, type MaybePromise } from './maybe-promise.js'

/**
 * What a request looks up: in one look-up where a store has joined what would be asked, and that very thing. Another database may know
 * users of the same ids, and a part of a store may have been replaced.
 */
export function createLookUps ({ findById, joined }: Pick<UserStore, 'findById' | 'joined'>): LookUps {
  const own = joined?.of.findById === findById ? joined : undefined

  return {
    findSession (sessions, id) {
      if (own !== undefined && sessions === own.of.sessions) return own.bySession(id)
      const found = sessions.find(id)
      return !isRow(found) && isPromise(found) ? found.then(toFound) : toFound(found)
    },

    findRevocation (revocations, tokenId, userId) {
      if (own !== undefined && revocations === own.of.revocations) return own.withRevocation(userId, tokenId)
      const isRevoked = revocations.isRevoked(tokenId)
      return typeof isRevoked !== 'boolean' && isPromise(isRevoked) ? isRevoked.then(toAnswer) : toAnswer(isRevoked)
    }
  }
}

function isRow (found: MaybePromise<StoredSession | null>): found is StoredSession {
  return (found as Partial<StoredSession> | null)?.data !== undefined
}

/** Some stores say `undefined` for nobody. */
function toFound (session: StoredSession | null | undefined): { readonly session: StoredSession } | null {
  return session === null || session === undefined ? null : { session }
}

function toAnswer (isRevoked: boolean): { readonly isRevoked: boolean } {
  return { isRevoked }
}
