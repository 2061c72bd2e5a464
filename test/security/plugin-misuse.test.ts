import fastifyAuth from '@fastify/auth'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import t from 'tap'
import fastifyUsers, { bearer, cookie, jwt, memory, type FastifyUsersOptions, type GuardOptions, type Session, type Strategy, type StoredUser, type UserStore } from '../../lib/index.js'
import { aPassword, briefly, everyRoute, outcome, postOffice, send, stranger } from '../helpers/accounts.js'
import { ann, appWith, cheap, login, options, refusal, secret } from '../helpers/app.js'
import { captureLog } from '../helpers/smtp.js'

t.test('an id that is no text is nobody\'s, whatever the database would make of it', async (t) => {
  const store = memory()
  const strict: UserStore = { ...store, findById: (id) => { if (typeof id !== 'string' || id === '' || id.includes('\0')) throw new TypeError('asked'); return store.findById(id) } }
  const app = await appWith(t, { users: strict })
  for (const id of [0, 1, null, undefined, {}, [], true, '', 'x\0'] as unknown as string[]) {
    t.equal(await app.users.get(id), null)
    t.equal(await app.users.remove(id), false)
    t.equal(await app.users.revokeSessions(id), false)
    await t.rejects(app.users.update(id, {}), { code: 'USER_NOT_FOUND' })
    t.equal(await app.users.getByEmail(id), null)
  }
  t.ok(await app.users.getByEmail(ann.email))
})

t.test('an address that cannot be one is nobody\'s, and no database is asked for it', async (t) => {
  const store = memory()
  const asked: string[] = []
  const app = await appWith(t, { users: { ...store, findByEmail: (key) => { asked.push(key); return store.findByEmail(key) } }, routes: everyRoute })
  asked.length = 0
  for (const email of ['', 'ann', 'ann@', 'ann\0@example.com', 'ann@example.com\0', 'ann @example.com', 'ann@exa mple.com', '\u202eann@example.com', `${'x'.repeat(65)}@example.com`, 'ann@bücher.example']) {
    t.equal(await app.users.getByEmail(email), null, JSON.stringify(email))
    t.equal(await app.users.authenticate(email, ann.password), null)
    await app.users.forgotPassword(email)
    t.match(await outcome(app, stranger, 'POST', '/login/bearer', { username: email, password: ann.password }), /^400 /)
  }
  t.strictSame(asked, [])
  t.ok(await app.users.authenticate(ann.email, ann.password))
  t.strictSame(asked, [ann.email])
})

t.test('a backend for verified users asks at each request, of sessions of every origin', async (t) => {
  const app = await appWith(t, { backends: [cookie({ requireVerified: true }), bearer()] })
  const user = await app.users.create({ email: 'bob@example.com', password: ann.password, isVerified: true })
  const bob = { email: 'bob@example.com', password: ann.password }
  const [strict, lax] = [await login(app, 'cookie', bob), await login(app, 'bearer', bob)]
  await app.users.update(user.id, { isVerified: false })
  t.equal((await app.inject({ ...strict, url: '/me' })).statusCode, 401)
  t.equal((await app.inject({ ...lax, url: '/me' })).statusCode, 200)
})

t.test('logging out holds by a clock that is hours behind, or stands still in the past', async (t) => {
  for (const clock of [() => Date.now() - 7_200_000, () => Date.UTC(2001, 0)]) {
    const app = await appWith(t, { clock })
    const credential = await login(app, 'bearer')
    t.equal((await app.inject({ ...credential, method: 'POST', url: '/logout/bearer' })).statusCode, 200)
    t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401)
  }
})

t.test('what is missing on both sides is no match', async (t) => {
  for (const session of [true, {}, 'x', [], { userId: undefined }, { userId: undefined, epoch: 0 }, { userId: 'x', epoch: undefined }, { userId: 'x', epoch: NaN }] as unknown as Session[]) {
    const strategy: Strategy = { lifetimeSeconds: 60, start: () => ({ issue: () => ({ token: 'x', session }), verify: () => ({ session }), revoke: () => {} }) }
    const store = memory()
    const lax: UserStore = { ...store, findById: () => ({ isActive: true, id: session.userId, sessionEpoch: session.epoch, fields: {} }) as unknown as StoredUser }
    const app = await appWith(t, { strategy, users: lax, backends: [bearer()] })
    t.equal((await app.inject({ url: '/me', headers: { authorization: 'Bearer x' } })).statusCode, 401, JSON.stringify(session))
  }
})

t.test('a store that says undefined for nobody is understood', async (t) => {
  const store = memory()
  const loose = { ...store, findById: (id: string) => store.findById(id) ?? undefined, findByEmail: (key: string) => store.findByEmail(key) ?? undefined } as unknown as UserStore
  const app = await appWith(t, { users: loose })
  const { id } = await app.users.create({ email: 'bob@example.com', password: ann.password })
  const credential = await login(app, 'bearer', { email: 'bob@example.com', password: ann.password })
  await app.users.remove(id)
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401)
  t.equal((await app.inject({ method: 'POST', url: '/login/bearer', payload: { email: 'bob@example.com', password: 'x' } })).statusCode, 400)
  t.equal(await app.users.get(id), null)
  await t.rejects(app.users.update(id, {}), { code: 'USER_NOT_FOUND' })
})

t.test('guards in a row agree on the user, or nobody passes', async (t) => {
  const app = await appWith(t, {}, {
    routes: async (app) => {
      await app.register(fastifyAuth)
      const [byBearer, byCookie] = [app.authenticate({ backends: ['bearer'] }), app.authenticate({ backends: ['cookie'] })]
      app.get('/both', { preHandler: [byBearer, byCookie] }, async ({ user }) => user.email)
      app.get('/kept', { preHandler: [byBearer, app.authenticate({ optional: true, backends: ['cookie'] })] }, async ({ user }) => user.email)
      app.get('/all', { preHandler: app.auth([byBearer, app.authenticate({ superuser: true })], { run: 'all' }) }, async ({ user }) => user.email)
    }
  })
  await app.users.create({ email: 'bob@example.com', password: ann.password })
  const { headers } = await login(app, 'bearer')
  const own = (await login(app, 'cookie')).cookies as Record<string, string>
  const other = (await login(app, 'cookie', { email: 'bob@example.com', password: ann.password })).cookies as Record<string, string>
  t.equal((await app.inject({ url: '/both', headers: { ...headers }, cookies: own })).body, ann.email)
  t.match((await app.inject({ url: '/both', headers: { ...headers }, cookies: other })).json(), { statusCode: 400, code: 'AMBIGUOUS_CREDENTIALS' })
  t.equal((await app.inject({ url: '/kept', headers: { ...headers } })).body, ann.email, 'an optional guard that finds nobody forgets nobody')
  t.equal((await app.inject({ url: '/all', headers: { ...headers } })).body, ann.email, 'nor does one that refuses')
})

t.test('a request that cannot be told its user is refused, not left hanging', async (t) => {
  const store = memory()
  for (const users of [store, { ...store, findById: async (id: string) => await store.findById(id) }]) {
    const app = Fastify()
    t.after(async () => { await app.close() })
    app.decorateRequest('user', { getter: () => { return null as never } })
    await app.register(fastifyUsers, options({ users }))
    app.get('/me', { preHandler: app.authenticate() }, async () => 'in')
    await app.users.create({ ...ann, email: `${Math.random()}@example.com` }).then(async ({ email }) => {
      t.equal((await app.inject({ ...await login(app, 'bearer', { ...ann, email }), url: '/me' })).statusCode, 503)
    })
  }
})

t.test('who may do nothing else may still leave', async (t) => {
  const app = await appWith(t, {}, { routes: (app) => { app.addHook('onRequest', app.authenticate({ superuser: true })) } })
  const credential = await login(app, 'bearer')
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 403)
  t.equal((await app.inject({ ...credential, method: 'POST', url: '/logout/bearer' })).statusCode, 200)
  t.equal((await app.inject({ ...credential, method: 'POST', url: '/logout/bearer' })).statusCode, 401)

  const everywhere = await appWith(t, {}, { routes: (app) => { app.addHook('onRequest', app.authenticate()) } })
  await everywhere.users.create({ email: 'bob@example.com', password: ann.password })
  const { cookies } = await login(everywhere, 'cookie', { email: 'bob@example.com', password: ann.password })
  const two = { ...await login(everywhere, 'bearer'), cookies: cookies as Record<string, string> }
  t.equal((await everywhere.inject({ ...two, method: 'POST', url: '/logout/bearer' })).statusCode, 200, 'also beside somebody else\'s cookie')
  t.equal((await everywhere.inject({ headers: two.headers as Record<string, string>, url: '/me' })).statusCode, 401)
})

t.test('a hook that fails, and an end of the session that fails with it, tell the client nothing', async (t) => {
  const store = memory()
  const users: UserStore = { ...store, revocations: { isRevoked: () => false, revoke: () => { throw Object.assign(new Error('redis://:pw@host'), { statusCode: 400 }) } } }
  const app = await appWith(t, { users, hooks: { onAfterLogin: () => { throw new Error('first') } } })
  const reply = await app.inject({ method: 'POST', url: '/login/cookie', payload: ann })
  t.match(reply.json(), { statusCode: 503, code: 'FST_USERS_UNAVAILABLE' })
  t.match(reply.headers['set-cookie'], /Max-Age=0/)

  const thrown = await appWith(t, { hooks: { onLoginFailed: () => { throw null } } }) // eslint-disable-line no-throw-literal -- applications do
  const odd = await thrown.inject({ method: 'POST', url: '/login/cookie', payload: { ...ann, password: 'x' } })
  t.equal(odd.statusCode, 500)
})

t.test('what a hook throws is told to the client if it is meant for it: not as a 503 of ours', async (t) => {
  const app = await appWith(t, { hooks: { onAfterLogin: () => { throw Object.assign(new Error('redis://:pw@host is down'), { statusCode: 503, code: 'ECONNREFUSED' }) } } })
  const reply = await app.inject({ method: 'POST', url: '/login/cookie', payload: ann })
  t.match(reply.json(), { statusCode: 500, code: 'FST_USERS_INTERNAL' })
  t.notOk(reply.body.includes('pw@host'))
})

t.test('an error has these members, and no others', async (t) => {
  const app = await appWith(t, { routes: everyRoute, passwords: { ...cheap, concurrency: 1, queueLimit: 1 } })
  const flood = await Promise.all(Array.from({ length: 8 }, () => app.inject({ method: 'POST', url: '/login/bearer', payload: ann })))
  const replies = [
    ...flood.filter(({ statusCode }) => statusCode === 503),
    await app.inject({ method: 'POST', url: '/login/bearer', payload: { ...ann, password: 'wrong' } }),
    await app.inject({ method: 'POST', url: '/login/bearer', payload: { ...ann, password: 7 } }),
    await app.inject({ method: 'POST', url: '/login/bearer', payload: '{', headers: { 'content-type': 'application/json' } }),
    await app.inject({ method: 'POST', url: '/login/bearer', payload: 'x', headers: { 'content-type': 'text/plain' } }),
    await app.inject({ method: 'POST', url: '/login/cookie', payload: ann, headers: { origin: 'https://evil.example' } }),
    await app.inject({ method: 'POST', url: '/register', payload: { email: 'eve@example.com', password: 'password' } }),
    await app.inject('/users/me'),
    await app.inject({ url: '/users', ...await login(app, 'bearer') }),
    await app.inject({ url: '/users/me', headers: { cookie: 'fastifyusersauth=x; fastifyusersauth=y' } })
  ]
  t.strictSame([...new Set(replies.map(({ statusCode }) => statusCode))].sort(), [400, 401, 403, 415, 503])
  for (const reply of replies) t.strictSame(Object.keys(reply.json()).filter((name) => !['statusCode', 'code', 'error', 'message', 'reason'].includes(name)), [], reply.body)
})

t.test('hashes whose cost nobody can bear are not imported', async (t) => {
  const app = await appWith(t)
  for (const passwordHash of [
    '$argon2id$v=19$m=1048576,t=3,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
    '$argon2id$v=19$m=4096,t=999,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
    '$argon2id$v=19$m=4,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
    '$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
    '$argon2id$v=19$m=999,t=1,p=17$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
    '$argon2id$v=19$m=128,t=8192,p=16$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
    '$argon2id$v=19$m=128,t=513,p=2$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
    '$argon2id$v=19$m=8,t=1,p=1$A$A',
    '$scrypt$ln=20,r=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg',
    '$scrypt$ln=10,r=8,p=17$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg'
  ]) await t.rejects(app.users.create({ email: 'bob@example.com', passwordHash }), { code: 'FST_USERS_INVALID_USER' }, passwordHash)

  for (const [index, passwordHash] of ['$argon2id$v=19$m=128,t=512,p=2$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA', '$argon2id$v=19$m=104,t=9999,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA'].entries()) {
    t.ok(await app.users.create({ email: `${index}@example.com`, passwordHash }), passwordHash)
  }
})

t.test('addresses that are one are one', async (t) => {
  const app = await appWith(t)
  for (const [one, other] of [['J\u030c@x.de', 'ǰ@x.de'], ['ZOE\u0308@x.de', 'zoë@x.de']] as const) {
    await app.users.create({ email: one, password: ann.password })
    await t.rejects(app.users.create({ email: other }), { code: 'REGISTER_USER_ALREADY_EXISTS' })
    t.ok(await app.users.authenticate(other, ann.password))
  }
  for (const email of ['ann@\u017fite.com', `${'\u0130'.repeat(60)}@x.de`]) await t.rejects(app.users.create({ email }), { code: 'FST_USERS_INVALID_USER' })
})

t.test('what an address is, a route and app.users tell alike', async (t) => {
  const app = await appWith(t, { routes: everyRoute, ...postOffice().options })
  for (const email of ['jörg@example.com', '東京@example.com', 'root@localhost', 'a..b@example.com', 'a@b@c', 'ann@example.com\0', 'ann@bücher.example', `${'x'.repeat(65)}@example.com`]) {
    const isOne = await app.users.create({ email }).then(({ id }) => app.users.remove(id), () => false)
    t.equal(await outcome(app, stranger, 'POST', '/register', { email, password: aPassword('new') }), isOne ? '201' : '400 FST_ERR_VALIDATION', JSON.stringify(email))
  }
})

t.test('one jwt(), one store, two registrations: a backend that asks for more is not entered by the other\'s token', async (t) => {
  const [users, strategy] = [memory(), jwt({ secret })]
  const site = await appWith(t, { users, strategy, backends: [cookie()] })
  const admin = await appWith(t, { users, strategy, backends: [cookie({ requireVerified: true })] }, { seed: false })
  const credential = await login(site, 'cookie')
  t.equal((await site.inject({ ...credential, url: '/me' })).statusCode, 200)
  t.equal((await admin.inject({ ...credential, url: '/me' })).statusCode, 401)
})

t.test('fields that are no JSON schema do not start', async (t) => {
  t.match(await refusal({ fields: { type: 'object', properties: { a: { type: 'strnig' } } } }), /options\.fields is no JSON schema: .*properties\/a\/type/)
  const fields = { $id: 'fields', type: 'object', properties: { a: { type: 'string' } } } as const
  for (let i = 0; i < 2; i++) t.equal(await refusal({ fields }), 'it starts', 'the same $id in two registrations')
})

type Done = (error?: Error) => void
type Hook = (request: FastifyRequest, reply: FastifyReply, done: Done) => unknown

/** Ways to write a hook that calls a guard. The app is there only when the options are written already. */
const ways: Readonly<Record<string, (app: () => FastifyInstance, guard: GuardOptions) => Hook>> = {
  'a callback': (app, guard) => (request, reply, done) => { app().authenticate(guard)(request, reply, done) },
  async: (app, guard) => async (request, reply) => { await asked(app(), guard, request, reply) },
  'a promise': (app, guard) => (request, reply) => asked(app(), guard, request, reply)
}

function asked (app: FastifyInstance, guard: GuardOptions, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  return new Promise((resolve, reject) => { app.authenticate(guard)(request, reply, (error) => { if (error === undefined) resolve(); else reject(error) }) })
}

for (const [way, hookOf] of Object.entries(ways)) {
  for (const name of ['onRequest', 'preValidation', 'preHandler'] as const) {
    t.test(`a guard that the app adds to a route of ours counts there: ${way}, ${name}`, async (t) => {
      const by = (guard: GuardOptions) => ({ [name]: hookOf(() => app, guard) as never })
      const app: FastifyInstance = await appWith(t, {
        routes: everyRoute,
        routeOptions: { register: by({ superuser: true }), getMe: by({ verified: true }), updateMe: { preHandler: [ways.async?.(() => app, { optional: true }) as never] } }
      })
      const root = { email: 'root@example.com', password: aPassword('root') }
      await app.users.create({ ...root, isSuperuser: true, isVerified: true })
      const [asAnn, asRoot] = [await login(app, 'bearer'), await login(app, 'bearer', root)]
      const body = { email: 'bob@example.com', password: aPassword('bob') }
      t.equal(await outcome(app, stranger, 'POST', '/register', body), '401 UNAUTHORIZED')
      t.equal(await outcome(app, asAnn, 'POST', '/register', body), '403 FORBIDDEN')
      t.equal(await app.users.getByEmail(body.email), null)
      t.equal(await outcome(app, asRoot, 'POST', '/register', body), '201')
      t.equal(await outcome(app, asAnn, 'GET', '/users/me'), '403 USER_NOT_VERIFIED')
      t.equal(await outcome(app, asRoot, 'GET', '/users/me'), '200')
      t.equal(await outcome(app, asAnn, 'PATCH', '/users/me', {}), '200')
    })
  }
}

t.test('a guard on the whole app shuts none of our doors, also behind a hook of the very route', async (t) => {
  const hooks: Readonly<Record<string, unknown>> = {
    none: undefined,
    callback: (_request: unknown, _reply: unknown, done: Done) => { done() },
    async: async () => {},
    promise: () => Promise.resolve(),
    thenable: () => ({ then: (resolve: () => void) => { resolve() } })
  }
  for (const [how, hook] of Object.entries(hooks)) {
    const added = { onRequest: hook, preValidation: hook } as object
    const app = await appWith(t, { routes: everyRoute, routeOptions: { login: added, register: added, forgotPassword: added } }, {
      routes: (app) => {
        for (const name of ['onRequest', 'preHandler'] as const) app.addHook(name, app.authenticate({ superuser: true }))
      }
    })
    t.equal(await outcome(app, stranger, 'POST', '/register', { email: 'bob@example.com', password: aPassword('bob') }), '201', how)
    t.equal(await outcome(app, stranger, 'POST', '/forgot-password', { email: 'bob@example.com' }), '202', how)
    t.equal(await outcome(app, await login(app, 'bearer'), 'GET', '/me'), '403 FORBIDDEN', how)
  }
})

t.test('a hook of a route that refuses, in whatever way, is the end of it', async (t) => {
  const no = Object.assign(new Error('No.'), { statusCode: 418, code: 'NO' })
  const reply = (reply: FastifyReply): FastifyReply => reply.code(418).send({ code: 'NO' })
  const hooks: Readonly<Record<string, unknown>> = {
    'calls done with an error': (_request: unknown, _reply: unknown, done: Done) => { done(no) },
    throws: () => { throw no },
    'throws, given done': (_request: unknown, _reply: unknown, _done: Done) => { throw no },
    rejects: async () => { throw no },
    'replies, and never calls done': (_request: unknown, answer: FastifyReply, _done: Done) => { reply(answer) },
    'replies, and is not given done': (_request: unknown, answer: FastifyReply) => { reply(answer) },
    'replies, and returns that': async (_request: unknown, answer: FastifyReply) => reply(answer)
  }
  for (const [how, hook] of Object.entries(hooks)) {
    for (const name of ['onRequest', 'preValidation', 'preHandler'] as const) {
      const app = await appWith(t, { routes: everyRoute, routeOptions: { register: { [name]: hook as never } } }, {
        // A reply that takes a moment to leave is one all the same.
        before: (app) => { app.addHook('onSend', async () => { await new Promise((resolve) => setImmediate(resolve)) }) },
        routes: (app) => { app.addHook('preHandler', app.authenticate()) }
      })
      t.equal(await outcome(app, stranger, 'POST', '/register', { email: 'bob@example.com', password: aPassword('bob') }), '418 NO', `${name}: ${how}`)
      t.equal(await app.users.getByEmail('bob@example.com'), null, `${name}: ${how}`)
      t.equal(await outcome(app, await login(app, 'bearer'), 'GET', '/me'), '200')
    }
  }
})

t.test('what is no hook is refused, in Fastify\'s words', async (t) => {
  for (const name of ['onRequest', 'preValidation', 'preHandler']) {
    t.match(await refusal({ routeOptions: { login: { [name]: async (_request: unknown, _reply: unknown, _done: unknown) => {} } } }), 'FST_ERR_HOOK_INVALID_ASYNC_HANDLER')
    t.match(await refusal({ routeOptions: { login: { [name]: 'authenticate' } } }), 'FST_ERR_HOOK_INVALID_HANDLER')
    t.match(await refusal({ routeOptions: { login: { [name]: [null] } } }), 'FST_ERR_HOOK_INVALID_HANDLER')
  }
})

t.test('whose request it is at a route of ours, its own guard says', async (t) => {
  const bob = { email: 'bob@example.com', password: ann.password }
  for (const name of ['onRequest', 'preHandler'] as const) {
    for (const who of [ann, bob]) {
      const app = await appWith(t, { routes: everyRoute }, { routes: (app) => { app.addHook(name, app.authenticate()) } })
      await app.users.create(bob)
      const [byCookie, byBearer] = [await login(app, 'cookie', who), await login(app, 'bearer')]
      const both = { headers: { ...byCookie.headers, ...byBearer.headers }, cookies: byCookie.cookies as Record<string, string> }
      t.equal(await outcome(app, both, 'POST', '/logout/bearer'), '200')
      t.equal(await outcome(app, byBearer, 'GET', '/users/me'), '401 UNAUTHORIZED', `${name}: the session that was to end has ended`)
      t.equal(await outcome(app, byCookie, 'GET', '/users/me'), '200', 'and no other')
    }
  }
  const app: FastifyInstance = await appWith(t, { routes: everyRoute, routeOptions: { updateMe: { preHandler: ways.async?.(() => app, { backends: ['bearer'] }) as never } } })
  await app.users.create(bob)
  const [{ cookies }, { headers }] = [await login(app, 'cookie', bob), await login(app, 'bearer')]
  t.equal(await outcome(app, { cookies, headers } as object, 'PATCH', '/users/me', {}), '400 AMBIGUOUS_CREDENTIALS', 'a guard of the route itself must have found the same user')
})

t.test('where accounts are concealed, whoever has just registered cannot tell by a login', async (t) => {
  for (const [concealAccounts, code] of [[true, 'LOGIN_BAD_CREDENTIALS'], [false, 'LOGIN_USER_NOT_VERIFIED']] as const) {
    const app = await appWith(t, { ...postOffice().options, routes: everyRoute, concealAccounts, backends: [cookie({ requireVerified: true }), bearer({ requireVerified: true })] })
    for (const backend of ['cookie', 'bearer']) {
      const answer = async (password: string) => await send(app, stranger, 'POST', `/login/${backend}`, { email: ann.email, password })
      const [right, wrong] = [await answer(ann.password), await answer(aPassword('wrong'))]
      t.equal(briefly(right), `400 ${code}`)
      t.equal(right.body === wrong.body, concealAccounts)
      t.strictSame(Object.keys(right.headers), Object.keys(wrong.headers))
    }
    await app.users.update((await app.users.getByEmail(ann.email))?.id as string, { isVerified: true })
    t.ok(await login(app, 'bearer'))
  }
})

t.test('what tells who has an account, although that is to be concealed, is told at the start', async (t) => {
  const backend = (name: string): string => `fastify-users: concealAccounts conceals little while backend ${name} lacks requireVerified: whoever has registered an address logs in if it was new`
  const emails = 'fastify-users: concealAccounts conceals little without confirmEmailChange: whoever is logged in learns which addresses are taken'
  const warnings = async (given: Partial<FastifyUsersOptions>): Promise<string[]> => {
    const { log, lines } = captureLog()
    await appWith(t, { ...postOffice().options, ...given }, { server: { loggerInstance: log }, seed: false })
    return lines.filter(({ level }) => level === 40).map(({ msg }) => msg)
  }
  const routes = { register: true, verify: true, me: true }
  const strict = [cookie({ requireVerified: true }), bearer({ requireVerified: true })]
  t.strictSame(await warnings({ routes, concealAccounts: true }), [backend('cookie'), backend('bearer'), emails])
  t.strictSame(await warnings({ routes, concealAccounts: true, backends: [cookie(), bearer({ requireVerified: true })], confirmEmailChange: true }), [backend('cookie')])
  t.strictSame(await warnings({ routes, concealAccounts: true, backends: strict }), [emails])
  t.strictSame(await warnings({ routes, concealAccounts: true, backends: strict, confirmEmailChange: true }), [])
  t.strictSame(await warnings({ routes: { ...routes, me: false }, concealAccounts: true, backends: strict }), [])
  t.strictSame(await warnings({ routes }), [])
})

t.test('a readOnly inside a field protects nothing, and does not start', async (t) => {
  const inside = { type: 'object', properties: { plan: { type: 'string', readOnly: true } } }
  const problem = 'FST_USERS_BAD_OPTIONS: options.fields.properties.settings has a readOnly inside, which protects nothing: only a whole field can be readOnly'
  for (const settings of [inside, { type: 'array', items: inside }, { ...inside, readOnly: true }, { anyOf: [{ type: 'string', readOnly: true }] }]) {
    t.equal(await refusal({ fields: { type: 'object', properties: { settings } } }), problem)
  }
  for (const settings of [{ type: 'string', readOnly: true }, { ...inside, properties: { plan: { readOnly: false } } }, true, {}]) {
    t.equal(await refusal({ fields: { type: 'object', properties: { settings } } }), 'it starts')
  }
})

t.test('a field cannot pass for a member of a login\'s reply', async (t) => {
  for (const name of ['access_token', 'token_type', 'expires_in', 'refresh_token']) {
    t.equal(await refusal({ fields: { type: 'object', properties: { [name]: { type: 'string' } } } }), `FST_USERS_BAD_OPTIONS: options.fields.properties.${name} is a name that every user has already`)
  }
})

t.test('an error quotes no name that the client chose', async (t) => {
  const app = await appWith(t, { routes: everyRoute, fields: { type: 'object', properties: { settings: { type: 'object', additionalProperties: { type: 'string', maxLength: 3 } }, tags: { type: 'array', items: { type: 'string' } } } } })
  const me = await login(app, 'bearer')
  for (const [body, message] of [
    [{ settings: { 'eve@example.com': 'too long' } }, 'body/settings must NOT have more than 3 characters'],
    [{ settings: { '/eve@example.com/': { 'eve@example.com': 1 } } }, 'body/settings must be string'],
    [{ settings: 7 }, 'body/settings must be object'],
    [{ tags: ['a', 7] }, 'body/tags must be string'],
    [[], 'body must be object']
  ] as const) {
    const reply = await send(app, me, 'PATCH', '/users/me', body)
    t.match(reply.json(), { statusCode: 400, code: 'FST_ERR_VALIDATION', message })
    t.notMatch(reply.body, 'eve@example.com')
  }
})
