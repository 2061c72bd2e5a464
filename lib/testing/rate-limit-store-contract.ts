import { equal, ok } from 'node:assert/strict'
import type { RateLimitStore, RateLimitTerms } from '../contracts/rate-limit-store.js'
import { digestOf } from '../crypto/opaque-token.js'
import { randomId } from '../crypto/random.js'
import type { MaybePromise } from '../maybe-promise.js'
import { caseOf, type ContractCase } from './contract-case.js'

/** What a store of limits does otherwise than others, and may. */
export interface RateLimitStoreTraits {
  /**
   * `true` if buckets vanish by themselves some time after they are empty, by a clock of the store's own, and `purge` has nothing to do.
   *
   * @defaultValue `false`
   */
  readonly forgetsByItself?: boolean | undefined
}

/** Ten attempts in a hundred seconds. */
const terms: RateLimitTerms = { costMs: 10_000, roomMs: 100_000 }

/**
 * What every {@link RateLimitStore} must do, as cases for the test runner of your choice. Each has keys of its own. The store need not
 * be empty, but what is empty in it is purged.
 *
 * @param open called once by each case, which closes the store at its end if that has a `close`
 *
 * @example
 * ```ts
 * for (const { name, run } of rateLimitStoreContract(() => new MyLimits())) test(name, run)
 * ```
 */
export function rateLimitStoreContract (open: () => MaybePromise<RateLimitStore>, { forgetsByItself = false }: RateLimitStoreTraits = {}): ContractCase[] {
  return [
    caseOf(open, 'take: as many as there is room for; then when the bucket will be empty, and nothing changes', async (store) => {
      const [key, now] = [newKey(), Date.now()]
      for (let count = 0; count < 10; count++) equal(await store.take(key, terms, now), null)
      for (let count = 0; count < 3; count++) equal(await store.take(key, terms, now), now + 100_000)
      equal(await store.take(key, terms, now + 9_999), now + 100_000)
      equal(await store.take(key, terms, now + 10_000), null, 'one has come back')
      equal(await store.take(key, terms, now + 10_000), now + 110_000)
      for (let count = 0; count < 10; count++) equal(await store.take(key, terms, now + 500_000), null, 'all have come back, and no more than all')
      equal(await store.take(key, terms, now + 500_000), now + 600_000)
    }),

    caseOf(open, 'take: keys that differ in case alone are different, and a full one is in nobody\'s way', async (store) => {
      const [key, now] = [`aB${newKey().slice(3)}-`, Date.now()]
      await fill(store, key, now)
      for (const other of [`ab${key.slice(2)}`, `Ab${key.slice(2)}`, `${key.slice(0, 42)}_`]) equal(await store.take(other, terms, now), null)
    }),

    caseOf(open, 'take: the terms are those of the call', async (store) => {
      const [key, now] = [newKey(), Date.now()]
      const tight: RateLimitTerms = { costMs: 60_000, roomMs: 60_000 }
      equal(await store.take(key, tight, now), null)
      equal(await store.take(key, tight, now), now + 60_000)
      equal(await store.take(key, terms, now), null)
      equal(await store.take(key, tight, now + 69_999), now + 70_000)
      equal(await store.take(key, tight, now + 70_000), null)
    }),

    caseOf(open, 'take: of 50 at once, as many are counted as there is room for', async (store) => {
      const now = Date.now()
      for (const used of [0, 3]) {
        const key = newKey()
        for (let count = 0; count < used; count++) equal(await store.take(key, terms, now), null)
        const answers = await Promise.all(Array.from({ length: 50 }, async () => await store.take(key, terms, now)))
        equal(answers.filter((emptyAt) => emptyAt === null).length, 10 - used)
        for (const emptyAt of answers) ok(emptyAt === null || emptyAt === now + 100_000)
      }
    }),

    caseOf(open, 'take: years of room, and whatever clock', async (store) => {
      const years: RateLimitTerms = { costMs: 31_536_000_000, roomMs: 315_360_000_000 }
      for (const now of [Date.now(), Date.UTC(2001, 0), Date.UTC(2999, 0)]) {
        const key = newKey()
        for (let count = 0; count < 10; count++) equal(await store.take(key, years, now), null)
        equal(await store.take(key, years, now), now + 315_360_000_000)
      }
    }),

    caseOf(open, 'giveBack: makes room for one more, also where many are given back at once', async (store) => {
      const [key, now] = [newKey(), Date.now()]
      await fill(store, key, now)
      await store.giveBack(key, terms.costMs, now)
      equal(await store.take(key, terms, now), null)
      equal(await store.take(key, terms, now), now + 100_000)
      await Promise.all(Array.from({ length: 7 }, async () => { await store.giveBack(key, terms.costMs, now) }))
      for (let count = 0; count < 7; count++) equal(await store.take(key, terms, now), null)
      equal(await store.take(key, terms, now), now + 100_000)
    }),

    caseOf(open, 'giveBack: gives no credit', async (store) => {
      const [key, unknown, now] = [newKey(), newKey(), Date.now()]
      await store.take(key, terms, now)
      for (const each of [key, unknown]) for (let count = 0; count < 3; count++) await store.giveBack(each, terms.costMs, now)
      for (const each of [key, unknown]) await fill(store, each, now)
    }),

    caseOf(open, 'giveBack: 50 attempts at once, each given back, leave nothing', async (store) => {
      const [key, now] = [newKey(), Date.now()]
      await Promise.all(Array.from({ length: 50 }, async () => {
        if (await store.take(key, terms, now) === null) await store.giveBack(key, terms.costMs, now)
      }))
      await fill(store, key, now)
    }),

    caseOf(open, 'clear: as if there had been no attempts, of this key alone', async (store) => {
      const [key, other, now] = [newKey(), newKey(), Date.now()]
      await fill(store, key, now)
      await fill(store, other, now)
      await store.clear(key)
      await store.clear(newKey())
      await fill(store, key, now)
      equal(await store.take(other, terms, now), now + 100_000)
    }),

    caseOf(open, 'clear: at the same time as attempts, and nothing fails', async (store) => {
      const [key, now] = [newKey(), Date.now()]
      await Promise.all(Array.from({ length: 50 }, async (_, index) => { await (index % 5 === 0 ? store.clear(key) : store.take(key, terms, now)) }))
      await store.clear(key)
      await fill(store, key, now)
    }),

    caseOf(open, 'purge: forgets what is empty by then, to the millisecond, and says how many', async (store) => {
      const now = Date.now() - 86_400_000
      await purgeAll(store, now)
      const [first, second, third] = [newKey(), newKey(), newKey()]
      await store.take(first, terms, now)
      await store.take(second, terms, now)
      await fill(store, third, now)
      const count = await purgeAll(store, now + 10_000)
      if (!forgetsByItself) equal(count, 2)
      equal(await store.take(third, terms, now), now + 100_000)
      await purgeAll(store, now + 99_999)
      equal(await store.take(third, terms, now), now + 100_000)
      await purgeAll(store, now + 100_000)
    }),

    caseOf(open, 'purge: a thousand or so at most, also of what is empty at once', async (store) => {
      const now = Date.now() - 86_400_000
      await purgeAll(store, now + 10_000)
      const count = 1600
      const living = newKey()
      await fill(store, living, now)
      for (let from = 0; from < count; from += 100) await Promise.all(Array.from({ length: 100 }, async () => { await store.take(newKey(), terms, now) }))
      const first = await store.purge(now + 10_000)
      ok(first <= 1500, `${first} at once are too many`)
      const total = first + await purgeAll(store, now + 10_000)
      if (!forgetsByItself) equal(total, count)
      equal(await store.take(living, terms, now), now + 100_000)
    }),

    caseOf(open, 'purge: at the same time as attempts, and nothing fails', async (store) => {
      const now = Date.now()
      await Promise.all(Array.from({ length: 60 }, async (_, index) => {
        const key = newKey()
        await store.take(key, terms, now - 86_400_000)
        await (index % 6 === 0 ? store.purge(now - 80_000_000) : store.take(key, terms, now))
      }))
    })
  ]
}

function newKey (): string {
  return digestOf(randomId())
}

/** Exactly ten. */
async function fill (store: RateLimitStore, key: string, now: number): Promise<void> {
  for (let count = 0; count < 10; count++) equal(await store.take(key, terms, now), null)
  equal(await store.take(key, terms, now), now + 100_000)
}

/** Purges until there is nothing left to purge, which must come to pass; says how many there were. */
async function purgeAll (store: RateLimitStore, now: number): Promise<number> {
  let total = 0
  let count = 1
  for (let round = 0; count > 0; round++) {
    ok(round < 1000, 'the store is purged over and over, and still says that it has removed something')
    count = await store.purge(now)
    total += count
  }
  return total
}
