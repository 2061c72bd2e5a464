import type { LookUps } from './contracts/strategy.js'
import type { UserStore } from './contracts/user-store.js'
import { andThen } from './maybe-promise.js'

/**
 * What a request looks up: in one look-up where a store has joined what would be asked, and that very thing. Another database may know
 * users of the same ids, and a part of a store may have been replaced.
 */
export function createLookUps ({ findById, joined }: Pick<UserStore, 'findById' | 'joined'>): LookUps {
  const own = joined?.of.findById === findById ? joined : undefined

  return {
    findSession (sessions, id) {
      if (own !== undefined && sessions === own.of.sessions) return own.bySession(id)
      return andThen(sessions.find(id), (session) => session === null || session === undefined ? null : { session })
    },

    findRevocation (revocations, tokenId, userId) {
      if (own !== undefined && revocations === own.of.revocations) return own.withRevocation(userId, tokenId)
      return andThen(revocations.isRevoked(tokenId), (isRevoked) => ({ isRevoked }))
    }
  }
}
