import { scryptSync } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import fastifyUsers, { bearer, cookie, jwt, memory, memorySessions, opaque, type Backend, type FastifyUsersOptions } from '../../lib/index.js'
import { cheapHashes, createUser, loginAs, sessionStoreContract, testClock, testMailer, testPassword, userStoreContract } from '../../lib/testing/index.js'
import { secret } from '../helpers/app.js'

/** As an app would have it: the plugin below a prefix, its login without limits that a test would meet. */
async function appWith (t: Test, given: Partial<FastifyUsersOptions> = {}): Promise<FastifyInstance> {
  const app = Fastify()
  t.after(async () => { await app.close() })
  await app.register(fastifyUsers, { users: memory(), strategy: opaque(), backends: [cookie(), bearer()], passwords: cheapHashes, prefix: '/auth', ...given })
  app.route({ method: ['GET', 'POST'], url: '/me', preHandler: app.authenticate(), handler: async ({ user, auth }) => ({ id: user.id, backend: auth?.backend }) })
  return app
}

t.test('createUser: active, unverified and no superuser, unless the test says otherwise', async (t) => {
  const app = await appWith(t)
  t.match(await createUser(app), { isActive: true, isVerified: false, isSuperuser: false })
  t.match(await createUser(app, { email: 'root@example.com', isVerified: true, isSuperuser: true }), { email: 'root@example.com', isVerified: true, isSuperuser: true })
  t.match(await createUser(app, { isActive: false }), { isActive: false })
  t.not((await createUser(app)).email, (await createUser(app)).email)
})

t.test('createUser: a password of the test\'s, none, or a hash', async (t) => {
  const app = await appWith(t)
  const entered = async (given: object, password = testPassword): Promise<boolean> => {
    const { email } = await createUser(app, given)
    return await app.users.authenticate(email, password) !== null
  }
  t.equal(await entered({}), true)
  t.equal(await entered({ password: 'staple battery horse' }, 'staple battery horse'), true)
  t.equal(await entered({ password: 'staple battery horse' }), false)
  t.equal(await entered({ password: null }), false)
  const hash = scryptSync('staple battery horse', 'of this test', 32, { N: 16, r: 8, p: 1 }).toString('base64').replace(/=+$/, '')
  const passwordHash = `$scrypt$ln=4,r=8,p=1$${Buffer.from('of this test').toString('base64').replace(/=+$/, '')}$${hash}`
  t.equal(await entered({ passwordHash }, 'staple battery horse'), true)
})

t.test('createUser: fields of the app, and its errors', async (t) => {
  const app = await appWith(t, { fields: { type: 'object', properties: { nickname: { type: 'string' } }, required: ['nickname'] } })
  t.match(await createUser(app, { nickname: 'Ann' } as object), { nickname: 'Ann' })
  await t.rejects(createUser(app), { code: 'FST_USERS_INVALID_USER' })
})

t.test('loginAs: by the first backend, or by the one of that name', async (t) => {
  const app = await appWith(t)
  const ann = await createUser(app)

  const byCookie = await loginAs(app, ann)
  t.strictSame(Object.keys(byCookie), ['sec-fetch-site', 'cookie'])
  t.strictSame((await app.inject({ method: 'POST', url: '/me', headers: byCookie })).json(), { id: ann.id, backend: 'cookie' }, 'the cross-site check sees a page of the app')
  t.equal((await app.inject({ method: 'POST', url: '/me', headers: { ...byCookie, 'sec-fetch-site': 'cross-site' } })).statusCode, 403)

  const byBearer = await loginAs(app, ann, { backend: 'bearer' })
  t.strictSame(Object.keys(byBearer), ['authorization'])
  t.strictSame((await app.inject({ method: 'POST', url: '/me', headers: byBearer })).json(), { id: ann.id, backend: 'bearer' })

  t.equal((await app.inject({ method: 'POST', url: '/auth/logout/bearer', headers: byBearer })).statusCode, 200)
  t.equal((await app.inject({ url: '/me', headers: byBearer })).statusCode, 401, 'a session like any other')
  await t.rejects(loginAs(app, ann, { backend: 'nope' }), { message: 'There is no backend of the name nope; the backends are cookie, bearer' })
})

t.test('loginAs: a login like any other: hooks, checks and refusals', async (t) => {
  const entered: string[] = []
  const app = await appWith(t, { backends: [bearer({ requireVerified: true })], hooks: { onAfterLogin: async ({ email }) => { entered.push(email) } } })
  const refusal = { statusCode: 400, code: 'LOGIN_BAD_CREDENTIALS', message: 'POST /auth/login/bearer was refused: 400 LOGIN_BAD_CREDENTIALS The user name or the password is wrong.' }

  await t.rejects(loginAs(app, await createUser(app, { isActive: false })), refusal)
  await t.rejects(loginAs(app, await createUser(app, { password: null })), refusal)
  await t.rejects(loginAs(app, { email: 'nobody@example.com' }), refusal)
  await t.rejects(loginAs(app, await createUser(app)), { statusCode: 400, code: 'LOGIN_USER_NOT_VERIFIED' })
  const ann = await createUser(app, { isVerified: true, password: 'staple battery horse' })
  await t.rejects(loginAs(app, ann), refusal)
  t.strictSame(entered, [])
  await loginAs(app, ann, { password: 'staple battery horse' })
  t.strictSame(entered, [ann.email])
})

t.test('loginAs: a refusal in words of the app\'s own', async (t) => {
  const app = Fastify()
  t.after(async () => { await app.close() })
  app.setErrorHandler(async (_error, _request, reply) => await reply.code(418).type('text/plain').send('no'))
  await app.register(fastifyUsers, { users: memory(), strategy: opaque(), backends: [bearer()], passwords: cheapHashes })
  await t.rejects(loginAs(app, { email: 'nobody@example.com' }), { statusCode: 418, code: undefined, message: 'POST /login/bearer was refused: 418' })
})

t.test('loginAs: cookies of a session that is refreshed', async (t) => {
  const app = await appWith(t, { backends: [cookie({ refresh: true })] })
  const headers = await loginAs(app, await createUser(app))
  const refreshed = await app.inject({ method: 'POST', url: '/auth/refresh/cookie', headers })
  t.equal(refreshed.statusCode, 200)
})

/** A header of its own, and nothing in the body. */
function header (): Backend {
  return {
    name: 'header',
    transport: {
      ambient: false,
      read: ({ headers }) => typeof headers['x-ticket'] === 'string' ? headers['x-ticket'] : null,
      write: (reply, { token }) => { reply.header('x-ticket', token) },
      clear: () => ({}),
      challenge: () => 'Ticket realm="users"',
      securityScheme: () => ({ type: 'apiKey', in: 'header', name: 'x-ticket' }),
      loginSchema: () => ({ type: 'object' })
    }
  }
}

t.test('loginAs: a transport of one\'s own', async (t) => {
  const app = await appWith(t, { backends: [header(), cookie()] })
  const ann = await createUser(app)
  await t.rejects(loginAs(app, ann), { message: 'The login gave neither a cookie nor an access_token: tell loginAs() by `present` what a client sends after it' })
  const headers = await loginAs(app, ann, { present: (reply) => ({ headers: { 'x-ticket': String(reply.headers['x-ticket']) } }) })
  t.strictSame((await app.inject({ url: '/me', headers })).json(), { id: ann.id, backend: 'header' })
  const odd = await loginAs(app, ann, { backend: 'cookie', present: () => ({ cookies: { theme: 'dark; blue', b: '1' } }) })
  t.equal(odd.cookie, 'theme=dark%3B%20blue; b=1')
})

t.test('an app whose decorators have other names, in a scope, and before it is ready', async (t) => {
  const app = Fastify()
  t.after(async () => { await app.close() })
  let scope = app as FastifyInstance
  let inner = app as FastifyInstance
  app.register(async (instance) => {
    scope = instance
    instance.decorate('users', [] as never)
    instance.register(fastifyUsers, { users: memory(), strategy: jwt({ secret }), backends: [bearer()], passwords: cheapHashes, decorators: { users: 'accounts', authenticate: 'loggedIn' } })
    instance.register(async (instance) => { inner = instance }, { prefix: '/inner' })
  }, { prefix: '/staff' })
  await t.rejects(createUser(app), { message: 'fastify-users is not in this app. If it was registered in a scope inside of it, hand over that scope' })
  t.match(await loginAs(inner, await createUser(scope)), { authorization: /^Bearer / })

  const late = Fastify()
  t.after(async () => { await late.close() })
  late.register(fastifyUsers, { users: memory(), strategy: opaque(), backends: [bearer()], passwords: cheapHashes })
  t.match(await createUser(late), { isActive: true }, 'it is waited for')
})

t.test('two registrations in one app: that of the scope', async (t) => {
  const app = Fastify()
  t.after(async () => { await app.close() })
  const scopes: FastifyInstance[] = []
  for (const prefix of ['/staff', '/customers']) {
    app.register(async (scope) => {
      scopes.push(scope)
      await scope.register(fastifyUsers, { users: memory(), strategy: opaque(), backends: [bearer()], passwords: cheapHashes })
    }, { prefix })
  }
  await app.ready()
  const [staff, customers] = scopes as [FastifyInstance, FastifyInstance]
  const ann = await createUser(staff)
  await loginAs(staff, ann)
  await t.rejects(loginAs(customers, ann), { code: 'LOGIN_BAD_CREDENTIALS', message: /^POST \/customers\/login\/bearer / })
})

t.test('testMailer: what was mailed, and the token in it', async (t) => {
  const mailer = testMailer()
  const app = await appWith(t, { routes: { verify: true, reset: true }, mails: { mailer, baseUrl: 'https://app.example' } })
  const [ann, bo] = [await createUser(app), await createUser(app)]
  for (const { email } of [ann, bo]) await app.inject({ method: 'POST', url: '/auth/forgot-password', payload: { email } })

  const toBo = await mailer.next({ to: bo.email })
  const toAnn = await mailer.next()
  t.equal(toAnn.to, ann.email)
  t.equal(toBo.link, `https://app.example/reset-password#token=${toBo.token}`)
  const waiting = mailer.next({ to: bo.email })
  t.equal((await app.inject({ method: 'POST', url: '/auth/reset-password', payload: { token: toBo.token, password: 'staple battery horse' } })).statusCode, 200)
  t.match(await waiting, { to: bo.email, subject: /was changed/, link: null, token: null })
  t.equal(mailer.mails.length, 3, 'all mails stay')
})

t.test('testMailer: waits for the mail that is wanted, and not for ever', async (t) => {
  const mailer = testMailer()
  const { signal } = new AbortController()
  const send = async (to: string, text: string, html?: string): Promise<void> => { await mailer.send({ to, subject: 'Hello', text, html }, signal) }

  const waiting = mailer.next({ to: 'bo@example.com' })
  await send('ann@example.com', 'no link')
  await send('bo@example.com', 'Open (https://app.example/verify#token=fu-verify.a%2Bb).')
  t.match(await waiting, { link: 'https://app.example/verify#token=fu-verify.a%2Bb', token: 'fu-verify.a+b' })
  await t.rejects(mailer.next({ to: 'bo@example.com', timeoutMs: 5 }), { message: 'No mail to bo@example.com came within 5 ms. Not taken yet: "Hello" to ann@example.com' })
  t.match(await mailer.next(), { to: 'ann@example.com', token: null })
  await t.rejects(mailer.next({ timeoutMs: 5 }), { message: 'No mail came within 5 ms. Not taken yet: none' })
  await send('bo@example.com', 'See the other form.', '<a href="https://app.example/verify#token=abc">Open</a>')
  t.match(await mailer.next(), { link: 'https://app.example/verify#token=abc', token: 'abc' })
})

t.test('testClock: stands still until it is advanced', async (t) => {
  const clock = testClock(Date.UTC(2030, 0, 1))
  const app = await appWith(t, { clock, strategy: jwt({ secret, lifetimeSeconds: 3600 }) })
  const ann = await createUser(app)
  t.equal(ann.createdAt, '2030-01-01T00:00:00.000Z')
  const headers = await loginAs(app, ann, { backend: 'bearer' })
  clock.advanceSeconds(3599.5)
  t.equal(clock(), Date.UTC(2030, 0, 1, 0, 59, 59, 500))
  t.equal((await app.inject({ url: '/me', headers })).statusCode, 200)
  clock.advanceSeconds(0.5)
  t.equal((await app.inject({ url: '/me', headers })).statusCode, 401)
  t.ok(Math.abs(testClock()() - Date.now()) < 10_000)
})

t.test('nothing of it works in production', async (t) => {
  const app = await appWith(t)
  const ann = await createUser(app)
  const before = process.env.NODE_ENV
  t.teardown(() => { if (before === undefined) delete process.env.NODE_ENV; else process.env.NODE_ENV = before })
  process.env.NODE_ENV = 'production'
  const refused = (what: string): { code: string, message: string } => ({ code: 'FST_USERS_BAD_OPTIONS', message: `${what} of fastify-users/testing is for tests alone: it refuses to work where NODE_ENV is production` })
  await t.rejects(createUser(app), refused('createUser()'))
  await t.rejects(loginAs(app, ann), refused('loginAs()'))
  t.throws(() => testMailer(), refused('testMailer()'))
  t.throws(() => testClock(), refused('testClock()'))
  const hashes = Fastify()
  t.after(async () => { await hashes.close() })
  hashes.register(fastifyUsers, { users: memory(), strategy: opaque(), backends: [bearer()], passwords: cheapHashes })
  await t.rejects(async () => { await hashes.ready() }, { message: /options\.passwords\.memoryCost and timeCost are below what OWASP advises/ })
})

t.test('the contract suites compare what objects hold, and not whose they are: some runners give tests globals of their own', async (t) => {
  const toForeign = runInNewContext('(text) => JSON.parse(text)') as (text: string) => unknown
  const foreign = <T extends object>(real: T): T => new Proxy(real, {
    get (target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return typeof member === 'object' && member !== null ? foreign(member) : member
      return (...args: unknown[]) => {
        const answer: unknown = Reflect.apply(member, target, args)
        return typeof answer === 'object' && answer !== null ? toForeign(JSON.stringify(answer)) : answer
      }
    }
  })
  t.not(Object.getPrototypeOf(toForeign('{}')), Object.prototype, 'they are foreign')
  const cases = [...userStoreContract(() => foreign(memory())), ...sessionStoreContract(() => foreign(memorySessions()))]
  for (const { name, run } of cases) await t.resolves(run(), name)
})
