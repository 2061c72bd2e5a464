import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import t from 'tap'
import { bearer, cookie, memory, type FailedLogin, type RevocationStore, type User, type UserStore } from '../../lib/index.js'
import { ann, appWith, login, sameOrigin, type Prepare } from '../helpers/app.js'

const compilers: Record<string, Prepare> = {
  'Fastify\'s own compilers': () => {},
  'TypeBox\'s compiler': (app) => { app.setValidatorCompiler(TypeBoxValidatorCompiler) },
  'Zod\'s compilers': (app) => { app.setValidatorCompiler(validatorCompiler).setSerializerCompiler(serializerCompiler) }
}

const badCredentials = { statusCode: 400, code: 'LOGIN_BAD_CREDENTIALS', error: 'Bad Request', message: 'The user name or the password is wrong.' }

for (const [name, before] of Object.entries(compilers)) {
  t.test(`the whole walk, under ${name}`, async (t) => {
    const app = await appWith(t, {}, { before })

    for (const backend of ['cookie', 'bearer']) {
      t.equal((await app.inject('/me')).statusCode, 401, `${backend}: before`)
      const credential = await login(app, backend)
      const me = await app.inject({ ...credential, url: '/me' })
      t.equal(me.statusCode, 200, `${backend}: logged in`)
      t.match(me.json(), { email: ann.email, isActive: true, isVerified: false, isSuperuser: false, id: /^[0-9a-f-]{36}$/, createdAt: /Z$/ })
      t.strictSame(Object.keys(me.json()).sort(), ['createdAt', 'email', 'id', 'isActive', 'isSuperuser', 'isVerified', 'updatedAt'], 'no hash, and nothing that is our own business')

      const out = await app.inject({ ...credential, method: 'POST', url: `/logout/${backend}` })
      t.equal(out.statusCode, 200, `${backend}: logged out`)
      t.strictSame(out.json(), {})
      t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401, `${backend}: the old credential is dead`)
      t.equal((await app.inject({ ...credential, method: 'POST', url: `/logout/${backend}` })).statusCode, 401, `${backend}: so is its log-out`)
    }
  })

  t.test(`strict input, under ${name}`, async (t) => {
    const app = await appWith(t, {}, { before })
    const send = async (payload: unknown, type = 'application/json'): Promise<[number, string]> => {
      const reply = await app.inject({ method: 'POST', url: '/login/bearer', headers: { 'content-type': type }, payload: typeof payload === 'string' ? payload : JSON.stringify(payload) })
      return [reply.statusCode, (reply.json() as { code: string }).code]
    }

    for (const value of [123, null, true, [ann.password], { $ne: null }, '', 'x'.repeat(1025), '\ud800']) {
      t.strictSame(await send({ email: ann.email, password: value }), [400, 'FST_ERR_VALIDATION'], `password ${JSON.stringify(value).slice(0, 20)}`)
    }
    for (const value of [123, null, true, [ann.email], { $ne: null }, '', 'x'.repeat(321)]) {
      t.strictSame(await send({ email: value, password: ann.password }), [400, 'FST_ERR_VALIDATION'], `email ${JSON.stringify(value).slice(0, 20)}`)
    }
    for (const body of [{}, [], null, '"x"', { email: ann.email }, { password: ann.password }, { email: ann.email, username: ann.email, password: ann.password }, { ...ann, remember: 'yes' }, { ...ann, remember: 1 }]) {
      t.strictSame(await send(body), [400, 'FST_ERR_VALIDATION'], JSON.stringify(body))
    }
    t.match((await app.inject({ method: 'POST', url: '/login/bearer', payload: { password: 'x' } })).json(), { message: 'body must have either email or username' })
    t.match((await app.inject({ method: 'POST', url: '/login/bearer', payload: { email: 'x', password: 7 } })).json(), { message: 'body/password must be string' })
    t.strictSame(await send(''), [400, 'FST_ERR_CTP_EMPTY_JSON_BODY'])
    t.strictSame(await send('{"email":'), [400, 'FST_ERR_CTP_INVALID_JSON_BODY'])
    t.equal((await send(`{"__proto__":{"isSuperuser":true},"email":"${ann.email}","password":"x"}`))[0], 400)
    t.equal(({} as { isSuperuser?: boolean }).isSuperuser, undefined)
    t.strictSame(await send('x'.repeat(20_000)), [413, 'FST_ERR_CTP_BODY_TOO_LARGE'])

    for (const type of ['text/plain', 'multipart/form-data', 'application/jsonx', 'application/vnd.api+json', 'text/plain; application/json', 'application/json, text/plain']) {
      t.equal((await send(ann, type))[0], 415, type)
    }
    for (const type of ['application/json; charset=utf-16le', 'application/json; charset="utf-7"', 'application/x-www-form-urlencoded; charset=latin1']) {
      t.strictSame(await send(ann, type), [415, 'FST_USERS_BAD_CHARSET'], type)
    }
    t.equal((await send(ann, 'Application/JSON; charset=UTF-8'))[0], 200)
  })
}

t.test('a form logs in, as OAuth 2\'s password form does', async (t) => {
  const app = await appWith(t, { backends: [bearer(), cookie({ rememberSeconds: 100 })] })
  const form = async (body: string, url = '/login/bearer') => await app.inject({ method: 'POST', url, headers: { 'content-type': 'application/x-www-form-urlencoded', ...sameOrigin }, payload: body })
  const filled = `grant_type=password&username=ANN%40example.com&password=${ann.password.replaceAll(' ', '+')}&client_id=&client_secret=&scope=`

  t.match((await form(filled)).json(), { access_token: /^[\w-]+\.[\w-]+\.[\w-]+$/, token_type: 'bearer', expires_in: 3600 })
  t.match((await form(`${filled}&username=bob%40example.com`)).json(), { statusCode: 400, code: 'FST_USERS_BAD_FORM' }, 'a repeated field')
  t.match((await form('__proto__=x&constructor=y&username=a%40b.c&password=x')).json(), badCredentials, 'a field is just a field')
  t.match((await form(`${filled}&remember=on`, '/login/cookie')).headers['set-cookie'], /Max-Age=100;/)
  t.match((await form(`${filled}&remember=true`, '/login/cookie')).headers['set-cookie'], /Max-Age=100;/)
  t.equal((await form(`${filled}&remember=maybe`, '/login/cookie')).statusCode, 400)
})

t.test('every way to fail looks the same', async (t) => {
  const app = await appWith(t)
  const { id } = await app.users.create({ email: 'inactive@example.com', password: ann.password })
  await app.users.update(id, { isActive: false })
  await app.users.create({ email: 'passwordless@example.com', password: null })

  for (const body of [
    { email: 'unknown@example.com', password: ann.password },
    { email: ann.email, password: 'wrong' },
    { email: 'inactive@example.com', password: ann.password },
    { email: 'passwordless@example.com', password: 'null' },
    { email: 'not an address', password: ann.password },
    { email: `${ann.email}\0`, password: ann.password },
    { email: '\' or 1=1 --', password: ann.password },
    { email: ann.email, password: `${ann.password}\0x` },
    { email: ann.email, password: ` ${ann.password}` },
    { email: ann.email, password: ann.password.toUpperCase() }
  ]) {
    const reply = await app.inject({ method: 'POST', url: '/login/bearer', payload: body })
    t.strictSame(reply.json(), badCredentials, JSON.stringify(body))
    t.equal(reply.headers['set-cookie'], undefined)
    t.equal(reply.headers['cache-control'], 'no-store')
  }
  t.equal((await app.inject({ method: 'POST', url: '/login/bearer', payload: { email: `  ${ann.email.toUpperCase()} `, password: ann.password } })).statusCode, 200, 'case and blanks around are no difference')
})

t.test('a backend may let only verified users in, after the right password', async (t) => {
  const app = await appWith(t, { backends: [cookie(), bearer({ requireVerified: true })] })
  const attempt = async (password: string) => (await app.inject({ method: 'POST', url: '/login/bearer', payload: { email: ann.email, password } })).json()
  t.match(await attempt('wrong'), badCredentials)
  t.match(await attempt(ann.password), { statusCode: 400, code: 'LOGIN_USER_NOT_VERIFIED' })
  await login(app, 'cookie')
  const user = await app.users.getByEmail(ann.email)
  await app.users.update((user as User).id, { isVerified: true })
  t.match(await attempt(ann.password), { token_type: 'bearer' })
})

t.test('logging in ends the session that the browser had, planted or its own', async (t) => {
  const app = await appWith(t)
  const before = await login(app, 'cookie')
  const again = await app.inject({ ...before, method: 'POST', url: '/login/cookie', payload: ann })
  t.equal(again.statusCode, 200)
  t.equal((await app.inject({ ...before, url: '/me' })).statusCode, 401)
  const dead = await app.inject({ ...before, method: 'POST', url: '/login/cookie', payload: ann })
  t.equal(dead.statusCode, 200, 'a dead one is no hindrance')
  const bearerToken = await login(app, 'bearer')
  await app.inject({ ...bearerToken, method: 'POST', url: '/login/bearer', payload: ann })
  t.equal((await app.inject({ ...bearerToken, url: '/me' })).statusCode, 200, 'a bearer token is ended by nobody but its owner')
})

t.test('the hooks', async (t) => {
  const failures: FailedLogin[] = []
  const calls: string[] = []
  const ended: string[] = []
  const revocations: RevocationStore = { revoke: (id) => { ended.push(id) }, isRevoked: (id) => ended.includes(id) }
  let onAfterLogin: (user: User, request: FastifyRequest, reply: FastifyReply) => unknown = () => {}
  const app = await appWith(t, {
    users: { ...memory(), revocations },
    backends: [cookie(), bearer({ requireVerified: true })],
    hooks: {
      onAfterLogin: async (user, request, reply) => { calls.push(`in ${user.email} ${request.url}`); return await onAfterLogin(user, request, reply) },
      onLoginFailed: (failure) => { failures.push(failure) },
      onAfterLogout: (user) => { calls.push(`out ${user.email}`) }
    }
  })
  const send = async (url: string, body: object) => await app.inject({ method: 'POST', url, payload: body, headers: sameOrigin })

  await send('/login/cookie', { email: 'unknown@example.com', password: 'x' })
  await send('/login/cookie', { ...ann, password: 'x' })
  await send('/login/bearer', ann)
  t.match(failures, [
    { reason: 'unknown-user', user: null, backend: 'cookie' },
    { reason: 'wrong-password', user: { email: ann.email }, backend: 'cookie' },
    { reason: 'not-verified', user: { email: ann.email }, backend: 'bearer' }
  ])
  t.notOk(JSON.stringify(failures).includes('argon2'))

  const credential = await login(app, 'cookie')
  await app.inject({ ...credential, method: 'POST', url: '/logout/cookie' })
  t.strictSame(calls, [`in ${ann.email} /login/cookie`, `out ${ann.email}`])

  onAfterLogin = (_user, _request, reply) => { reply.redirect('/welcome') }
  const redirected = await send('/login/cookie', ann)
  t.equal(redirected.statusCode, 302)
  t.match(redirected.headers['set-cookie'], /^fastifyusersauth=eyJ/)

  ended.length = 0
  onAfterLogin = () => { throw Object.assign(new Error('banned'), { statusCode: 403, code: 'BANNED' }) }
  const thrown = await send('/login/cookie', ann)
  t.match(thrown.json(), { statusCode: 403, code: 'BANNED' }, 'an error with a status is told')
  t.match(thrown.headers['set-cookie'], /^fastifyusersauth=; Max-Age=0;/, 'nobody is logged in')
  t.equal(ended.length, 1, 'and the session is over')

  onAfterLogin = () => { throw new Error('select * from secrets') }
  const broken = await send('/login/cookie', ann)
  t.strictSame(broken.json(), { statusCode: 500, code: 'FST_USERS_INTERNAL', error: 'Internal Server Error', message: 'Something went wrong.' })
})

t.test('an after-failure hook may reply, also where replies leave later', async (t) => {
  const app = await appWith(t, { hooks: { onLoginFailed: (_failure, _request, reply) => reply.redirect('/login?failed', 303) } }, {
    before: (app) => { app.addHook('onSend', async () => { await new Promise((resolve) => setImmediate(resolve)) }) }
  })
  const reply = await app.inject({ method: 'POST', url: '/login/cookie', payload: { ...ann, password: 'x' } })
  t.equal(reply.statusCode, 303)
  t.equal(reply.headers.location, '/login?failed')
})

t.test('an after-logout hook may reply', async (t) => {
  const app = await appWith(t, { hooks: { onAfterLogout: (_user, _request, reply) => { reply.redirect('/bye') } } })
  const reply = await app.inject({ ...await login(app, 'cookie'), method: 'POST', url: '/logout/cookie' })
  t.equal(reply.headers.location, '/bye')
  t.match(reply.headers['set-cookie'], /Max-Age=0/)
})

t.test('a store that is down is neither a wrong password nor a logged-out user', async (t) => {
  const lines: string[] = []
  const store = memory()
  let down = false
  const flaky: UserStore = {
    ...store,
    findByEmail: (key) => { if (down) throw new Error('connect ECONNREFUSED 10.0.0.1'); return store.findByEmail(key) },
    findById: async (id) => { if (down) throw new Error('connect ECONNREFUSED 10.0.0.1'); return await store.findById(id) }
  }
  const app = await appWith(t, { users: flaky }, { server: { logger: { level: 'error', stream: { write: (line: string) => { lines.push(line) } } } } })
  const credential = await login(app, 'cookie')
  down = true
  for (const reply of [
    await app.inject({ ...credential, url: '/me' }),
    await app.inject({ ...credential, method: 'POST', url: '/logout/cookie' }),
    await app.inject({ method: 'POST', url: '/login/cookie', payload: ann })
  ]) {
    t.strictSame(reply.json(), { statusCode: 503, code: 'FST_USERS_UNAVAILABLE', error: 'Service Unavailable', message: 'The service is not available at the moment.' })
    t.equal(reply.headers['retry-after'], '5')
    t.equal(reply.headers['set-cookie'], undefined)
  }
  t.equal(lines.filter((line) => line.includes('ECONNREFUSED')).length, 3, 'the log has the cause')
  down = false
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200, 'and it recovers')
})

t.test('the application\'s error handler shapes our errors, too', async (t) => {
  const app = await appWith(t, {}, {
    before: (app: FastifyInstance) => {
      app.setErrorHandler((error: Error & { code?: string, statusCode?: number }, _request, reply) => reply.code(error.statusCode ?? 500).send({ problem: error.code }))
    }
  })
  t.strictSame((await app.inject({ method: 'POST', url: '/login/bearer', payload: { ...ann, password: 'x' } })).json(), { problem: 'LOGIN_BAD_CREDENTIALS' })
  t.strictSame((await app.inject('/me')).json(), { problem: 'UNAUTHORIZED' })
})
