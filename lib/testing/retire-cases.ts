import { equal } from 'node:assert/strict'
import type { StoredUser, UserStore } from '../contracts/user-store.js'
import { randomId } from '../crypto/random.js'
import type { MaybePromise } from '../maybe-promise.js'
import { caseOf, same, type ContractCase } from './contract-case.js'
import { changed, inserted, newEmailKey } from './stored-user.js'

const othersAreThere = 'the store has another active superuser, or counts somebody who is none'

/** What `retire` of every user store must do. */
export function retireCases (open: () => MaybePromise<UserStore>): ContractCase[] {
  return [
    superuserCase(open, 'retire: replaces or removes a superuser, as long as another active one remains', async (store, add) => {
      const [first, second, last] = [await add(), await add(), await add()]
      const next = retired(first)
      equal(await store.retire(first.id, first.version, next), true)
      same(await store.findById(first.id), next)
      same(await store.findByEmail(next.emailKey), next)
      equal(await store.findByEmail(first.emailKey), null)
      equal(await store.retire(second.id, second.version, null), true)
      equal(await store.findById(second.id), null)
      equal(await store.findByEmail(second.emailKey), null)
      same(await store.findById(last.id), last)
    }),

    superuserCase(open, '"last": nothing is written if no other active superuser remains', async (store, add) => {
      const last = await add()
      await inserted(store, { isActive: true, isSuperuser: false })
      await inserted(store, { isActive: false, isSuperuser: true })
      for (const next of [null, retired(last)]) equal(await store.retire(last.id, last.version, next), 'last', othersAreThere)
      same(await store.findById(last.id), last)
      same(await store.findByEmail(last.emailKey), last)
    }),

    superuserCase(open, 'retire: false at another version, or for a user who is gone, whether others remain or not', async (store, add) => {
      async function refusesAll (user: StoredUser): Promise<void> {
        for (const version of [user.version - 1, user.version + 1]) {
          for (const next of [null, retired(user)]) equal(await store.retire(user.id, version, next), false)
        }
        equal(await store.retire(randomId(), user.version, null), false)
        same(await store.findById(user.id), user)
      }

      const [first, last] = [await add(), await add()]
      await refusesAll(first)
      equal(await store.retire(first.id, first.version, null), true)
      equal(await store.retire(last.id, last.version, null), 'last', othersAreThere)
      await refusesAll(last)
    }),

    superuserCase(open, '"taken": nobody retires to the address of another user, and the store works on', async (store, add) => {
      const [first, other] = [await add(), await add()]
      const taken = { ...retired(first), emailKey: other.emailKey }
      // More than a pool has connections: none may be lost, or be left in a transaction that has failed.
      equal((await atOnce(Array(20).fill(first), () => store.retire(first.id, first.version, taken))).filter((result) => result === 'taken').length, 20)
      for (const user of [first, other]) {
        same(await store.findById(user.id), user)
        same(await store.findByEmail(user.emailKey), user)
      }
      equal(await store.retire(first.id, first.version, { ...taken, emailKey: newEmailKey() }), true)
    }),

    superuserCase(open, 'retire: of two superusers who retire each other at once, exactly one gets through', async (store, add) => {
      for (let round = 0; round < 20; round++) {
        const users = [await add(), await add()]
        const results = await atOnce(users, (user) => store.retire(user.id, user.version, round % 2 === 0 ? null : retired(user)))
        same(results.sort(), ['last', true], othersAreThere)
        equal(await removeSuperusers(store, users), 1)
      }
    }),

    superuserCase(open, 'retire: of five superusers who all retire at once, one is left', async (store, add) => {
      const users = [await add(), await add(), await add(), await add(), await add()]
      const results = await atOnce(users, (user, index) => store.retire(user.id, user.version, index % 2 === 0 ? null : retired(user)))
      same(results.sort(), ['last', true, true, true, true], othersAreThere)
      equal(await removeSuperusers(store, users), 1)
    }),

    superuserCase(open, 'retire: of ten at once at one version, exactly one wins', async (store, add) => {
      const [first] = [await add(), await add()]
      const results = await atOnce(Array(10).fill(first), () => store.retire(first.id, first.version, retired(first)))
      equal(results.filter((result) => result === true).length, 1)
      equal(results.filter((result) => result === false).length, 9)
    })
  ]
}

/** A case with active superusers. It removes those that are left at its end, since they would count in the next case. */
function superuserCase (open: () => MaybePromise<UserStore>, name: string, check: (store: UserStore, add: () => Promise<StoredUser>) => Promise<void>): ContractCase {
  return caseOf(open, name, async (store) => {
    const users: StoredUser[] = []
    try {
      await check(store, async () => {
        const user = await inserted(store, { isActive: true, isSuperuser: true })
        users.push(user)
        return user
      })
    } finally {
      await removeSuperusers(store, users)
    }
  })
}

/** Removes those of the users who are active superusers; says how many these were. */
async function removeSuperusers (store: UserStore, users: readonly StoredUser[]): Promise<number> {
  let count = 0
  for (const { id } of users) {
    const user = await store.findById(id)
    if (user?.isSuperuser !== true || !user.isActive) continue
    await store.remove(id, user.version)
    count++
  }
  return count
}

async function atOnce<T> (users: readonly StoredUser[], run: (user: StoredUser, index: number) => MaybePromise<T>): Promise<T[]> {
  return await Promise.all(users.map(async (user, index) => await run(user, index)))
}

function retired (user: StoredUser): StoredUser {
  return { ...changed(user), isActive: true, isSuperuser: false }
}
