import { equal } from 'node:assert/strict'
import type { SessionStore } from '../contracts/session-store.js'
import type { SeenUser, StoredUser, UserStore } from '../contracts/user-store.js'
import { randomId } from '../crypto/random.js'
import type { MaybePromise } from '../maybe-promise.js'
import { caseOf, hostileKeys, same, type ContractCase } from './contract-case.js'
import { insertedSession, newSessionId } from './stored-session.js'
import { changed, inserted } from './stored-user.js'

/** What a {@link UserStore} says in one look-up must be what it would say in two. A store that has no such look-up passes. */
export function lookUpCases (open: () => MaybePromise<UserStore>): ContractCase[] {
  return [
    caseOf(open, 'joined.bySession: a session of the store\'s own, and its user', async (store) => {
      if (store.joined === undefined) return
      const sessions = store.sessions as SessionStore
      const user = await inserted(store)
      const session = await insertedSession(sessions, { userId: user.id })
      same(await store.joined.bySession(session.id), { session, user: seen(user) })
      const orphan = await insertedSession(sessions)
      equal(await store.joined.bySession(orphan.id), null)
      for (const id of [newSessionId(), user.id, '\0', ...hostileKeys]) equal(await store.joined.bySession(id), null, JSON.stringify(id))
    }),

    caseOf(open, 'joined.bySession: what has changed is seen at once', async (store) => {
      if (store.joined === undefined) return
      const sessions = store.sessions as SessionStore
      const user = await inserted(store)
      const session = await insertedSession(sessions, { userId: user.id })
      await store.replace({ ...user, isActive: false, version: user.version + 1 }, user.version)
      equal((await store.joined.bySession(session.id))?.user.isActive, false)
      await sessions.replace({ ...session, version: 2 }, 1)
      equal((await store.joined.bySession(session.id))?.session.version, 2)
      await store.remove(user.id, user.version + 1)
      equal(await store.joined.bySession(session.id), null)
    }),

    caseOf(open, 'joined: no column of a user is taken for another one', async (store) => {
      if (store.joined === undefined) return
      for (const flag of ['isActive', 'isVerified', 'isSuperuser']) {
        const user = changed(await inserted(store, { isActive: true, isVerified: true, isSuperuser: true }))
        const only = { ...user, [flag]: true }
        equal(await store.replace(only, 1), true)
        const session = await insertedSession(store.sessions as SessionStore, { userId: user.id })
        same((await store.joined.bySession(session.id))?.user, seen(only))
        same((await store.joined.withRevocation(user.id, randomId())).user, seen(only))
      }
    }),

    caseOf(open, 'joined.withRevocation: a user, and whether a token was ended', async (store) => {
      if (store.joined === undefined) return
      const user = await inserted(store)
      const [ended, other] = [randomId(), randomId()]
      await store.revocations?.revoke(ended, Date.now() + 60_000, Date.now())
      same(await store.joined.withRevocation(user.id, ended), { user: seen(user), isRevoked: true })
      same(await store.joined.withRevocation(user.id, other), { user: seen(user), isRevoked: false })
      for (const id of [randomId(), ended, '\0', ...hostileKeys]) equal((await store.joined.withRevocation(id, other)).user, null, JSON.stringify(id))
      for (const id of hostileKeys) equal((await store.joined.withRevocation(user.id, id)).isRevoked, false, JSON.stringify(id))
    })
  ]
}

/** As much of a user as a guarded request needs. */
function seen ({ emailKey, passwordHash, version, pendingTokens, ...user }: StoredUser): SeenUser {
  return user
}
