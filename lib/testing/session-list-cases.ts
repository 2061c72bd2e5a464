import { equal, ok } from 'node:assert/strict'
import type { SessionStore } from '../contracts/session-store.js'
import { randomId } from '../crypto/random.js'
import type { MaybePromise } from '../maybe-promise.js'
import { caseOf, hostileKeys, same, type ContractCase } from './contract-case.js'
import { allOf, changedSession, insertAll, insertedSession, latestFirst, newSession, newSessionId } from './stored-session.js'

/** What `list` and `removeAll` of every session store must do. */
export function sessionListCases (open: () => MaybePromise<SessionStore>): ContractCase[] {
  return [
    caseOf(open, 'list: a user\'s own, the latest first, after one of them, at most so many', async (store) => {
      const [userId, now] = [randomId(), Date.now()]
      // Ids in each of the groups that their letters sort in; three were made at once.
      const made = ['-', '0', 'A', '_', 'a', 'z', 'Z'].map((letter, index) => newSession({ userId, id: letter + newSessionId().slice(1), createdAt: now + Math.min(index, 3) - Math.max(index - 5, 0) }))
      await insertAll(store, made)
      await insertedSession(store, { createdAt: now })
      const sessions = latestFirst(made)
      const page = async (last: number, limit: number): Promise<unknown> => await store.list({ userId, after: sessions[last] ?? null, limit })
      same(await page(-1, 100), sessions)
      same(await page(-1, 7), sessions)
      same(await page(-1, 1), sessions.slice(0, 1))
      for (let last = 0; last < 7; last++) {
        same(await page(last, 100), sessions.slice(last + 1))
        same(await page(last, 2), sessions.slice(last + 1, last + 3))
      }
      const gone = sessions[3]
      ok(gone)
      equal(await store.remove(gone.id), true)
      same(await page(3, 100), sessions.slice(4), 'a session that is gone is a place to go on from')
      same(await page(2, 1), sessions.slice(4, 5))
    }),

    caseOf(open, 'list: a change moves no session to another place', async (store) => {
      const [userId, now] = [randomId(), Date.now()]
      const sessions = latestFirst([now, now, now - 1].map((createdAt) => newSession({ userId, createdAt })))
      await insertAll(store, sessions)
      const [, second] = sessions
      ok(second)
      const next = { ...changedSession(second), lastSeenAt: now + 60_000, expiresAt: second.expiresAt + 60_000 }
      equal(await store.replace(next, 1), true)
      same(await allOf(store, userId), sessions.with(1, next))
    }),

    caseOf(open, 'list: of 250 sessions, page by page none is left out, and none comes twice', async (store) => {
      const [userId, otherId, now] = [randomId(), randomId(), Date.now()]
      const sessions = Array.from({ length: 250 }, (_, index) => newSession({ userId, createdAt: now - index * 7 % 40 }))
      const others = Array.from({ length: 50 }, (_, index) => newSession({ userId: otherId, createdAt: now - index }))
      await insertAll(store, [...sessions, ...others])
      for (const limit of [1, 3, 100, 250, 1000]) same(await allOf(store, userId, limit), latestFirst(sessions))
      same(await allOf(store, otherId, 7), latestFirst(others))
    }),

    caseOf(open, 'list, removeAll: a user\'s id is any text, and none is taken for another one', async (store) => {
      const marker = randomId().slice(0, 18)
      const userIds = [
        'a', 'A', 'á', 'a\u0301', 'a ', ' a', 'ss', 'ß', '*', '?', '[a-z]', '{}', '{a}', ':', 'a:', '%', '_', '\\', '\'', '"', '`', '$1', '\n', '--', '👩‍🚀'
      ].flatMap((text) => [`${text}${marker}`, `${marker}${text}`])
      const sessions = userIds.map((userId) => newSession({ userId }))
      await insertAll(store, sessions)
      for (const session of sessions) same(await allOf(store, session.userId), [session], `of a user like ${JSON.stringify(session.userId)}`)
      for (const text of [...hostileKeys, marker, `${marker}\0`, '\0', '\ud800']) {
        await store.removeAll(text, null)
        same(await allOf(store, text), [])
      }
      for (const [index, { userId }] of sessions.entries()) {
        await store.removeAll(userId, null)
        same(await allOf(store, userId), [])
        const next = sessions[index + 1]
        if (next !== undefined) same(await allOf(store, next.userId), [next], `went with one like ${JSON.stringify(userId)}`)
      }
    }),

    caseOf(open, 'removeAll: all of a user, and of nobody else', async (store) => {
      const [userId, otherId] = [randomId(), randomId()]
      const sessions = Array.from({ length: 120 }, () => newSession({ userId }))
      const other = await insertedSession(store, { userId: otherId })
      await store.removeAll(userId, null)
      await insertAll(store, sessions)
      await store.removeAll(userId, null)
      await store.removeAll(userId, null)
      same(await allOf(store, userId), [])
      for (const session of sessions.slice(0, 20)) {
        equal(await store.find(session.id), null)
        equal(await store.remove(session.id), false)
        equal(await store.replace(changedSession(session), 1), false)
      }
      same(await allOf(store, otherId), [other])
      const late = await insertedSession(store, { userId })
      same(await allOf(store, userId), [late], 'a later log-in is not concerned')
    }),

    caseOf(open, 'removeAll: but for one; another user\'s is no exception, nor is one that is not there', async (store) => {
      const userId = randomId()
      const sessions = Array.from({ length: 5 }, (_, index) => newSession({ userId, createdAt: Date.now() - index }))
      const other = await insertedSession(store)
      await insertAll(store, sessions)
      const kept = sessions[2]
      ok(kept)
      await store.removeAll(userId, kept.id)
      same(await allOf(store, userId), [kept])
      same(await store.find(kept.id), kept)
      await store.removeAll(userId, kept.id)
      same(await allOf(store, userId), [kept])
      for (const exceptId of [other.id, newSessionId(), `${kept.id} `, '\0', ...hostileKeys]) {
        await store.removeAll(userId, exceptId)
        equal(await store.find(kept.id), null)
        same(await allOf(store, userId), [])
        await store.insert(kept)
      }
      same(await allOf(store, other.userId), [other])
    }),

    caseOf(open, 'removeAll: at the same time as log-ins, changes and log-outs, it harms nobody else, and nothing fails', async (store) => {
      for (let round = 0; round < 5; round++) {
        const userId = randomId()
        const own = Array.from({ length: 30 }, () => newSession({ userId }))
        const others = Array.from({ length: 30 }, () => newSession())
        await insertAll(store, own)
        await Promise.all([
          ...own.map(async (session, index) => index % 2 === 0 ? await store.remove(session.id) : await store.replace(changedSession(session), 1)),
          store.removeAll(userId, null),
          store.removeAll(userId, null),
          ...others.map(async (session) => await store.insert(session))
        ])
        same(await allOf(store, userId), [])
        for (const session of own) equal(await store.find(session.id), null)
        for (const session of others) same(await allOf(store, session.userId), [session])
      }
    })
  ]
}
