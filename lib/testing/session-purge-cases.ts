import { equal, ok } from 'node:assert/strict'
import type { SessionStore } from '../contracts/session-store.js'
import { randomId } from '../crypto/random.js'
import type { MaybePromise } from '../maybe-promise.js'
import { caseOf, same, type ContractCase } from './contract-case.js'
import { allOf, insertAll, insertedSession, newSession } from './stored-session.js'

/** What every session store must do with sessions that have expired. */
export function sessionPurgeCases (open: () => MaybePromise<SessionStore>, forgetsByItself: boolean): ContractCase[] {
  return [
    caseOf(open, 'purge: removes what has expired by then, to the millisecond, and says how many', async (store) => {
      const then = Date.now() - 86_400_000
      const userId = randomId()
      await purgeAll(store, then)
      const [before, sharp, after] = [then - 1, then, then + 1].map((expiresAt) => newSession({ userId, createdAt: then - 1000, expiresAt }))
      ok(before && sharp && after)
      const living = await insertedSession(store, { userId })
      await insertAll(store, [before, sharp, after])
      const count = await purgeAll(store, then)
      if (!forgetsByItself) equal(count, 2)
      equal(await store.purge(then), 0)
      for (const { id } of [before, sharp]) equal(await store.find(id), null)
      equal(await store.remove(sharp.id), false)
      if (!forgetsByItself) same(await allOf(store, userId), [living, after])
      await purgeAll(store, Date.now())
      same(await allOf(store, userId), [living])
      same(await store.find(living.id), living)
    }),

    caseOf(open, 'purge: a thousand or so at most, also of what expired at once', async (store) => {
      const then = Date.now() - 86_400_000
      const [userId, living] = [randomId(), await insertedSession(store)]
      await purgeAll(store, then)
      const count = 1600
      await insertAll(store, Array.from({ length: count }, () => newSession({ userId, createdAt: then - 1000, expiresAt: then })))
      const first = await store.purge(then)
      ok(first <= 1500, `${first} at once are too many`)
      const total = first + await purgeAll(store, then)
      if (!forgetsByItself) equal(total, count)
      same(await allOf(store, userId), [])
      same(await allOf(store, living.userId), [living])
    }),

    caseOf(open, 'purge: the expiry is the one that was written last', async (store) => {
      const now = Date.now()
      const [sooner, later] = [await insertedSession(store), await insertedSession(store, { expiresAt: now + 60_000 })]
      equal(await store.replace({ ...sooner, version: 2, expiresAt: now - 86_400_000 }, 1), true)
      const prolonged = { ...later, version: 2, expiresAt: now + 7_200_000 }
      equal(await store.replace(prolonged, 1), true)
      await purgeAll(store, now + 60_000)
      equal(await store.find(sooner.id), null)
      same(await allOf(store, sooner.userId), [])
      same(await store.find(later.id), prolonged)
      same(await allOf(store, later.userId), [prolonged])
    }),

    caseOf(open, 'purge: at the same time as other purges, log-ins and log-outs it harms nobody, and nothing fails', async (store) => {
      const now = Date.now()
      for (let round = 0; round < 5; round++) {
        const userId = randomId()
        const expired = Array.from({ length: 40 }, (_, index) => newSession({ userId, createdAt: now - 2000, expiresAt: now - 1 - index }))
        const living = Array.from({ length: 20 }, () => newSession())
        await insertAll(store, expired)
        await Promise.all([
          store.purge(now), store.purge(now), store.removeAll(userId, null), store.purge(now),
          ...expired.map(async ({ id }) => await store.remove(id)),
          ...living.map(async (session) => await store.insert(session))
        ])
        await purgeAll(store, now)
        same(await allOf(store, userId), [])
        for (const session of living) same(await store.find(session.id), session)
      }
    }),

    caseOf(open, 'find: a session that has expired is there as it was, or is not there at all', async (store) => {
      const session = await insertedSession(store, { createdAt: Date.now() - 2000, expiresAt: Date.now() - 1000 })
      const found = await store.find(session.id)
      if (found !== null) same(found, session)
      for (const listed of await allOf(store, session.userId)) same(listed, session)
      equal(typeof await store.remove(session.id), 'boolean')
      equal(await store.find(session.id), null)
    })
  ]
}

/** Purges until there is nothing left to purge, which must come to pass; says how many there were. */
async function purgeAll (store: SessionStore, now: number): Promise<number> {
  let total = 0
  let count = 1
  for (let round = 0; count > 0; round++) {
    ok(round < 1000, 'the store is purged over and over, and still says that it has removed something')
    count = await store.purge(now)
    total += count
  }
  return total
}
