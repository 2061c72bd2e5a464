import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { bearer, cookie, memory, type FastifyUsersOptions, type Mailer, type PasswordHasher } from '../../lib/index.js'
import { argon2Hasher } from '../../lib/crypto/password.js'
import { aPassword, everyRoute, postOffice } from '../helpers/accounts.js'
import { ann, appWith, cheap } from '../helpers/app.js'

/** Whoever may be asked about. The addresses are of one length, so that the requests are, too. */
const people = {
  known: ann.email,
  unknown: 'unk@example.com',
  inactive: 'ina@example.com',
  verified: 'ver@example.com',
  passwordless: 'pwl@example.com',
  superuser: 'sup@example.com'
} as const

/** Requests that must not tell who has an account. */
const questions: Readonly<Record<string, (email: string) => { url: string, body: object }>> = {
  'a login': (email) => ({ url: '/login/bearer', body: { email, password: aPassword('wrong') } }),
  'a login by cookie': (email) => ({ url: '/login/cookie', body: { email, password: aPassword('wrong') } }),
  'a login with an endless password': (email) => ({ url: '/login/bearer', body: { email, password: 'x'.repeat(1024) } }),
  'a login with a password that is too long': (email) => ({ url: '/login/bearer', body: { email, password: 'x'.repeat(1025) } }),
  'a login by a backend for verified users': (email) => ({ url: '/login/strict', body: { email, password: aPassword('wrong') } }),
  'a forgotten password': (email) => ({ url: '/forgot-password', body: { email } }),
  'a link to verify': (email) => ({ url: '/request-verify-token', body: { email } }),
  'a registration': (email) => ({ url: '/register', body: { email, password: aPassword('new') } }),
  'a registration in other letters': (email) => ({ url: '/register', body: { email: email.toUpperCase(), password: aPassword('new') } }),
  'a registration with a password that is refused': (email) => ({ url: '/register', body: { email, password: 'short' } }),
  'a registration without a password': (email) => ({ url: '/register', body: { email } })
}

async function setScene (t: Test, given: Partial<FastifyUsersOptions>): Promise<FastifyInstance> {
  const app = await appWith(t, { routes: everyRoute, concealAccounts: true, backends: [bearer(), cookie(), bearer({ name: 'strict', requireVerified: true })], ...given })
  const { id } = await app.users.create({ email: people.inactive, password: aPassword('inactive') })
  await app.users.update(id, { isActive: false })
  await app.users.create({ email: people.verified, password: aPassword('verified'), isVerified: true })
  await app.users.create({ email: people.passwordless })
  await app.users.create({ email: people.superuser, password: aPassword('superuser'), isSuperuser: true })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

t.test('what differs is done when the reply has left', async (t) => {
  const order: string[] = []
  const told = (what: string) => () => { order.push(what) }
  const office = postOffice()
  const app = await setScene(t, { ...office.options, hooks: { onAfterForgotPassword: told('known'), onAfterRequestVerify: told('known'), onAfterRegister: told('known') }, routeOptions: Object.fromEntries(['forgotPassword', 'requestVerify', 'register'].map((route) => [route, { onResponse: async () => { order.push('reply') } }])) })
  order.length = 0
  for (const [url, email, event] of [['/forgot-password', people.known, 'forgot-password'], ['/request-verify-token', people.known, 'request-verify'], ['/register', 'new@example.com', 'register']] as const) {
    await app.inject({ method: 'POST', url, payload: { email, password: aPassword('new') } })
    await office.event(event)
    t.strictSame(order.splice(0).slice(0, 2), ['reply', 'known'], url)
  }
})

t.test('where accounts are concealed, a store that is down is told, whoever registers', async (t) => {
  const store = memory()
  let isDown = false
  const app = await setScene(t, { users: { ...store, findByEmail: (key) => { if (isDown) throw new Error('down'); return store.findByEmail(key) } } })
  isDown = true
  for (const email of [people.known, people.unknown]) {
    const reply = await app.inject({ method: 'POST', url: '/register', payload: { email, password: aPassword('new') } })
    t.match([reply.statusCode, reply.json()], [503, { code: 'FST_USERS_UNAVAILABLE' }], email)
  }
})

/** Every byte that comes back, but for the date. */
async function ask (app: FastifyInstance, { url, body }: { url: string, body: object }): Promise<string> {
  const payload = JSON.stringify(body)
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => { chunks.push(chunk) })
  socket.write(`POST ${url} HTTP/1.1\r\nHost: app.example\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(payload)}\r\nConnection: close\r\n\r\n${payload}`)
  await once(socket, 'close')
  return Buffer.concat(chunks).toString().replace(/^Date: .*\r\n/im, '')
}

/** Whom a question is asked about: to register is to become known, so each has another unknown one. */
function everybody (question: string): ReadonlyArray<[string, string]> {
  const unknown = `x${Object.keys(questions).indexOf(question).toString(36)}y@example.com`
  return Object.entries({ ...people, unknown })
}

/** Asks each question about everybody. */
async function askAll (t: Test, app: FastifyInstance): Promise<void> {
  for (const [title, question] of Object.entries(questions)) {
    const expected = await ask(app, question(people.known))
    t.match(expected, /^HTTP\/1\.1 (?:202|400) /, title)
    for (const [who, email] of everybody(title)) t.equal(await ask(app, question(email)), expected, `${title}: ${who}`)
  }
}

t.test('the answers are equal, byte for byte', async (t) => {
  await askAll(t, await setScene(t, postOffice().options))
})

const mailers: Readonly<Record<string, Mailer['send']>> = {
  throws: async () => { throw new Error('no route to host') },
  'throws at once': () => { throw new TypeError('send is broken') },
  hangs: () => new Promise(() => {}),
  'is slow': async (_mail, signal) => { await sleep(50, undefined, { signal }) }
}

for (const [how, send] of Object.entries(mailers)) {
  t.test(`a mailer that ${how} changes nothing`, async (t) => {
    const healthy = await setScene(t, postOffice().options)
    const app = await setScene(t, { mails: { mailer: { send }, retryDelaysMs: [], attemptTimeoutMs: 100 } })
    await askAll(t, app)
    for (const [title, question] of Object.entries(questions)) t.equal(await ask(app, question(people.known)), await ask(healthy, question(people.known)), title)
  })
}

t.test('a hook or an audit that fails changes nothing', async (t) => {
  const fail = (): never => { throw new Error('broken') }
  const hooks = { onAfterForgotPassword: fail, onAfterRequestVerify: fail, onAfterRegister: fail }
  await askAll(t, await setScene(t, { ...postOffice().options, hooks, audit: fail }))
})

t.test('each answer costs as many hashes', async (t) => {
  const post = postOffice()
  const own = argon2Hasher({ ...cheap, parallelism: 1 })
  let count = 0
  const hasher: PasswordHasher = {
    hash: async (password) => { count++; return await own.hash(password) },
    verify: async (hash, password) => { count++; return await own.verify(hash, password) },
    needsRehash: (hash) => own.needsRehash(hash)
  }
  const app = await setScene(t, { ...post.options, passwords: { hasher } })
  // At the first login of all there is one more: the hash that stands in where there is none.
  await ask(app, { url: '/login/bearer', body: { email: people.unknown, password: aPassword('x') } })

  for (const [title, question] of Object.entries(questions)) {
    const counts: Record<string, number> = {}
    for (const [who, email] of everybody(title)) {
      count = 0
      await ask(app, question(email))
      counts[who] = count
    }
    const expected = /login|registration/.test(title) && !/refused|too long|without/.test(title) ? 1 : 0
    t.strictSame(counts, Object.fromEntries(Object.keys(people).map((who) => [who, expected])), title)
  }
})

t.test('who is asked about learns of it, once at most, at the address of the account', async (t) => {
  const post = postOffice()
  const app = await setScene(t, post.options)
  for (const email of Object.values(people)) {
    await ask(app, { url: '/forgot-password', body: { email } })
    await ask(app, { url: '/request-verify-token', body: { email } })
    await ask(app, { url: '/register', body: { email: email.toUpperCase(), password: aPassword('new') } })
  }
  await app.close()
  const mailed = post.mails.untaken.map(({ subject, to }) => `${subject} to ${to}`).sort()
  t.strictSame(mailed, [
    ...[people.known, people.verified, people.passwordless, people.superuser].flatMap((to) => [`registration-attempt to ${to}`, `reset-password to ${to}`]),
    ...[people.known, people.passwordless, people.superuser].map((to) => `verify-address to ${to}`),
    `verify-address to ${people.unknown.toUpperCase()}`
  ].sort())
})

t.test('a registration that is refused is refused for everybody', async (t) => {
  const app = await setScene(t, { ...postOffice().options, hooks: { onBeforeRegister: () => 'Nobody comes in today.' } })
  const expected = await ask(app, { url: '/register', body: { email: people.unknown, password: aPassword('new') } })
  t.match(expected, 'REGISTER_REFUSED')
  for (const email of Object.values(people)) t.equal(await ask(app, { url: '/register', body: { email, password: aPassword('new') } }), expected)
})
