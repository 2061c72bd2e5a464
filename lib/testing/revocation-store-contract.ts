import { equal } from 'node:assert/strict'
import type { RevocationStore } from '../contracts/revocation-store.js'
import { randomId } from '../crypto/random.js'
import type { MaybePromise } from '../maybe-promise.js'
import { caseOf, hostileKeys, type ContractCase } from './contract-case.js'

/**
 * What every {@link RevocationStore} must do, as cases for the test runner of your choice. The store need not be empty.
 *
 * @param open called once by each case, which closes the store at its end if that has a `close`
 *
 * @example
 * ```ts
 * for (const { name, run } of revocationStoreContract(() => new MyRevocations())) test(name, run)
 * ```
 */
export function revocationStoreContract (open: () => MaybePromise<RevocationStore & { close? (): MaybePromise<void> }>): ContractCase[] {
  const inAnHour = (): number => Date.now() + 3_600_000

  return [
    caseOf(open, 'isRevoked: false for what was never ended', async (store) => {
      equal(await store.isRevoked(randomId()), false)
    }),

    caseOf(open, 'revoke: true from then on, for this id alone', async (store) => {
      const id = `a${randomId()}`
      await store.revoke(id, inAnHour(), Date.now())
      equal(await store.isRevoked(id), true)
      for (const other of [randomId(), `${id} `, id.toUpperCase(), id.replace('a', 'á')]) equal(await store.isRevoked(other), false)
    }),

    caseOf(open, 'revoke: ending twice is ending once', async (store) => {
      const id = randomId()
      await store.revoke(id, inAnHour(), Date.now())
      await store.revoke(id, inAnHour(), Date.now())
      equal(await store.isRevoked(id), true)
    }),

    caseOf(open, 'revoke: an id of 64 characters, and a time in the far future', async (store) => {
      const id = (randomId() + randomId()).slice(0, 64)
      await store.revoke(id, Date.UTC(2999, 0), Date.now())
      equal(await store.isRevoked(id), true)
    }),

    caseOf(open, 'revoke: 50 at once, of one id and of many', async (store) => {
      const id = randomId()
      const ids = Array.from({ length: 50 }, randomId)
      await Promise.all(ids.map(async () => await store.revoke(id, inAnHour(), Date.now())))
      await Promise.all(ids.map(async (each) => await store.revoke(each, inAnHour(), Date.now())))
      for (const each of [id, ...ids]) equal(await store.isRevoked(each), true)
    }),

    caseOf(open, 'revoke: by a clock far in the past, or a little ahead, it holds all the same', async (store) => {
      const [past, ahead] = [randomId(), randomId()]
      await store.revoke(past, Date.UTC(2001, 0, 1, 1), Date.UTC(2001, 0))
      equal(await store.isRevoked(past), true)
      await store.revoke(ahead, Date.now() - 60_000, Date.now())
      equal(await store.isRevoked(ahead), true)
    }),

    caseOf(open, 'isRevoked: hostile ids find nothing', async (store) => {
      await store.revoke(randomId(), inAnHour(), Date.now())
      for (const key of hostileKeys) equal(await store.isRevoked(key), false)
    })
  ]
}
