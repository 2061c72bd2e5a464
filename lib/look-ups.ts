import type { LookUps } from './contracts/strategy.js'
import type { UserStore } from './contracts/user-store.js'
import { andThen } from './maybe-promise.js'

/**
 * What a request looks up, in one round trip where the place asked is the user store's own. Another database may know users of
 * the same ids, and is not asked for them.
 */
export function createLookUps (users: Pick<UserStore, 'sessions' | 'revocations' | 'findBySession' | 'findWithRevocation'>): LookUps {
  return {
    findSession (sessions, id) {
      if (sessions === users.sessions && users.findBySession !== undefined) return users.findBySession(id)
      return andThen(sessions.find(id), (session) => session === null ? null : { session })
    },

    findRevocation (revocations, tokenId, userId) {
      if (revocations === users.revocations && users.findWithRevocation !== undefined) return users.findWithRevocation(userId, tokenId)
      return andThen(revocations.isRevoked(tokenId), (isRevoked) => ({ isRevoked }))
    }
  }
}
