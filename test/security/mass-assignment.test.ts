import type { FastifyInstance, InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { memory, type StoredUser, type UserStore } from '../../lib/index.js'
import { aPassword, fields, outcome, postOffice, send, stranger } from '../helpers/accounts.js'
import { ann, appWith, login } from '../helpers/app.js'

/** What nobody may say of themselves, each with a value that it would be bad to have taken. */
const forbidden: Readonly<Record<string, unknown>> = {
  isSuperuser: true,
  isVerified: true,
  isActive: false,
  id: '01900000-0000-7000-8000-00000000dead',
  passwordHash: '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY',
  hashedPassword: '$2b$04$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu',
  version: 99,
  sessionEpoch: 99,
  pendingTokens: { reset: { digest: 'x'.repeat(43), expiresAt: 9e15 } },
  emailKey: 'somebody.else@example.com',
  createdAt: '2001-01-01T00:00:00.000Z',
  updatedAt: '2001-01-01T00:00:00.000Z',
  roles: ['admin'],
  plan: 'paid'
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The ways in which a member has got past somebody, somewhere: JSON, since not all of them are what an object can be in JavaScript. */
const shapes: Readonly<Record<string, (name: string, value: string) => string>> = {
  'as it is': (name, value) => `"${name}":${value}`,
  'in snake case': (name, value) => `"${snake(name)}":${value}`,
  'in upper case': (name, value) => `"${name.toUpperCase()}":${value},"${snake(name).toUpperCase()}":${value}`,
  'in lower case': (name, value) => `"${name.toLowerCase()}":${value}`,
  'with a blank': (name, value) => `" ${name}":${value},"${name} ":${value},"${name}\\u0000":${value}`,
  escaped: (name, value) => `"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}":${value}`,
  'in user': (name, value) => `"user":{"${name}":${value}}`,
  'in fields': (name, value) => `"fields":{"${name}":${value}}`,
  'in $set': (name, value) => `"$set":{"${name}":${value}},"data":{"${name}":${value}}`,
  dotted: (name, value) => `"user.${name}":${value},"fields.${name}":${value},"nickname.${name}":${value}`,
  bracketed: (name, value) => `"user[${name}]":${value},"${name}[]":${value}`,
  twice: (name, value) => `"${name}":null,"${name}":${value}`,
  'in constructor': (name, value) => `"constructor":{"${name}":${value}}`,
  'in a list': (name, value) => `"${name}":[${value}]`
}

/** Shapes that are refused as a whole. */
const refusedShapes: typeof shapes = {
  'in __proto__': (name, value) => `"__proto__":{"${name}":${value}}`,
  'in an escaped __proto__': (name, value) => `"\\u005f_proto__":{"${name}":${value}}`,
  'in constructor.prototype': (name, value) => `"constructor":{"prototype":{"${name}":${value}}}`
}

const attempts = Object.entries(shapes).flatMap(([shape, write]) => Object.entries(forbidden).map(([name, value]) => ({ title: `${name} ${shape}`, json: write(name, JSON.stringify(value)) })))
const refused = Object.entries(refusedShapes).flatMap(([shape, write]) => Object.entries(forbidden).map(([name, value]) => ({ title: `${name} ${shape}`, json: write(name, JSON.stringify(value)) })))

async function setScene (t: Test): Promise<{ app: FastifyInstance, users: UserStore, stored: (email: string) => Promise<StoredUser | null> }> {
  const users = memory()
  // A clock that stands still: nothing but an attack can change a time.
  const app = await appWith(t, { users, fields, clock: () => now, routes: { register: true, me: true, users: true } })
  return { app, users, stored: async (email) => await users.findByEmail(email) }
}

const now = Date.UTC(2030, 0, 1)
const nowText = new Date(now).toISOString()

t.test('who registers', async (t) => {
  const { app, users, stored } = await setScene(t)
  let count = 0
  for (const { title, json } of attempts) {
    const email = `new${count++}@example.com`
    const reply = await send(app, stranger, 'POST', '/register', `{${json},"email":"${email}","password":"${aPassword('new')}"}`)
    t.equal(reply.statusCode, 201, title)
    const user = await stored(email)
    t.strictSame({ ...user, id: '', passwordHash: '' }, {
      id: '',
      email,
      emailKey: email,
      passwordHash: '',
      isActive: true,
      isVerified: false,
      isSuperuser: false,
      createdAt: nowText,
      updatedAt: nowText,
      version: 1,
      sessionEpoch: 0,
      pendingTokens: {},
      fields: { plan: 'free' }
    }, title)
    if (user?.id === forbidden.id || user?.passwordHash === forbidden.passwordHash) t.fail(title)
  }
  t.equal(await outcome(app, stranger, 'POST', '/login/bearer', { email: 'new0@example.com', password: aPassword('new') }), '200')

  const before = (await users.list({ after: null, limit: 1000, emailPart: null })).length
  for (const { title, json } of refused) {
    t.equal(await outcome(app, stranger, 'POST', '/register', `{${json},"email":"refused@example.com","password":"${aPassword('new')}"}`), '400 FST_ERR_CTP_INVALID_JSON_BODY', title)
  }
  t.equal((await users.list({ after: null, limit: 1000, emailPart: null })).length, before)
  t.strictSame(polluted(), [])
})

t.test('who changes their own account', async (t) => {
  const { app, stored } = await setScene(t)
  const me = await login(app, 'bearer')
  const before = await stored(ann.email) as StoredUser

  for (const { title, json } of attempts) {
    t.equal(await outcome(app, me, 'PATCH', '/users/me', `{${json}}`), '200', title)
    t.strictSame(await stored(ann.email), before, `${title}: nothing`)
  }
  for (const { title, json } of refused) t.equal(await outcome(app, me, 'PATCH', '/users/me', `{${json}}`), '400 FST_ERR_CTP_INVALID_JSON_BODY', title)
  t.strictSame(await stored(ann.email), before)

  let { version } = before
  for (const { title, json } of attempts) {
    t.equal(await outcome(app, me, 'PATCH', '/users/me', `{${json},"nickname":"Ann ${version}"}`), '200', title)
    t.strictSame(await stored(ann.email), { ...before, version: version + 1, fields: { plan: 'free', nickname: `Ann ${version}` } }, `${title}: what goes with it, and no more`)
    version++
  }
  t.equal(await outcome(app, me, 'PATCH', '/users/me', `{${attempts.map(({ json }) => json).join(',')},"nickname":"all"}`), '200', 'all at once')
  t.strictSame(await stored(ann.email), { ...before, version: version + 1, fields: { plan: 'free', nickname: 'all' } })
  t.strictSame(polluted(), [])
})

t.test('what not even a superuser may say', async (t) => {
  const { app, stored } = await setScene(t)
  const root = { email: 'root@example.com', password: aPassword('root') }
  await app.users.create({ ...root, isSuperuser: true })
  const admin = await login(app, 'bearer', root)
  const { isSuperuser, isVerified, isActive, plan, ...internal } = forbidden
  const before = await stored(ann.email) as StoredUser

  const body = { ...internal, nickname: 'Ann', fields: { nickname: 'x' }, user: { email: 'x@example.com' } }
  t.equal(await outcome(app, admin, 'PATCH', `/users/${before.id}`, body), '200')
  t.strictSame(await stored(ann.email), { ...before, version: before.version + 1, fields: { plan: 'free', nickname: 'Ann' } })
  t.equal(await outcome(app, admin, 'POST', '/users', { ...body, email: 'new@example.com' }), '201')
  const { id, ...made } = await stored('new@example.com') as StoredUser
  t.not(id, forbidden.id)
  t.match(made, { passwordHash: null, version: 1, sessionEpoch: 0, emailKey: 'new@example.com', createdAt: nowText })
  t.strictSame([made.pendingTokens, made.fields], [{}, { plan: 'free', nickname: 'Ann' }])
})

t.test('a field that is read-only for its owner', async (t) => {
  const { app, stored } = await setScene(t)
  const root = { email: 'root@example.com', password: aPassword('root') }
  await app.users.create({ ...root, isSuperuser: true })
  const [me, admin] = [await login(app, 'bearer'), await login(app, 'bearer', root)]
  const { id } = await stored(ann.email) as StoredUser
  const plan = async (): Promise<unknown> => (await stored(ann.email))?.fields.plan

  t.match((await send(app, me, 'PATCH', '/users/me', { plan: 'paid' })).json(), { plan: 'free' })
  t.equal(await plan(), 'free')
  t.match((await send(app, admin, 'PATCH', `/users/${id}`, { plan: 'paid' })).json(), { plan: 'paid' })
  t.equal(await plan(), 'paid')
  t.match((await send(app, me, 'PATCH', '/users/me', { plan: 'free', nickname: 'Ann' })).json(), { plan: 'paid', nickname: 'Ann' }, 'nor can it be given up')
  t.equal(await outcome(app, admin, 'PATCH', `/users/${id}`, { plan: 'stolen' }), '400 FST_ERR_VALIDATION')
  t.match((await send(app, admin, 'PATCH', '/users/me', { plan: 'paid' })).json(), { plan: 'free' }, 'at this route a superuser is an owner like others')
  await app.users.update(id, { plan: 'free' } as object)
  t.equal(await plan(), 'free')
})

t.test('who registers where accounts are concealed', async (t) => {
  const users = memory()
  const post = postOffice()
  const app = await appWith(t, { users, fields, concealAccounts: true, routes: { register: true, verify: true }, ...post.options })
  t.equal(await outcome(app, stranger, 'POST', '/register', { ...forbidden, email: 'new@example.com', password: aPassword('new') }), '202')
  await post.mail('verify-address', 'new@example.com')
  t.match(await users.findByEmail('new@example.com'), { isSuperuser: false, isVerified: false, isActive: true, sessionEpoch: 0, emailKey: 'new@example.com', fields: { plan: 'free' } })
})

t.test('nor by a header or the query', async (t) => {
  const { app, stored } = await setScene(t)
  const me: InjectOptions = await login(app, 'bearer')
  const before = await stored(ann.email)
  t.equal(await outcome(app, { headers: { ...me.headers, 'x-http-method-override': 'DELETE', 'x-user-issuperuser': 'true' } }, 'PATCH', '/users/me?isSuperuser=true&user[isSuperuser]=true&nickname=x', {}), '200')
  t.strictSame(await stored(ann.email), before)
})

/** What has got into every object there is. */
function polluted (): string[] {
  return Object.keys(forbidden).filter((name) => name in {})
}
