import { equal, notEqual, ok } from 'node:assert/strict'
import type { UserStore } from '../contracts/user-store.js'
import { randomId, timeOrderedId } from '../crypto/random.js'
import type { MaybePromise } from '../maybe-promise.js'
import { caseOf, hostileKeys, same, type ContractCase } from './contract-case.js'
import { listCases } from './list-cases.js'
import { lookUpCases } from './look-up-cases.js'
import { retireCases } from './retire-cases.js'
import { aPendingToken, changed, inserted, newEmailKey, newUser } from './stored-user.js'

/**
 * What every {@link UserStore} must do, as cases for the test runner of your choice. Each makes users of its own, with random
 * ids, and leaves them there, but for active superusers: these it removes.
 *
 * @param open called once by each case, which closes the store at its end. The store need not be empty, but must have no active
 * superuser. Cases that share one store run one after the other.
 *
 * @example
 * ```ts
 * import test from 'node:test'
 *
 * for (const { name, run } of userStoreContract(() => openMyStore())) test(name, run)
 * ```
 */
export function userStoreContract (open: () => MaybePromise<UserStore>): ContractCase[] {
  return [
    caseOf(open, 'insert: what goes in comes out, by id and by address', async (store) => {
      const user = newUser({
        email: 'Zoë.👩‍🚀@Example.com',
        passwordHash: `$argon2id$v=19$m=19456,t=2,p=1$${'a'.repeat(22)}$${'b'.repeat(43)}`,
        isVerified: true,
        version: 7,
        sessionEpoch: 3,
        pendingTokens: { verify: aPendingToken, reset: aPendingToken, 'email-change': { ...aPendingToken, email: 'Zoë \' " @Example.com' } },
        fields: { nickname: 'Zoë 👩‍🚀 \\ \' " % \u0000', tags: ['a', 1, null, true, 0.5], nested: { deep: { empty: {}, list: [[]] } } }
      })
      equal(await store.insert(user), true)
      same(await store.findById(user.id), user)
      same(await store.findByEmail(user.emailKey), user)
    }),

    caseOf(open, 'insert: each flag has a column of its own, and the hash may be null', async (store) => {
      for (const flag of ['isActive', 'isVerified', 'isSuperuser']) {
        const user = newUser({ isActive: false, isVerified: false, isSuperuser: false, [flag]: true, passwordHash: null })
        equal(await store.insert(user), true)
        same(await store.findById(user.id), user)
      }
    }),

    caseOf(open, 'insert: false if the address is taken, and the one who has it is untouched', async (store) => {
      const first = await inserted(store)
      const second = newUser({ emailKey: first.emailKey })
      equal(await store.insert(second), false)
      equal(await store.findById(second.id), null)
      same(await store.findByEmail(first.emailKey), first)
    }),

    caseOf(open, 'insert: of 20 at once with one address, exactly one gets it', async (store) => {
      const emailKey = newEmailKey()
      const users = Array.from({ length: 20 }, () => newUser({ emailKey }))
      const results = await Promise.all(users.map(async (user) => await store.insert(user)))
      equal(results.filter((result) => result === true).length, 1)
      equal(results.filter((result) => result === false).length, 19)
      same(await store.findByEmail(emailKey), users[results.indexOf(true)])
    }),

    caseOf(open, 'insert: an id that is in use is not written over', async (store) => {
      const first = await inserted(store)
      // Ids are made once, so a store may also throw: the row of the first user is what counts.
      const result = await Promise.resolve().then(() => store.insert(newUser({ id: first.id }))).catch(() => false)
      equal(result, false)
      same(await store.findById(first.id), first)
    }),

    caseOf(open, 'find: null for what is not there', async (store) => {
      equal(await store.findById(randomId()), null)
      equal(await store.findByEmail(newEmailKey()), null)
    }),

    caseOf(open, 'find: addresses that differ in case, accents, composition or a space at the end are different', async (store) => {
      const key = newEmailKey()
      for (const emailKey of [`e${key}`, `E${key}`, `é${key}`, `e\u0301${key}`, `e${key} `, `ß${key}`, `ss${key}`, `👩${key}`, `🚀${key}`]) {
        const user = newUser({ emailKey })
        equal(await store.insert(user), true, `an address like ${JSON.stringify(emailKey)} is taken by another one`)
        equal((await store.findByEmail(emailKey))?.id, user.id)
      }
    }),

    caseOf(open, 'find: ids that differ in case or a space at the end are different', async (store) => {
      const user = await inserted(store, { id: timeOrderedId(Date.now()).slice(0, -1) + 'a' })
      for (const id of [user.id.toUpperCase(), user.id.slice(0, -1) + 'á', `${user.id} `, ` ${user.id}`]) {
        equal(await store.findById(id), null)
        equal(await store.remove(id, user.version), false)
      }
      equal(await store.findByEmail(`${user.emailKey} `), null)
      notEqual(await store.findById(user.id), null)
    }),

    caseOf(open, 'find, remove and retire: hostile keys find nothing', async (store) => {
      const user = await inserted(store)
      for (const key of hostileKeys) {
        equal(await store.findById(key), null)
        equal(await store.findByEmail(key), null)
        equal(await store.remove(key, user.version), false)
        equal(await store.retire(key, user.version, null), false)
      }
      same(await store.findById(user.id), user)
    }),

    caseOf(open, 'find: who changes what a store took or gave does not change the store', async (store) => {
      const fields = { nested: { list: [1] } }
      const pendingTokens = { verify: { ...aPendingToken } }
      const user = newUser({ pendingTokens, fields })
      const expected = structuredClone(user)
      await store.insert(user)
      fields.nested.list.push(2)
      pendingTokens.verify.digest = 'changed'
      const found = await store.findById(user.id)
      ok(found)
      attempt(() => Object.assign(found, { isSuperuser: true, passwordHash: 'changed' }))
      attempt(() => (found.fields as typeof fields).nested.list.push(3))
      attempt(() => Object.assign(found.fields, { added: true }))
      attempt(() => Object.assign(found.pendingTokens, { reset: aPendingToken }))
      attempt(() => Object.assign(found.pendingTokens.verify as object, { expiresAt: 1 }))
      same(await store.findById(user.id), expected)
      same(await store.findByEmail(user.emailKey), expected)
      const [listed] = await store.list({ after: null, limit: 1, emailPart: user.emailKey })
      ok(listed)
      attempt(() => Object.assign(listed, { isSuperuser: true }))
      attempt(() => Object.assign(listed.pendingTokens, { reset: aPendingToken }))
      same(await store.findById(user.id), expected)
    }),

    caseOf(open, 'find: what is added to no pending tokens of one user is not found with another one', async (store) => {
      const [first, second] = [await inserted(store), await inserted(store)]
      attempt(() => Object.assign(first.pendingTokens, { reset: aPendingToken }))
      const found = await store.findById(first.id)
      ok(found)
      attempt(() => Object.assign(found.pendingTokens, { reset: aPendingToken }))
      same(await store.findById(first.id), { ...first, pendingTokens: {} })
      same(await store.findById(second.id), second)
    }),

    caseOf(open, 'replace: true at the right version, and all is written', async (store) => {
      const user = await inserted(store)
      const next = changed(user)
      equal(await store.replace(next, user.version), true)
      same(await store.findById(user.id), next)
      same(await store.findByEmail(next.emailKey), next)
      equal(await store.findByEmail(user.emailKey), null)
      const last = changed(next)
      equal(await store.replace(last, next.version), true)
      same(await store.findById(user.id), last)
      equal(await store.insert(newUser({ emailKey: user.emailKey })), true, 'the address that was given up is not free')
    }),

    caseOf(open, 'replace: false at another version, and nothing is written', async (store) => {
      const user = await inserted(store, { version: 5 })
      const next = changed(user)
      for (const version of [0, 4, 6]) equal(await store.replace(next, version), false)
      same(await store.findById(user.id), user)
      equal(await store.findByEmail(next.emailKey), null)
    }),

    caseOf(open, 'replace: false for a user who is gone, and nobody is added', async (store) => {
      const user = newUser()
      equal(await store.replace(user, user.version), false)
      equal(await store.findById(user.id), null)
    }),

    caseOf(open, '"taken": nothing is written if another user has the new address', async (store) => {
      const other = await inserted(store)
      const user = await inserted(store)
      equal(await store.replace({ ...changed(user), emailKey: other.emailKey }, user.version), 'taken')
      same(await store.findById(user.id), user)
      same(await store.findByEmail(other.emailKey), other)
    }),

    caseOf(open, 'replace: of 50 at once at one version, exactly one wins', async (store) => {
      const user = await inserted(store)
      const nexts = Array.from({ length: 50 }, (_, index) => ({ ...user, version: user.version + 1, fields: { index } }))
      const results = await Promise.all(nexts.map(async (next) => await store.replace(next, user.version)))
      equal(results.filter((result) => result === true).length, 1)
      equal(results.filter((result) => result === false).length, 49)
      same(await store.findById(user.id), nexts[results.indexOf(true)])
    }),

    caseOf(open, 'remove: true, then false; the user is gone, and the address is free', async (store) => {
      const user = await inserted(store)
      const other = await inserted(store)
      equal(await store.remove(user.id, user.version), true)
      equal(await store.remove(user.id, user.version), false)
      equal(await store.findById(user.id), null)
      equal(await store.findByEmail(user.emailKey), null)
      equal(await store.replace(changed(user), user.version), false)
      equal(await store.insert(newUser({ emailKey: user.emailKey })), true)
      same(await store.findById(other.id), other)
    }),

    caseOf(open, 'remove: false at another version, and the user stays', async (store) => {
      const user = await inserted(store, { version: 5 })
      for (const version of [0, 4, 6]) equal(await store.remove(user.id, version), false)
      same(await store.findById(user.id), user)
      same(await store.findByEmail(user.emailKey), user)
    }),

    caseOf(open, 'remove: of a change and a removal at once at one version, exactly one wins', async (store) => {
      for (let round = 0; round < 20; round++) {
        const user = await inserted(store)
        const [replaced, removed] = await Promise.all([store.replace(changed(user), user.version), store.remove(user.id, user.version)])
        equal(replaced, !removed)
        equal(await store.findById(user.id) === null, removed)
      }
    }),

    ...lookUpCases(open),
    ...listCases(open),
    ...retireCases(open),

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

/** Objects may be frozen: then the attempt throws, and that is as good. */
function attempt (change: () => unknown): void {
  try {
    change()
  } catch {}
}
