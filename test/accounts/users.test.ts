import type { FastifyInstance, FastifyRequest } from 'fastify'
import t from 'tap'
import { errors, memory, type ListQuery, type NewUser, type ObjectSchema, type StoredUser, type User, type UserChanges, type UserStore } from '../../lib/index.js'
import { aPassword, everyRoute, outcome, postOffice, stranger } from '../helpers/accounts.js'
import { ann, appWith, login } from '../helpers/app.js'
import { captureLog } from '../helpers/smtp.js'

/** The shape of an application's own fields, as `Type.Object()` would make it. */
const fields = {
  type: 'object',
  properties: { nickname: { type: 'string', maxLength: 20 }, born: { type: 'string', format: 'date' }, address: { type: 'object', properties: { city: { type: 'string' } } } },
  required: ['nickname']
} as const

/** Without a registered type the fields are unknown to the compiler. */
type Any<T> = T & Record<string, unknown>

t.test('create, get, getByEmail, remove', async (t) => {
  const app = await appWith(t)
  const user = await app.users.create({ email: 'Bob@Example.com', password: 'eight ch' })
  t.match(user, { id: /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, email: 'Bob@Example.com', isActive: true, isVerified: false, isSuperuser: false })
  t.equal(user.createdAt, user.updatedAt)
  t.strictSame(await app.users.get(user.id), user)
  t.strictSame(await app.users.getByEmail(' bOB@eXAMPLE.com '), user)
  t.equal(await app.users.get('nobody'), null)
  t.equal(await app.users.getByEmail('nobody@example.com'), null)
  t.equal(await app.users.getByEmail('nobody\0'), null)
  t.equal(await app.users.remove(user.id), true)
  t.equal(await app.users.remove(user.id), false)
  t.equal(await app.users.get(user.id), null)
})

t.test('of a stored user, the app and the wire see these members alone', async (t) => {
  const base = ['createdAt', 'email', 'id', 'isActive', 'isSuperuser', 'isVerified', 'updatedAt']
  for (const given of [undefined, fields]) {
    const app = await appWith(t, { fields: given }, { seed: false })
    const user = await app.users.create({ ...ann, ...(given === undefined ? {} : { nickname: 'Ann' }) })
    const seen = [user, await app.users.get(user.id), (await app.users.list()).items[0], (await app.inject({ ...await login(app, 'bearer'), url: '/me' })).json()]
    for (const one of seen) t.strictSame(Object.keys(one as User).sort(), given === undefined ? base : [...base, 'nickname'].sort())
  }
})

t.test('ids sort by age', async (t) => {
  let now = Date.UTC(2030, 0, 1)
  const app = await appWith(t, { clock: () => now })
  const ids: string[] = []
  for (let i = 0; i < 5; i++) {
    now += 1
    ids.push((await app.users.create({ email: `${i}@example.com` })).id)
  }
  t.strictSame([...ids].sort(), ids)
})

t.test('authenticate', async (t) => {
  const app = await appWith(t)
  t.match(await app.users.authenticate('ANN@example.com', ann.password), { email: ann.email })
  t.equal(await app.users.authenticate(ann.email, 'wrong'), null)
  t.equal(await app.users.authenticate('nobody@example.com', ann.password), null)
})

t.test('what a user cannot be', async (t) => {
  const app = await appWith(t, { fields }, { seed: false })
  const good = { email: 'bob@example.com', password: 'eight ch', nickname: 'Bob' }
  for (const [given, message] of [
    [{ email: undefined }, 'email must be an e-mail address'],
    [{ email: null }, 'email must be an e-mail address'],
    [{ email: ['a@example.com'] }, 'email must be an e-mail address'],
    ...['', 'a', 'a@', '@a', 'a@b@c', 'a b@c.d', 'a@b c', 'a@-b.c', 'a\0@b.c', '<a@b.c>', 'a@b.c, d@e.f', `${'a'.repeat(65)}@b.c`, `a@${'b'.repeat(60)}.${'c.'.repeat(100)}d`, 'a\u2028@b.c'].map((email) => [{ email }, 'email must be an e-mail address']),
    [{ password: 12345678 }, 'password must be a string'],
    [{ password: ['eight ch'] }, 'password must be a string'],
    [{ password: undefined, passwordHash: 'plain text' }, 'passwordHash must be an argon2, bcrypt or scrypt hash: see docs/passwords.md'],
    [{ password: undefined, passwordHash: '$2b$31$' + 'x'.repeat(53) }, 'passwordHash must be'],
    [{ password: undefined, passwordHash: '$argon2id$nonsense' }, 'passwordHash must be'],
    [{ password: undefined, passwordHash: '$scrypt$ln=19,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg' }, 'passwordHash must be'],
    [{ password: undefined, passwordHash: 7 }, 'passwordHash must be'],
    [{ passwordHash: '$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA' }, 'password and passwordHash exclude each other'],
    [{ isActive: 'true' }, 'isActive must be true or false'],
    [{ isVerified: 1 }, 'isVerified must be true or false'],
    [{ isSuperuser: null }, 'isSuperuser must be true or false'],
    [{ nickname: undefined }, "must have required property 'nickname'"],
    [{ nickname: 7 }, 'nickname must be string'],
    [{ born: 'yesterday' }, 'born must match format "date"'],
    [{ address: { city: 7 } }, 'address.city must be string'],
    [{ isadmin: true }, 'must NOT have additional properties: isadmin'],
    [{ id: 'x' }, 'must NOT have additional properties: id'],
    [{ version: 9 }, 'must NOT have additional properties: version'],
    [{ pendingTokens: {} }, 'must NOT have additional properties: pendingTokens'],
    [JSON.parse('{ "__proto__": { "isSuperuser": true } }'), 'must NOT have additional properties: __proto__']
  ] as Array<[object, string]>) {
    const error = await app.users.create({ ...good, ...given } as NewUser).then(() => null, (error: Error & { code: string }) => error)
    t.equal(error?.code, 'FST_USERS_INVALID_USER', encodeURI(JSON.stringify(given)))
    t.ok(error?.message.startsWith(message), message)
  }
  t.equal(await app.users.getByEmail('bob@example.com'), null)
  for (const email of ['a@b', 'zoë@example.com', "o'neil+tag@sub.example.co.uk"]) t.match(await app.users.create({ ...good, email } as NewUser), { email })
})

t.test('what a password cannot be, and that is said by a reason', async (t) => {
  const app = await appWith(t)
  const { id } = await app.users.create({ email: 'carol@example.com' })
  for (const [password, reason] of [
    ['', 'The password must not be empty.'],
    ['1234567', 'The password must have at least 8 characters.'],
    ['👩‍👩‍👧'.slice(0, 5), 'The password must have at least 8 characters.'],
    ['🦊🐻🐼🐨🐯🦁🐮', 'The password must have at least 8 characters.'],
    [`${'a long one '.repeat(12)}`, 'The password must have at most 128 characters.'],
    ['lone \ud800 surrogate', 'The password must be a text of Unicode characters.'],
    ['        ', 'The password is one of the commonest, which are tried first. Choose another one.'],
    ['Carol@Example.com', 'The password must not be your e-mail address, nor the part before its @.']
  ] as const) {
    const refused = { statusCode: 400, message: 'Choose another password.', reason }
    await t.rejects(app.users.create({ email: 'carol@example.com', password }), { code: 'REGISTER_INVALID_PASSWORD', ...refused }, reason)
    await t.rejects(app.users.update(id, { password }), { code: 'UPDATE_USER_INVALID_PASSWORD', ...refused }, reason)
  }
  t.equal(await app.users.authenticate('carol@example.com', '1234567'), null)
  for (const password of ['eight ch', '🦊🐻🐼🐨🐯🦁🐮🐷', ' a blank at both ends ', '12345678901234567890 lower', `${'a long one '.repeat(11)}seven c`]) {
    t.ok(await app.users.create({ email: `${Math.random()}@example.com`, password }), 'no rules of composition')
  }
})

t.test('an address belongs to one, whatever its case', async (t) => {
  const app = await appWith(t)
  await t.rejects(app.users.create({ email: 'ANN@EXAMPLE.COM' }), { code: 'REGISTER_USER_ALREADY_EXISTS', statusCode: 400 })
  const attempts = await Promise.allSettled(Array.from({ length: 20 }, async (_, i) => await app.users.create({ email: i % 2 === 0 ? 'bob@example.com' : 'BOB@example.com' })))
  t.equal(attempts.filter(({ status }) => status === 'fulfilled').length, 1)
  const carl = await app.users.create({ email: 'carl@example.com' })
  await t.rejects(app.users.update(carl.id, { email: 'Ann@example.com' }), { code: 'UPDATE_USER_EMAIL_ALREADY_EXISTS', statusCode: 400 })
})

t.test('update, and what it ends', async (t) => {
  let now = Date.UTC(2030, 0, 1)
  const app = await appWith(t, { clock: () => now })
  const alive = async (changes: UserChanges | null): Promise<boolean> => {
    const email = `${Math.random()}@example.com`
    const user = await app.users.create({ email, password: ann.password, isSuperuser: true, isVerified: true })
    const sessions = [await login(app, 'cookie', { email, password: ann.password }), await login(app, 'bearer', { email, password: ann.password })]
    if (changes === null) await app.users.remove(user.id)
    else await app.users.update(user.id, changes)
    const statuses = await Promise.all(sessions.map(async (session) => (await app.inject({ ...session, url: '/me' })).statusCode))
    t.equal(new Set(statuses).size, 1)
    return statuses[0] === 200
  }
  t.equal(await alive({}), true, 'nothing')
  t.equal(await alive({ isVerified: false }), true, 'isVerified')
  t.equal(await alive({ isSuperuser: true, isActive: true }), true, 'what was so before')
  t.equal(await alive({ password: 'another password' }), false, 'a new password')
  t.equal(await alive({ password: null }), false, 'no password')
  t.equal(await alive({ passwordHash: '$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA' }), false, 'an imported hash')
  t.equal(await alive({ email: 'new@example.com' }), false, 'a new address')
  t.equal(await alive({ isActive: false }), false, 'deactivation')
  t.equal(await alive({ isSuperuser: false }), false, 'demotion')
  t.equal(await alive(null), false, 'removal')

  const user = await app.users.create({ email: 'eve@example.com', isVerified: true })
  now += 1000
  t.match(await app.users.update(user.id, { email: 'EVE@example.com' }), { email: 'EVE@example.com', isVerified: true, updatedAt: '2030-01-01T00:00:01.000Z', createdAt: '2030-01-01T00:00:00.000Z' }, 'a change of case is no new address')
  t.match(await app.users.update(user.id, { email: 'adam@example.com' }), { isVerified: false })
  t.match(await app.users.update(user.id, { email: 'eve@example.com', isVerified: true }), { isVerified: true })
  await t.rejects(app.users.update('nobody', {}), { code: 'USER_NOT_FOUND' })
  await t.rejects(app.users.update(user.id, { nickname: 'x' } as UserChanges), { code: 'FST_USERS_INVALID_USER' })

  const locked = await app.users.create({ email: 'locked@example.com', password: ann.password })
  await app.users.update(locked.id, { isActive: false })
  await app.users.update(locked.id, { isActive: true })
  t.ok(await login(app, 'bearer', { email: 'locked@example.com', password: ann.password }), 'reactivated')
})

t.test('changes at once: none is lost', async (t) => {
  const store = memory()
  let conflicts = 0
  const slow: UserStore = {
    ...store,
    findById: async (id) => await store.findById(id),
    replace: async (user, version) => {
      const replaced = await store.replace(user, version)
      if (replaced === false) conflicts++
      return replaced
    }
  }
  const app = await appWith(t, { users: slow, fields: { type: 'object', properties: { a: {}, b: {}, c: {} } } })
  const user = await app.users.create({ email: 'bob@example.com' })
  await Promise.all(['a', 'b', 'c'].map(async (name) => await app.users.update(user.id, { [name]: 1 } as UserChanges)))
  t.match(await app.users.get(user.id), { a: 1, b: 1, c: 1 })
  t.ok(conflicts > 0)

  const never = await appWith(t, { users: { ...store, replace: () => false } }, { seed: false })
  const carl = await never.users.create({ email: 'carl@example.com' })
  await t.rejects(never.users.update(carl.id, {}), { code: 'FST_USERS_CONFLICT' })
})

t.test('the application\'s own fields', async (t) => {
  const app = await appWith(t, { fields: { ...fields, required: [] } })
  const user = await app.users.create({ email: 'bob@example.com', password: ann.password, nickname: 'Bob', address: { city: 'Ulm' }, born: undefined } as Any<NewUser>)
  t.match(user, { nickname: 'Bob', address: { city: 'Ulm' } })
  t.notOk('born' in user)
  const me = await app.inject({ ...await login(app, 'bearer', { email: 'bob@example.com', password: ann.password }), url: '/me' })
  t.match(me.json(), { nickname: 'Bob', address: { city: 'Ulm' } })
  t.match(await app.users.update(user.id, { nickname: 'Bobby' } as Any<UserChanges>), { nickname: 'Bobby', address: { city: 'Ulm' } })
  t.match((await app.inject({ method: 'POST', url: '/login/cookie', payload: { email: 'bob@example.com', password: ann.password } })).json(), { nickname: 'Bobby' })
})

t.test('a user whose fields do not fit, as the command line or an older schema left them, can be changed', async (t) => {
  const users = memory()
  await appWith(t, { users })
  const $defs = { year: { type: 'integer', minimum: 1900 } }
  const properties = { ...fields.properties, since: { $ref: '#/$defs/year' }, plan: { type: 'string' } }
  const app = await appWith(t, { users, routes: everyRoute, fields: { ...fields, properties, $defs, required: ['nickname', 'plan'], dependencies: { since: ['born'] } } as Any<ObjectSchema> }, { seed: false })
  const { id } = await app.users.getByEmail(ann.email) as User
  const credential = await login(app, 'bearer')
  const own = async (changes: object): Promise<string> => await outcome(app, credential, 'PATCH', '/users/me', changes)

  t.equal(await own({ nickname: 'x'.repeat(21) }), '400 FST_ERR_VALIDATION')
  t.equal(await own({ nickname: 'Ann' }), '200', 'with one of the two that are missing')
  t.equal(await own({ since: 2020 }), '200', 'what is asked of all together was not given before')
  for (const changes of [{ since: 1899 }, { since: 'x' }, { unknown: 1 }]) {
    await t.rejects(app.users.update(id, changes as Any<UserChanges>), { code: 'FST_USERS_INVALID_USER' }, JSON.stringify(changes))
  }
  t.match(await app.users.update(id, { isVerified: true }), { isVerified: true, nickname: 'Ann', since: 2020 })

  t.match(await app.users.update(id, { plan: 'free', born: '2000-01-01' } as Any<UserChanges>), { plan: 'free' })
  await t.rejects(app.users.update(id, { nickname: null } as Any<UserChanges>), { message: 'nickname must be string' }, 'from now on all of it must fit')
  const other = await app.users.create({ email: 'other@example.com', nickname: 'Other', plan: 'free' } as Any<NewUser>)
  await t.rejects(app.users.update(other.id, { since: 2020 } as Any<UserChanges>), { code: 'FST_USERS_INVALID_USER' }, 'all together, where they did before')
})

t.test('a field of a store that calls itself a flag is none', async (t) => {
  const store = memory()
  const app = await appWith(t, { users: { ...store, findById: async (id) => ({ ...await store.findById(id), fields: { isSuperuser: true, id: 'x' } }) as unknown as StoredUser } })
  t.match((await app.inject({ ...await login(app, 'bearer'), url: '/me' })).json(), { isSuperuser: false, id: /-/ })
})

t.test('a hasher whose answer is no clear yes has said no', async (t) => {
  for (const answer of [1, 'true', {}, [], undefined, null]) {
    const app = await appWith(t, { passwords: { hasher: { hash: async () => '$x', verify: async () => answer as unknown as boolean, needsRehash: () => false } } })
    t.equal(await app.users.authenticate(ann.email, ann.password), null, JSON.stringify(answer))
  }
})

t.test('one look-up and one hash, whoever it is', async (t) => {
  const calls: string[] = []
  const store = memory()
  const hasher = {
    hash: async (password: string) => { calls.push('hash'); return `#${password}` },
    verify: async (hash: string, password: string) => { calls.push('verify'); return hash === `#${password}` },
    needsRehash: () => false
  }
  const counted: UserStore = { ...store, findByEmail: (key) => { calls.push('findByEmail'); return store.findByEmail(key) } }
  const app = await appWith(t, { users: counted, passwords: { hasher } })
  const inactive = await app.users.create({ email: 'inactive@example.com', password: ann.password })
  await app.users.update(inactive.id, { isActive: false })
  await app.users.create({ email: 'passwordless@example.com' })
  await app.users.authenticate(ann.email, ann.password)
  for (const email of [ann.email, 'inactive@example.com', 'passwordless@example.com', 'unknown@example.com']) {
    calls.length = 0
    await app.users.authenticate(email, 'some password')
    t.strictSame(calls, ['findByEmail', 'verify'], email)
  }
})

t.test('a hash that fails once is a failure once', async (t) => {
  let failures = 1
  class Hasher {
    readonly mark = '#'
    async hash (password: string) {
      if (failures-- > 0) throw new Error('out of memory')
      return this.mark + password
    }

    async verify (hash: string, password: string) { return hash === this.mark + password }
    needsRehash () { return false }
  }
  const app = await appWith(t, { passwords: { hasher: new Hasher() } }, { seed: false })
  await t.rejects(app.users.create(ann), { message: 'out of memory' })
  await app.users.create(ann)
  failures = 1
  const attempt = async (email: string) => (await app.inject({ method: 'POST', url: '/login/bearer', payload: { ...ann, email } })).statusCode
  t.equal(await attempt(ann.email), 503, 'the first login of all hashes once more')
  t.equal(await attempt('unknown@example.com'), 400, 'and the next one tries that again')
  t.equal(await attempt(ann.email), 200)
})

t.test('list: page by page, the oldest first', async (t) => {
  let now = Date.UTC(2030, 0, 1)
  const app = await appWith(t, { clock: () => now }, { seed: false })
  t.strictSame(await app.users.list(), { items: [], nextCursor: null })
  const all = []
  for (const name of ['ann', 'bob', 'Carol', 'dave', 'eve']) {
    now += 1
    all.push(await app.users.create({ email: `${name}@example.com`, password: ann.password }))
  }

  for (const limit of [1, 2, 3, 5, 100]) {
    const found = []
    let cursor: string | null | undefined
    for (let pages = 0; cursor !== null && pages < 10; pages++) {
      const page = await app.users.list({ limit, cursor })
      t.ok(page.items.length <= limit)
      found.push(...page.items)
      cursor = page.nextCursor
    }
    t.equal(cursor, null)
    t.strictSame(found, all, `${limit} at a time, as they are everywhere else`)
  }
  t.equal((await app.users.list({ limit: 5 })).nextCursor, null, 'a full last page says that it is the last')

  const emails = async (query: ListQuery): Promise<string[]> => (await app.users.list(query)).items.map(({ email }) => email.split('@')[0] as string)
  t.strictSame(await emails({ email: 'CAROL@' }), ['Carol'], 'in whatever case')
  t.strictSame(await emails({ email: 've' }), ['dave', 'eve'])
  t.strictSame(await emails({ email: '' }), ['ann', 'bob', 'Carol', 'dave', 'eve'])
  for (const email of ['%', '_', 'nobody', '\\']) t.strictSame(await emails({ email }), [], `${email} is no wildcard`)
  t.strictSame(await emails({ cursor: all[2]?.id, limit: undefined, email: undefined }), ['dave', 'eve'])
  t.strictSame(await emails({ cursor: 'zzz' }), [])

  const page = await app.users.list({ limit: 2 })
  await app.users.remove(all[1]?.id as string)
  t.strictSame(await emails({ cursor: page.nextCursor ?? undefined }), ['Carol', 'dave', 'eve'], 'also when the user that the cursor names is gone')
})

t.test('list: what is no query', async (t) => {
  const app = await appWith(t, { users: { ...memory(), list: () => { throw new Error('asked') } } })
  const cases: Array<[object, string]> = [
    ...[0, -1, 101, 1.5, NaN, Infinity, '5', null].map((limit): [object, string] => [{ limit }, 'limit must be a whole number from 1 to 100']),
    ...['', 'a\0b', 7, {}, null].map((cursor): [object, string] => [{ cursor }, 'cursor must be the nextCursor of another page']),
    ...['a\0b', 7, null].map((email): [object, string] => [{ email }, 'email must be a text'])
  ]
  for (const [query, message] of cases) await t.rejects(app.users.list(query as ListQuery), { code: 'FST_USERS_INVALID_USER', statusCode: 400, message }, JSON.stringify(query))
})

t.test('revokeSessions ends all sessions, and nothing else', async (t) => {
  const app = await appWith(t)
  const before = await app.users.getByEmail(ann.email)
  const sessions = [await login(app, 'cookie'), await login(app, 'bearer')]
  t.equal(await app.users.revokeSessions(before?.id as string), true)
  for (const session of sessions) t.equal((await app.inject({ ...session, url: '/me' })).statusCode, 401)
  t.strictSame(await app.users.getByEmail(ann.email), before)
  t.equal((await app.inject({ ...await login(app, 'bearer'), url: '/me' })).statusCode, 200, 'who logs in again is in')
  t.equal(await app.users.revokeSessions('nobody'), false)
})

t.test('one active superuser always remains', async (t) => {
  const app = await appWith(t)
  const root = await app.users.create({ email: 'root@example.com', password: ann.password, isSuperuser: true })
  const asleep = await app.users.create({ email: 'asleep@example.com', isSuperuser: true, isActive: false })
  const session = await login(app, 'bearer', { email: root.email, password: ann.password })
  const last = { code: 'LAST_SUPERUSER', statusCode: 409 }
  for (const changes of [{ isSuperuser: false }, { isActive: false }, { isActive: false, isSuperuser: false }]) await t.rejects(app.users.update(root.id, changes), last, 'one who is inactive does not count')
  await t.rejects(app.users.remove(root.id), last)
  t.strictSame(await app.users.get(root.id), root)
  t.equal((await app.inject({ ...session, url: '/me' })).statusCode, 200)
  t.match(await app.users.update(root.id, { email: 'boss@example.com', isSuperuser: true }), { email: 'boss@example.com' }, 'all else may change')
  t.equal(await app.users.remove(asleep.id), true, 'who reigns no more may go')

  const other = await app.users.create({ email: 'other@example.com', isSuperuser: true })
  await t.rejects(app.users.update(root.id, { isActive: false, email: 'Other@example.com' }), { code: 'UPDATE_USER_EMAIL_ALREADY_EXISTS' })
  t.match(await app.users.update(root.id, { isActive: false }), { isActive: false })
  await t.rejects(app.users.remove(other.id), last)

  const two = await Promise.all(['one', 'two'].map(async (name) => await app.users.create({ email: `${name}@example.com`, isSuperuser: true })))
  await app.users.remove(other.id)
  const results = await Promise.allSettled(two.map(async ({ id }) => await app.users.remove(id)))
  t.strictSame(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'], 'two who leave at once')
})

t.test('a removal that meets a change goes through; one that always does gives up', async (t) => {
  const store = memory()
  let meanwhile: (id: string) => unknown = () => {}
  let calls = 0
  const app = await appWith(t, { users: { ...store, remove: async (id, version) => { calls++; await meanwhile(id); return await store.remove(id, version) } } })
  const add = async (): Promise<string> => (await app.users.create({ email: `${Math.random()}@example.com` })).id

  const raced = await add()
  meanwhile = async (id) => { if (calls === 1) await app.users.update(id, { isVerified: true }) }
  t.equal(await app.users.remove(raced), true)
  t.equal(calls, 2)
  t.equal(await app.users.get(raced), null)

  const gone = await add()
  meanwhile = async (id) => { await store.remove(id, 1) }
  t.equal(await app.users.remove(gone), false, 'somebody else was first')

  const busy = await add()
  meanwhile = async (id) => { await app.users.update(id, {}) }
  calls = 0
  await t.rejects(app.users.remove(busy), { code: 'FST_USERS_CONFLICT', statusCode: 409 })
  t.ok(calls > 1 && calls < 20, 'after a few tries')
  t.ok(await app.users.get(busy))

  const replaced = await appWith(t, { users: { ...store, replace: async (user, version) => { await store.remove(user.id, version); return await store.replace(user, version) } } }, { seed: false })
  await t.rejects(replaced.users.update(busy, {}), { code: 'USER_NOT_FOUND', statusCode: 404 }, 'a change of a user who goes meanwhile')
})

t.test('a store that fails is 503, whoever asks, and its words stay inside', async (t) => {
  const cause = Object.assign(new Error("duplicate key: insert into users values ('ann@example.com')"), { statusCode: 400, code: '23505' })
  const store = memory()
  let failing: string = ''
  let how: () => never | Promise<never> = () => { throw cause }
  const names = ['insert', 'findById', 'findByEmail', 'list', 'replace', 'remove', 'retire'] as const
  const broken = Object.fromEntries(names.map((name) => [name, (...args: never[]) => failing === name ? how() : (store[name] as (...args: never[]) => unknown)(...args)]))
  const app = await appWith(t, { users: { ...store, ...broken } })
  const { id } = await app.users.create({ email: 'root@example.com', isSuperuser: true })
  const { id: plain } = await app.users.create({ email: 'bob@example.com' })

  const calls: Record<typeof names[number], Array<() => Promise<unknown>>> = {
    insert: [() => app.users.create({ email: 'new@example.com' })],
    findById: [() => app.users.get(id), () => app.users.update(id, {}), () => app.users.remove(id), () => app.users.revokeSessions(id)],
    findByEmail: [() => app.users.getByEmail(ann.email), () => app.users.authenticate(ann.email, 'x'), () => app.users.requestVerify(ann.email), () => app.users.forgotPassword(ann.email)],
    list: [() => app.users.list()],
    replace: [() => app.users.update(plain, {}), () => app.users.revokeSessions(plain)],
    remove: [() => app.users.remove(plain)],
    retire: [() => app.users.remove(id), () => app.users.update(id, { isActive: false })]
  }
  for (how of [() => { throw cause }, async () => await Promise.reject(cause)]) {
    for (const name of names) {
      failing = name
      for (const call of calls[name]) await t.rejects(call(), { code: 'FST_USERS_UNAVAILABLE', statusCode: 503, message: 'The service is not available at the moment.', cause: { code: '23505', message: /^duplicate key/, statusCode: undefined } }, name)
    }
  }
  failing = 'list'
  const own = new errors.UnavailableError()
  how = () => { throw own }
  await t.rejects(app.users.list(), own, 'one that says so itself')
  failing = ''
  t.equal((await app.users.list()).items.length, 3, 'and all is as it was')
})

t.test('fields that nobody gives have the default of their schema', async (t) => {
  const app = await appWith(t, {
    fields: {
      type: 'object',
      properties: { plan: { type: 'string', enum: ['free', 'paid'], default: 'free' }, newsletter: { type: 'boolean', default: false }, tags: { type: 'array', default: [] }, nickname: { type: 'string' }, any: true },
      required: ['plan', 'tags']
    }
  }, { seed: false })
  const create = async (given: object): Promise<object> => await app.users.create({ email: `${Math.random()}@example.com`, ...given })
  t.match(await create({}), { plan: 'free', newsletter: false, tags: [] })
  t.notOk('nickname' in await create({}))
  t.match(await create({ plan: 'paid', newsletter: true, any: null }), { plan: 'paid', newsletter: true, any: null, tags: [] })
  t.match(await create({ plan: undefined }), { plan: 'free' })
  await t.rejects(create({ plan: 'gold' }), { code: 'FST_USERS_INVALID_USER', message: 'plan must be equal to one of the allowed values' })

  const { id } = await app.users.create({ email: 'ann@example.com', plan: 'paid' } as Any<NewUser>)
  t.match(await app.users.update(id, { nickname: 'Ann' } as Any<UserChanges>), { plan: 'paid', nickname: 'Ann' }, 'a change brings no default back')
})

t.test('changes at once do not starve each other, however many there are', async (t) => {
  const store = memory()
  const names = Array.from({ length: 40 }, (_, index) => `field${index}`)
  let calls = 0
  let lost = 0
  const busy: UserStore = {
    ...store,
    findById: async (id) => await store.findById(id),
    replace: async (user, version) => {
      calls++
      // As if somebody else were always a little faster.
      return lost-- > 0 ? false : await store.replace(user, version)
    },
    remove: async (id, version) => {
      calls++
      return lost-- > 0 ? false : await store.remove(id, version)
    }
  }
  const app = await appWith(t, { users: busy, fields: { type: 'object', properties: Object.fromEntries(names.map((name) => [name, {}])) } })
  const { id } = await app.users.create({ email: 'bob@example.com' })
  await Promise.all(names.map(async (name) => await app.users.update(id, { [name]: 1 } as UserChanges)))
  t.match(await app.users.get(id), Object.fromEntries(names.map((name) => [name, 1])), 'all hold')

  for (const [losses, code] of [[7, undefined], [8, 'FST_USERS_CONFLICT']] as const) {
    for (const work of [() => app.users.update(id, {}), () => app.users.remove(id)]) {
      calls = 0
      lost = losses
      t.equal(await work().then(() => undefined, ({ code }: { code: string }) => code), code)
      t.equal(calls, 8)
    }
    if (code === undefined) await store.insert({ ...await store.findByEmail(ann.email) as StoredUser, id, email: 'bob@example.com', emailKey: 'bob@example.com' })
  }
})

t.test('a default that is an object is each user\'s own', async (t) => {
  const app = await appWith(t, { fields: { type: 'object', properties: { tags: { type: 'array', default: [] }, settings: { type: 'object', default: { theme: {} } } } } }, { seed: false })
  const create = async (email: string): Promise<Any<{ tags: string[], settings: { theme: Record<string, string> } }>> => await app.users.create({ email }) as never
  const one = await create('one@example.com')
  one.tags.push('admin')
  one.settings.theme.colour = 'red'
  const { tags, settings } = await create('two@example.com')
  t.strictSame({ tags, settings }, { tags: [], settings: { theme: {} } })
})

t.test('an address in the place of an id is not recorded', async (t) => {
  const office = postOffice()
  const app = await appWith(t, office.options)
  const bad = { password: 7, email: 'no address' } as unknown as UserChanges
  for (const [type, work] of [
    ['update', () => app.users.update(ann.email, bad)],
    ['update', () => app.users.update(ann.email, { password: 'short' })],
    ['delete', () => app.users.remove(ann.email)],
    ['revoke-sessions', () => app.users.revokeSessions(ann.email)]
  ] as const) {
    await work().catch(() => {})
    t.match(await office.event(type), { outcome: 'failure', reason: 'USER_NOT_FOUND', userId: null })
  }
  t.notMatch(JSON.stringify(office.events.untaken), ann.email)
})

t.test('a user who is removed between the guard and the work is not there', async (t) => {
  const preHandler = async (request: FastifyRequest): Promise<void> => { await app.users.remove(request.user.id) }
  const app: FastifyInstance = await appWith(t, { routes: everyRoute, routeOptions: { updateMe: { preHandler }, deleteMe: { preHandler }, confirm: { preHandler } } }, { seed: false })
  for (const [method, url, body] of [
    ['PATCH', '/users/me', { email: 'new@example.com', currentPassword: ann.password }],
    ['PATCH', '/users/me', {}],
    ['DELETE', '/users/me', { currentPassword: ann.password }],
    ['POST', '/confirm', { password: ann.password }]
  ] as const) {
    await app.users.create(ann)
    t.equal(await outcome(app, await login(app, 'bearer'), method, url, body), '404 USER_NOT_FOUND')
  }
})

t.test('an owner whose account is locked, or gone by then, is told nothing of who tries to register', async (t) => {
  for (const end of ['lock', 'remove'] as const) {
    const office = postOffice()
    const store = memory()
    const users: UserStore = {
      ...store,
      insert (user) {
        const isFree = store.insert(user)
        // As if the owner had just gone.
        if (isFree === false && end === 'remove') store.remove(id, 1)
        return isFree
      }
    }
    const app = await appWith(t, { ...office.options, users, routes: everyRoute, concealAccounts: true })
    const { id } = await app.users.getByEmail(ann.email) as User
    if (end === 'lock') await app.users.update(id, { isActive: false })
    t.equal(await outcome(app, stranger, 'POST', '/register', { email: ann.email, password: aPassword('new') }), '202')
    t.match(await office.event('register'), { outcome: 'failure', reason: 'REGISTER_USER_ALREADY_EXISTS' })
    await app.close()
    t.strictSame(office.mails.untaken, [])
  }
})

t.test('a registration that fails behind the reply is logged, and nobody is told', async (t) => {
  const { log, lines } = captureLog()
  const office = postOffice()
  const app = await appWith(t, { ...office.options, users: { ...memory(), insert: () => { throw new Error('the disk is full') } }, routes: everyRoute, concealAccounts: true }, { server: { loggerInstance: log }, seed: false })
  t.equal(await outcome(app, stranger, 'POST', '/register', { email: ann.email, password: aPassword('new') }), '202')
  t.match(await office.event('register'), { outcome: 'failure', reason: 'FST_USERS_UNAVAILABLE' })
  await app.close()
  t.match(lines.filter(({ level }) => level === 50), [{ msg: 'fastify-users: work behind a reply has failed', err: { code: 'FST_USERS_UNAVAILABLE' } }])
  t.strictSame(office.mails.untaken, [])
})
