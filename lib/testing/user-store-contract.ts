import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import type { StoredUser, UserStore } from '../contracts/user-store.js'
import { randomId, timeOrderedId } from '../crypto/random.js'
import type { MaybePromise } from '../maybe-promise.js'
import { caseOf, hostileKeys, type ContractCase } from './contract-case.js'

/**
 * What every {@link UserStore} must do, as cases for the test runner of your choice. The store need not be empty: each case
 * makes users of its own, with random ids, and leaves them there.
 *
 * @param open called once by each case, which closes the store at its end
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
        fields: { nickname: 'Zoë 👩‍🚀 \\ \' " % \u0000', tags: ['a', 1, null, true, 0.5], nested: { deep: { empty: {}, list: [[]] } } }
      })
      equal(await store.insert(user), true)
      deepEqual(plain(await store.findById(user.id)), user)
      deepEqual(plain(await store.findByEmail(user.emailKey)), user)
    }),

    caseOf(open, 'insert: each flag has a column of its own, and the hash may be null', async (store) => {
      for (const flag of ['isActive', 'isVerified', 'isSuperuser']) {
        const user = newUser({ isActive: false, isVerified: false, isSuperuser: false, [flag]: true, passwordHash: null })
        equal(await store.insert(user), true)
        deepEqual(plain(await store.findById(user.id)), user)
      }
    }),

    caseOf(open, 'insert: false if the address is taken, and the one who has it is untouched', async (store) => {
      const first = await inserted(store)
      const second = newUser({ emailKey: first.emailKey })
      equal(await store.insert(second), false)
      equal(await store.findById(second.id), null)
      deepEqual(plain(await store.findByEmail(first.emailKey)), first)
    }),

    caseOf(open, 'insert: of 20 at once with one address, exactly one gets it', async (store) => {
      const emailKey = newEmailKey()
      const users = Array.from({ length: 20 }, () => newUser({ emailKey }))
      const results = await Promise.all(users.map(async (user) => await store.insert(user)))
      equal(results.filter((result) => result === true).length, 1)
      equal(results.filter((result) => result === false).length, 19)
      deepEqual(plain(await store.findByEmail(emailKey)), users[results.indexOf(true)])
    }),

    caseOf(open, 'insert: an id that is in use is not written over', async (store) => {
      const first = await inserted(store)
      // Ids are made once, so a store may also throw: the row of the first user is what counts.
      const result = await Promise.resolve().then(() => store.insert(newUser({ id: first.id }))).catch(() => false)
      equal(result, false)
      deepEqual(plain(await store.findById(first.id)), first)
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
        equal(await store.remove(id), false)
      }
      equal(await store.findByEmail(`${user.emailKey} `), null)
      notEqual(await store.findById(user.id), null)
    }),

    caseOf(open, 'find and remove: hostile keys find nothing', async (store) => {
      const user = await inserted(store)
      for (const key of hostileKeys) {
        equal(await store.findById(key), null)
        equal(await store.findByEmail(key), null)
        equal(await store.remove(key), false)
      }
      deepEqual(plain(await store.findById(user.id)), user)
    }),

    caseOf(open, 'find: who changes what a store took or gave does not change the store', async (store) => {
      const fields = { nested: { list: [1] } }
      const user = newUser({ fields })
      const expected = structuredClone(user)
      await store.insert(user)
      fields.nested.list.push(2)
      const found = await store.findById(user.id)
      ok(found)
      attempt(() => Object.assign(found, { isSuperuser: true, passwordHash: 'changed' }))
      attempt(() => (found.fields as typeof fields).nested.list.push(3))
      attempt(() => Object.assign(found.fields, { added: true }))
      deepEqual(plain(await store.findById(user.id)), expected)
      deepEqual(plain(await store.findByEmail(user.emailKey)), expected)
    }),

    caseOf(open, 'replace: true at the right version, and all is written', async (store) => {
      const user = await inserted(store)
      const next = changed(user)
      equal(await store.replace(next, user.version), true)
      deepEqual(plain(await store.findById(user.id)), next)
      deepEqual(plain(await store.findByEmail(next.emailKey)), next)
      equal(await store.findByEmail(user.emailKey), null)
      const last = changed(next)
      equal(await store.replace(last, next.version), true)
      deepEqual(plain(await store.findById(user.id)), last)
      equal(await store.insert(newUser({ emailKey: user.emailKey })), true, 'the address that was given up is not free')
    }),

    caseOf(open, 'replace: false at another version, and nothing is written', async (store) => {
      const user = await inserted(store, { version: 5 })
      const next = changed(user)
      for (const version of [0, 4, 6]) equal(await store.replace(next, version), false)
      deepEqual(plain(await store.findById(user.id)), user)
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
      deepEqual(plain(await store.findById(user.id)), user)
      deepEqual(plain(await store.findByEmail(other.emailKey)), other)
    }),

    caseOf(open, 'replace: of 50 at once at one version, exactly one wins', async (store) => {
      const user = await inserted(store)
      const nexts = Array.from({ length: 50 }, (_, index) => ({ ...user, version: user.version + 1, fields: { index } }))
      const results = await Promise.all(nexts.map(async (next) => await store.replace(next, user.version)))
      equal(results.filter((result) => result === true).length, 1)
      equal(results.filter((result) => result === false).length, 49)
      deepEqual(plain(await store.findById(user.id)), nexts[results.indexOf(true)])
    }),

    caseOf(open, 'remove: true, then false; the user is gone, and the address is free', async (store) => {
      const user = await inserted(store)
      const other = await inserted(store)
      equal(await store.remove(user.id), true)
      equal(await store.remove(user.id), false)
      equal(await store.findById(user.id), null)
      equal(await store.findByEmail(user.emailKey), null)
      equal(await store.replace(changed(user), user.version), false)
      equal(await store.insert(newUser({ emailKey: user.emailKey })), true)
      deepEqual(plain(await store.findById(other.id)), other)
    }),

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

function newEmailKey (): string {
  return `${randomId()}@example.com`
}

function newUser (given: Partial<StoredUser> = {}): StoredUser {
  const emailKey = newEmailKey()
  return {
    id: timeOrderedId(Date.now()),
    email: emailKey,
    emailKey,
    passwordHash: '$argon2id$…',
    isActive: true,
    isVerified: false,
    isSuperuser: false,
    createdAt: '2026-01-02T03:04:05.006Z',
    updatedAt: '2026-01-02T03:04:05.006Z',
    version: 1,
    sessionEpoch: 0,
    fields: {},
    ...given
  }
}

async function inserted (store: UserStore, given?: Partial<StoredUser>): Promise<StoredUser> {
  const user = newUser(given)
  equal(await store.insert(user), true)
  return user
}

/** The next version of a user, with another value in each column that can change. */
function changed (user: StoredUser): StoredUser {
  const emailKey = newEmailKey()
  return {
    id: user.id,
    email: `New.${emailKey}`,
    emailKey,
    passwordHash: user.passwordHash === null ? '$2b$…' : null,
    isActive: !user.isActive,
    isVerified: !user.isVerified,
    isSuperuser: !user.isSuperuser,
    createdAt: '2027-02-03T04:05:06.007Z',
    updatedAt: '2028-03-04T05:06:07.008Z',
    version: user.version + 1,
    sessionEpoch: user.sessionEpoch + 1,
    fields: { changed: ['é', '👩‍🚀'] }
  }
}

/** Without the prototypes that a store may give its objects. */
function plain (user: StoredUser | null): unknown {
  return structuredClone(user)
}

/** Objects may be frozen: then the attempt throws, and that is as good. */
function attempt (change: () => unknown): void {
  try {
    change()
  } catch {}
}
