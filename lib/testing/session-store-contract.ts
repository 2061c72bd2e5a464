import { equal, ok } from 'node:assert/strict'
import type { SessionStore } from '../contracts/session-store.js'
import type { MaybePromise } from '../maybe-promise.js'
import { caseOf, hostileKeys, same, type ContractCase } from './contract-case.js'
import { sessionListCases } from './session-list-cases.js'
import { sessionPurgeCases } from './session-purge-cases.js'
import { allOf, changedSession, insertedSession, newSession, newSessionId } from './stored-session.js'

/** What a session store does otherwise than others, and may. */
export interface SessionStoreTraits {
  /**
   * `true` if sessions vanish by themselves as they expire, by a clock of the store's own, and `purge` has nothing to do.
   *
   * @defaultValue `false`
   */
  readonly forgetsByItself?: boolean | undefined
}

/**
 * What every {@link SessionStore} must do, as cases for the test runner of your choice. Each makes sessions of its own, of users
 * with random ids. The store need not be empty, but what has expired in it is purged.
 *
 * @param open called once by each case, which closes the store at its end if that has a `close`
 *
 * @example
 * ```ts
 * for (const { name, run } of sessionStoreContract(() => new MySessions())) test(name, run)
 * ```
 */
export function sessionStoreContract (open: () => MaybePromise<SessionStore>, { forgetsByItself = false }: SessionStoreTraits = {}): ContractCase[] {
  return [
    caseOf(open, 'insert: what goes in comes out', async (store) => {
      const full = newSession({
        createdAt: Date.UTC(2999, 0) + 1,
        lastSeenAt: 8_640_000_000_000_000,
        expiresAt: Date.UTC(2999, 0) + 123,
        version: 2_000_000_000,
        data: {
          backend: 'mobile-app',
          epoch: 3,
          authenticatedAt: 8_639_999_999_999_999,
          endsAt: 8_640_000_000_000_000,
          idleMs: 1_209_600_000,
          accessExpiresAt: 1,
          accessDigest: newSessionId(),
          refresh: { digest: newSessionId(), usedDigest: newSessionId(), salt: 's'.repeat(43), rotatedAt: 8_639_999_999_999_998 },
          ip: '2001:db8::ffff:192.0.2.1',
          userAgent: 'Zoë 👩‍🚀 e\u0301 \\ \' " % $1 ? \u0000 \n \u2028 \ud800 ' + '☃'.repeat(480)
        }
      })
      for (const session of [full, { ...newSession(), data: { ...full.data, refresh: { digest: 'd', usedDigest: null, salt: '', rotatedAt: 0 } } }, newSession()]) {
        const expected = structuredClone(session)
        await store.insert(session)
        same(await store.find(session.id), expected)
        same(await allOf(store, session.userId), [expected])
      }
    }),

    caseOf(open, 'find: null for what is not there; ids that differ in case, an accent or a space at the end are different', async (store) => {
      const session = await insertedSession(store, { id: `a-_${newSessionId().slice(4)}z` })
      const { id } = session
      const strangers = [newSessionId(), `A${id.slice(1)}`, `á${id.slice(1)}`, `${id.slice(0, -1)}Z`, `${id} `, ` ${id}`, id.slice(0, -1), `${id}\0`, `${id}:`, '*'.repeat(43), '_'.repeat(43), id.repeat(100), '\ud800', '\0']
      for (const key of [...hostileKeys, ...strangers]) {
        equal(await store.find(key), null)
        equal(await store.remove(key), false)
        equal(await store.replace({ ...session, id: key, version: 2 }, 1), false)
      }
      same(await store.find(id), session)
    }),

    caseOf(open, 'find, list: who changes what a store took or gave does not change the store', async (store) => {
      const session = newSession()
      const { refresh } = changedSession(session).data
      const given = { ...session, data: { ...session.data, refresh } }
      const expected = structuredClone(given)
      await store.insert(given)
      const [found, [listed]] = [await store.find(session.id), await store.list({ userId: session.userId, after: null, limit: 1 })]
      ok(found)
      ok(listed)
      for (const each of [given, found, listed]) {
        // What is frozen stays as it is, and that is as good.
        Reflect.set(each, 'version', 99)
        Reflect.set(each.data, 'backend', 'changed')
        if (each.data.refresh !== null) Reflect.set(each.data.refresh, 'digest', 'changed')
      }
      same(await store.find(session.id), expected)
      same(await allOf(store, session.userId), [expected])
    }),

    caseOf(open, 'replace: true at the right version, and all is written', async (store) => {
      const session = await insertedSession(store)
      const other = await insertedSession(store, { userId: session.userId, createdAt: session.createdAt - 1 })
      let last = session
      for (let round = 0; round < 3; round++) {
        const next = changedSession(last)
        equal(await store.replace(next, last.version), true)
        same(await store.find(session.id), next)
        same(await allOf(store, session.userId), [next, other])
        last = next
      }
    }),

    caseOf(open, 'replace: what a store took is not changed by who gave it', async (store) => {
      const session = await insertedSession(store)
      const next = changedSession(session)
      const expected = structuredClone(next)
      equal(await store.replace(next, 1), true)
      Reflect.set(next.data, 'backend', 'changed')
      same(await store.find(session.id), expected)
    }),

    caseOf(open, 'replace: false at another version, and nothing is written', async (store) => {
      const session = await insertedSession(store, { version: 5 })
      for (const version of [0, 4, 6, 50]) equal(await store.replace(changedSession(session), version), false)
      same(await store.find(session.id), session)
    }),

    caseOf(open, 'replace: false for a session that never was, or is gone, and none is added', async (store) => {
      const [never, gone] = [newSession(), await insertedSession(store)]
      equal(await store.remove(gone.id), true)
      for (const session of [never, gone]) {
        equal(await store.replace(changedSession(session), session.version), false)
        equal(await store.find(session.id), null)
        same(await allOf(store, session.userId), [])
      }
    }),

    caseOf(open, 'replace: of 50 at once at one version, exactly one wins', async (store) => {
      const session = await insertedSession(store)
      const nexts = Array.from({ length: 50 }, (_, epoch) => ({ ...session, version: 2, data: { ...session.data, epoch } }))
      const results = await Promise.all(nexts.map(async (next) => await store.replace(next, 1)))
      equal(results.filter((result) => result === true).length, 1)
      equal(results.filter((result) => result === false).length, 49)
      same(await store.find(session.id), nexts[results.indexOf(true)])
      same(await allOf(store, session.userId), [nexts[results.indexOf(true)]])
    }),

    caseOf(open, 'remove: true, then false; the session is gone, and others are not', async (store) => {
      const session = await insertedSession(store)
      const other = await insertedSession(store, { userId: session.userId })
      equal(await store.remove(session.id), true)
      equal(await store.remove(session.id), false)
      equal(await store.find(session.id), null)
      same(await allOf(store, session.userId), [other])
    }),

    caseOf(open, 'remove: of 20 at once, exactly one is told that it was there', async (store) => {
      const { id } = await insertedSession(store)
      const results = await Promise.all(Array.from({ length: 20 }, async () => await store.remove(id)))
      equal(results.filter((result) => result === true).length, 1)
      equal(results.filter((result) => result === false).length, 19)
    }),

    caseOf(open, 'remove, removeAll: a change at the same time does not revive the session', async (store) => {
      for (let round = 0; round < 40; round++) {
        const session = await insertedSession(store)
        const steps = [
          async () => await store.replace(changedSession(session), 1),
          async () => round % 2 === 0 ? equal(await store.remove(session.id), true) : await store.removeAll(session.userId, null)
        ]
        await Promise.all((round % 4 < 2 ? steps : steps.reverse()).map((step) => step()))
        equal(await store.find(session.id), null)
        same(await allOf(store, session.userId), [])
        equal(await store.remove(session.id), false)
      }
    }),

    ...sessionListCases(open),
    ...sessionPurgeCases(open, forgetsByItself),

    {
      name: 'close: twice is once',
      async run () {
        const store = await open()
        await store.close?.()
        await store.close?.()
      }
    }
  ]
}
