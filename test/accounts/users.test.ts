import t from 'tap'
import { memory, type StoredUser, type UserChanges, type NewUser, type UserStore } from '../../lib/index.js'
import { ann, appWith, login } from '../helpers/app.js'

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
    [{ password: '1234567' }, 'password must have at least 8 characters'],
    [{ password: '👩‍👩‍👧'.slice(0, 5) }, 'password must'],
    [{ password: '🦊'.repeat(7) }, 'password must have at least 8 characters'],
    [{ password: 'x'.repeat(1025) }, 'password must have at most 1024 characters'],
    [{ password: 12345678 }, 'password must be a string of Unicode characters'],
    [{ password: 'lone \ud800 surrogate' }, 'password must be a string of Unicode characters'],
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
    [{ version: 9 }, 'must NOT have additional properties: version']
  ] as Array<[object, string]>) {
    const error = await app.users.create({ ...good, ...given } as NewUser).then(() => null, (error: Error & { code: string }) => error)
    t.equal(error?.code, 'FST_USERS_INVALID_USER', encodeURI(JSON.stringify(given)))
    t.ok(error?.message.startsWith(message), message)
  }
  t.equal(await app.users.getByEmail('bob@example.com'), null)
  for (const email of ['a@b', 'zoë@example.com', "o'neil+tag@sub.example.co.uk"]) t.match(await app.users.create({ ...good, email } as NewUser), { email })
  for (const password of ['        ', '🦊'.repeat(8), 'x'.repeat(1024), 'aaaaaaaa']) t.ok(await app.users.create({ ...good, email: `${Math.random()}@example.com`, password } as NewUser), 'no rules of composition')
})

t.test('an address belongs to one, whatever its case', async (t) => {
  const app = await appWith(t)
  await t.rejects(app.users.create({ email: 'ANN@EXAMPLE.COM' }), { code: 'FST_USERS_EMAIL_TAKEN' })
  const attempts = await Promise.allSettled(Array.from({ length: 20 }, async (_, i) => await app.users.create({ email: i % 2 === 0 ? 'bob@example.com' : 'BOB@example.com' })))
  t.equal(attempts.filter(({ status }) => status === 'fulfilled').length, 1)
  const carl = await app.users.create({ email: 'carl@example.com' })
  await t.rejects(app.users.update(carl.id, { email: 'Ann@example.com' }), { code: 'FST_USERS_EMAIL_TAKEN' })
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
  await t.rejects(app.users.update('nobody', {}), { code: 'FST_USERS_NOT_FOUND' })
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

t.test('a field of a store that calls itself a flag is none', async (t) => {
  const store = memory()
  const app = await appWith(t, { users: { ...store, findById: async (id) => ({ ...await store.findById(id), fields: { isSuperuser: true, id: 'x' } }) as unknown as StoredUser } })
  t.match((await app.inject({ ...await login(app, 'bearer'), url: '/me' })).json(), { isSuperuser: false, id: /-/ })
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
