import fastifyAuth from '@fastify/auth'
import Fastify from 'fastify'
import t from 'tap'
import fastifyUsers, { bearer, cookie, jwt, memory, type Session, type Strategy, type StoredUser, type UserStore } from '../../lib/index.js'
import { ann, appWith, login, options, refusal, secret } from '../helpers/app.js'

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
  for (const session of [true, {}, 'x', [], { userId: undefined }, { userId: 'x', epoch: undefined }, { userId: 'x', epoch: NaN }] as unknown as Session[]) {
    const strategy: Strategy = { lifetimeSeconds: 60, start: () => ({ issue: () => ({ token: 'x', session }), verify: () => session, revoke: () => {} }) }
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

t.test('hashes whose cost nobody can bear are not imported', async (t) => {
  const app = await appWith(t)
  for (const passwordHash of [
    '$argon2id$v=19$m=1048576,t=3,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
    '$argon2id$v=19$m=4096,t=999,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
    '$argon2id$v=19$m=4,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
    '$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
    '$argon2id$v=19$m=999,t=1,p=17$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
    '$argon2id$v=19$m=8,t=1,p=1$A$A',
    '$scrypt$ln=20,r=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg',
    '$scrypt$ln=10,r=8,p=17$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg'
  ]) await t.rejects(app.users.create({ email: 'bob@example.com', passwordHash }), { code: 'FST_USERS_INVALID_USER' }, passwordHash)
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
