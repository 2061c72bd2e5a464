import { equal, ok } from 'node:assert/strict'
import type { StoredUser, UserStore } from '../contracts/user-store.js'
import { randomId, timeOrderedId } from '../crypto/random.js'
import type { MaybePromise } from '../maybe-promise.js'
import { caseOf, same, type ContractCase } from './contract-case.js'
import { inserted, newUser } from './stored-user.js'

const signs = ['%', '_', '!', '!%', '!_', '!!', '\\', '\\%', '\'', '"', '`', '*', '?', '$1', '[a-z]', '.', 'x']

/** What `list` of every user store must do. */
export function listCases (open: () => MaybePromise<UserStore>): ContractCase[] {
  return [
    caseOf(open, 'list: all of a user, in the order of the ids, after one of them, at most so many', async (store) => {
      const emailPart = randomId()
      const users = await insertedMixed(store, 7, emailPart)
      const ids = users.map(({ id }) => id)
      const page = async (after: string | null = null, limit = 3): Promise<unknown> => await store.list({ after, limit, emailPart })
      same(await page(null, 100), users)
      same(await page(null, 7), users)
      same(await page(), users.slice(0, 3))
      same(await page(ids[2]), users.slice(3, 6))
      same(await page(ids[5]), users.slice(6))
      same(await page(ids[6]), [])
      const gone = users[3]
      ok(gone)
      equal(await store.remove(gone.id, gone.version), true)
      same(await page(gone.id), users.slice(4), 'an id that is gone is a place to go on from')
      same(await page(ids[2], 1), users.slice(4, 5))
    }),

    caseOf(open, 'list: page by page nobody is left out, and nobody comes twice', async (store) => {
      const users = await insertedMixed(store, 25, randomId())
      const [first] = users
      ok(first)
      const seen = new Set([first.id])
      let after = first.id
      for (let length = 10; length === 10;) {
        const page = await store.list({ after, limit: 10, emailPart: null })
        length = page.length
        ok(length <= 10, 'a page is longer than was asked for')
        for (const { id } of page) {
          ok(id > after, 'a page is out of order')
          seen.add(id)
          after = id
        }
      }
      for (const { id } of users) ok(seen.has(id), 'a user is on no page')
      equal((await store.list({ after: null, limit: 1, emailPart: null })).length, 1)
    }),

    caseOf(open, 'list: no sign in a part of an address stands for anything else', async (store) => {
      const marker = randomId()
      const ids: string[] = []
      for (const sign of signs) ids.push((await inserted(store, { emailKey: `a(${sign})${marker}@example.com` })).id)
      for (const [index, sign] of signs.entries()) {
        same(await idsOf(store, `a(${sign})${marker}`), [ids[index]], `who looks for ${sign} finds something else`)
      }
      equal((await idsOf(store, marker)).length, signs.length)
      equal((await store.list({ after: null, limit: 2, emailPart: '' })).length, 2, 'no text is in every text')
    }),

    caseOf(open, 'list: nobody for a part that differs in case, an accent, a space or a NUL', async (store) => {
      const part = `ann-${randomId()}`
      const { id } = await inserted(store, { email: `Other.${part}@example.com`, emailKey: `${part}@example.com` })
      for (const right of [part, `${part}@example.com`, part.slice(1)]) same(await idsOf(store, right), [id])
      const wrong = [
        part.toUpperCase(), `A${part.slice(1)}`, `á${part.slice(1)}`, `${part} `, ` ${part}`, `${part}\0`, `\0${part}`, '\0',
        `%${part}`, `${part}%`, `Other.${part}`, randomId()
      ]
      for (const each of wrong) same(await idsOf(store, each), [], `who looks for something like ${JSON.stringify(each)} finds somebody`)
    })
  ]
}

/** Users of various ages, in the order of their ids, which is not the one that they were inserted in. */
async function insertedMixed (store: UserStore, count: number, emailPart: string): Promise<StoredUser[]> {
  const now = Date.now()
  const users = Array.from({ length: count }, (_, index) => newUser({
    id: timeOrderedId(now + (index * 3) % count),
    emailKey: `${index}.${emailPart}@example.com`
  }))
  for (const user of users) equal(await store.insert(user), true)
  return users.sort((first, second) => first.id < second.id ? -1 : 1)
}

async function idsOf (store: UserStore, emailPart: string): Promise<string[]> {
  return (await store.list({ after: null, limit: 100, emailPart })).map(({ id }) => id)
}
