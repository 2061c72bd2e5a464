import fastifyAuth from '@fastify/auth'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import t from 'tap'
import fastifyUsers, { bearer, cookie, jwt, memory, type GuardOptions, type Session, type Strategy } from '../../lib/index.js'
import { transportContract } from '../../lib/testing/index.js'
import { ann, appWith, login, options, secret } from '../helpers/app.js'
import { captureLog } from '../helpers/smtp.js'

const unauthorized = { statusCode: 401, code: 'UNAUTHORIZED', error: 'Unauthorized', message: 'Authentication is required.' }
const cookieChallenge = 'Cookie realm="users", cookie-name="fastifyusersauth"'

const present = (reply: { json (): { access_token: string } }) => ({ headers: { authorization: `Bearer ${reply.json().access_token}` } })
for (const { name, run } of transportContract(() => bearer(), present)) t.test(`bearer: ${name}`, run)

t.test('the header is read as RFC 6750 writes it', async (t) => {
  const app = await appWith(t)
  const good = String((await login(app, 'bearer')).headers?.authorization).slice('Bearer '.length)
  const ask = async (authorization: string) => await app.inject({ url: '/me', headers: { authorization } })

  for (const header of [`Bearer ${good}`, `bearer ${good}`, `BEARER ${good}`, `Bearer  ${good}`]) t.equal((await ask(header)).statusCode, 200, header.replace(good, '…'))
  for (const header of [good, `Token ${good}`, `Basic ${good}`, `Bearers ${good}`]) {
    const reply = await ask(header)
    t.equal(reply.statusCode, 401, header.replace(good, '…'))
    t.equal(reply.headers['www-authenticate'], `${cookieChallenge}, Bearer realm="users"`, 'another scheme is no credential of ours')
  }
  for (const header of ['Bearer', 'Bearer ', `Bearer ${good} x`, `Bearer ${good},x`, `Bearer "${good}"`, `Bearer Bearer ${good}`, `Bearer${good.slice(0, 0)} é`]) {
    const reply = await ask(header)
    t.strictSame(reply.json(), unauthorized, header.replace(good, '…'))
    t.equal(reply.headers['www-authenticate'], `${cookieChallenge}, Bearer realm="users", error="invalid_token"`)
  }
})

t.test('two Authorization headers are refused, over a real socket', async (t) => {
  const app = await appWith(t)
  const { headers } = await login(app, 'bearer')
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const { request } = await import('node:http')
  const status = await new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/me', headers: ['host', 'localhost', 'Authorization', String(headers?.authorization), 'authorization', 'Bearer x'] }, (reply) => {
      reply.resume()
      resolve(reply.statusCode)
    }).on('error', reject).end()
  })
  t.equal(status, 400)
})

t.test('one body for all causes; the challenge tells what RFC 6750 tells', async (t) => {
  let now = Date.UTC(2030, 0, 1)
  const app = await appWith(t, { clock: () => now })
  const deleted = await app.users.create({ email: 'deleted@example.com', password: ann.password })
  const inactive = await app.users.create({ email: 'inactive@example.com', password: ann.password })
  const credentials = {
    expired: await login(app, 'bearer'),
    deleted: await login(app, 'bearer', { email: 'deleted@example.com', password: ann.password }),
    inactive: await login(app, 'bearer', { email: 'inactive@example.com', password: ann.password })
  }
  await app.users.remove(deleted.id)
  await app.users.update(inactive.id, { isActive: false })
  await app.users.create({ email: 'deleted@example.com', password: ann.password })

  const none = await app.inject('/me')
  t.strictSame(none.json(), unauthorized)
  t.equal(none.headers['www-authenticate'], `${cookieChallenge}, Bearer realm="users"`)
  t.equal(none.headers['cache-control'], 'no-store')

  t.equal((await app.inject({ ...credentials.expired, url: '/me' })).statusCode, 200)
  for (const name of ['deleted', 'inactive', 'expired'] as const) {
    if (name === 'expired') now += 3_600_000
    const reply = await app.inject({ ...credentials[name], url: '/me' })
    t.strictSame(reply.json(), unauthorized, name)
    t.equal(reply.headers['www-authenticate'], `${cookieChallenge}, Bearer realm="users", error="invalid_token"`)
  }
})

t.test('options of the guard', async (t) => {
  const app = await appWith(t, {}, {
    routes: (app) => {
      const describe = async ({ user, auth }: FastifyRequest) => ({ user: user === null ? null : user.email, backend: auth?.backend ?? null })
      const guards: Record<string, GuardOptions> = {
        optional: { optional: true },
        verified: { verified: true },
        superuser: { superuser: true },
        both: { verified: true, superuser: true },
        cookie: { backends: ['cookie'] },
        bearerFirst: { backends: ['bearer', 'cookie'] }
      }
      for (const [name, options] of Object.entries(guards)) app.get(`/${name}`, { preHandler: app.authenticate(options) }, describe)
      app.get('/unguarded', describe)
    }
  })
  const { id } = await app.users.create({ email: 'root@example.com', password: ann.password, isSuperuser: true, isVerified: true })
  const byCookie = await login(app, 'cookie')
  const byBearer = await login(app, 'bearer')
  const root = await login(app, 'bearer', { email: 'root@example.com', password: ann.password })

  t.strictSame((await app.inject('/unguarded')).json(), { user: null, backend: null })
  t.strictSame((await app.inject({ ...byCookie, url: '/unguarded' })).json(), { user: null, backend: null }, 'no guard, no user')

  t.strictSame((await app.inject('/optional')).json(), { user: null, backend: null })
  t.strictSame((await app.inject({ ...byBearer, url: '/optional' })).json(), { user: ann.email, backend: 'bearer' })
  t.equal((await app.inject({ url: '/optional', headers: { authorization: 'Bearer x' } })).statusCode, 401, 'a bad credential is refused all the same')
  t.equal((await app.inject({ url: '/optional', cookies: { fastifyusersauth: 'x' } })).statusCode, 401)

  const unverified = await app.inject({ ...byBearer, url: '/verified' })
  t.strictSame(unverified.json(), { statusCode: 403, code: 'USER_NOT_VERIFIED', error: 'Forbidden', message: 'Verify your e-mail address first.' })
  t.equal(unverified.headers['www-authenticate'], 'Bearer realm="users", error="insufficient_scope"')
  const plain = await app.inject({ ...byCookie, url: '/superuser' })
  t.match(plain.json(), { statusCode: 403, code: 'FORBIDDEN' })
  t.equal(plain.headers['www-authenticate'], cookieChallenge)
  for (const url of ['/verified', '/superuser', '/both']) t.equal((await app.inject({ ...root, url })).statusCode, 200, url)
  await app.users.create({ email: 'other@example.com', isSuperuser: true })
  await app.users.update(id, { isSuperuser: false })
  t.equal((await app.inject({ ...root, url: '/superuser' })).statusCode, 401, 'a demotion ends the sessions at once')

  t.equal((await app.inject({ ...byBearer, url: '/cookie' })).statusCode, 401, 'only the backends that are named')
  t.equal((await app.inject('/cookie')).headers['www-authenticate'], cookieChallenge)
  const both = { cookies: byCookie.cookies as Record<string, string>, headers: { ...byBearer.headers } }
  t.strictSame((await app.inject({ ...both, url: '/optional' })).json(), { user: ann.email, backend: 'cookie' }, 'the first that yields a user wins')
  t.strictSame((await app.inject({ ...both, url: '/bearerFirst' })).json(), { user: ann.email, backend: 'bearer' }, 'in the order that the guard names')
  t.strictSame((await app.inject({ ...both, cookies: { fastifyusersauth: 'stale' }, url: '/optional' })).json(), { user: ann.email, backend: 'bearer' }, 'first bad, second good')
})

t.test('what another plugin takes for the user is none of ours', async (t) => {
  const app = await appWith(t, {}, {
    before: (app) => {
      app.decorateRequest('user', null as never)
      app.addHook('onRequest', async (request) => { (request as { user: unknown }).user = { email: 'somebody@example.com' } })
    },
    routes: (app) => { app.get('/optional', { preHandler: app.authenticate({ optional: true }) }, async ({ user }) => ({ user })) }
  })
  t.strictSame((await app.inject('/optional')).json(), { user: null })
})

t.test('a session that does not say when it began is not fresh', async (t) => {
  const made = jwt({ secret })
  const timeless: Strategy = {
    ...made,
    start: async (context) => {
      const running = await made.start(context)
      return { ...running, verify: async (token, backend) => ({ session: { ...(await running.verify(token, backend))?.session, issuedAt: undefined } as unknown as Session }) }
    }
  }
  const app = await appWith(t, { strategy: timeless }, { routes: (app) => { app.get('/fresh', { preHandler: app.authenticate({ fresh: 3600 }) }, async () => 'ok') } })
  const credential = await login(app, 'bearer')
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
  t.equal((await app.inject({ ...credential, url: '/fresh' })).json().code, 'REAUTHENTICATION_REQUIRED')
})

t.test('only true is true', async (t) => {
  const store = memory()
  const odd = { ...store, findById: async (id: string) => ({ ...await store.findById(id), isVerified: 'false', isSuperuser: 1 }) as never }
  const app = await appWith(t, { users: odd }, {
    routes: (app) => {
      app.get('/verified', { preHandler: app.authenticate({ verified: true }) }, async () => 'in')
      app.get('/superuser', { preHandler: app.authenticate({ superuser: true }) }, async () => 'in')
    }
  })
  const credential = await login(app, 'bearer')
  for (const url of ['/verified', '/superuser']) t.equal((await app.inject({ ...credential, url })).statusCode, 403, url)

  for (const [name, answer] of Object.entries({ 'another user': { id: 'x' }, 'an odd flag': { isActive: 1 }, 'an odd epoch': { sessionEpoch: '0' } })) {
    const lying = await appWith(t, { users: { ...store, findById: async (id) => ({ ...await store.findById(id), ...answer }) as never } }, { seed: false })
    t.equal((await lying.inject({ ...credential, url: '/me' })).statusCode, 401, name)
  }
})

t.test('a guard that cannot be meant does not start', async (t) => {
  const app = await appWith(t)
  for (const [given, message] of [
    [{ raw: {} }, 'authenticate is called to make the hook: write app.authenticate()'],
    [{ optional: 'false' }, 'authenticate(): optional must be true or false'],
    [{ verified: 1 }, 'authenticate(): verified must be true or false'],
    [{ superuser: null }, 'authenticate(): superuser must be true or false'],
    ['admin', 'authenticate() takes an object, such as { superuser: true }'],
    [null, 'authenticate() takes an object, such as { superuser: true }'],
    [{ verifed: true }, 'authenticate(): verifed is no option: did you mean verified?'],
    [{ admin: true }, 'authenticate(): admin is no option: there are optional, verified, superuser, fresh, backends'],
    [{ backends: [] }, 'authenticate(): backends must be a list of one name or more'],
    [{ backends: 'cookie' }, 'authenticate(): backends must be a list of one name or more'],
    [{ backends: ['cookies'] }, 'There is no backend of the name cookies; the backends are cookie, bearer.']
  ] as Array<[GuardOptions, string]>) {
    t.throws(() => app.authenticate(given), { message })
  }
})

t.test('a guard on a hook that is given a payload says where it belongs', async (t) => {
  const app = await appWith(t, {}, {
    routes: async (app) => { app.get('/late', { onSend: app.authenticate() as never }, async () => 'out') }
  })
  const reply = await app.inject('/late')
  t.equal(reply.statusCode, 500)
  t.match(reply.json(), { code: 'FST_USERS_BAD_OPTIONS', message: 'authenticate(): a guard is a hook for onRequest, preValidation or preHandler' })
})

t.test('as a hook: onRequest, a whole scope, HEAD, and the whole app', async (t) => {
  const app = await appWith(t, {}, {
    routes: async (app) => {
      app.get('/early', { onRequest: app.authenticate() }, async () => 'in')
      app.post('/unread', { onRequest: app.authenticate() }, async () => 'in')
      await app.register(async (scope) => {
        scope.addHook('onRequest', scope.authenticate())
        scope.get('/', async (request) => request.user)
        await scope.register(async (inner) => { inner.get('/inner', async () => 'in') })
      }, { prefix: '/scope' })
    }
  })
  const credential = await login(app, 'cookie')
  for (const url of ['/early', '/scope/', '/scope/inner']) {
    t.equal((await app.inject(url)).statusCode, 401, url)
    t.equal((await app.inject({ ...credential, url })).statusCode, 200, url)
    t.equal((await app.inject({ method: 'HEAD', url })).statusCode, 401, `HEAD ${url}`)
    t.equal((await app.inject({ ...credential, method: 'HEAD', url })).statusCode, 200, `HEAD ${url}`)
  }
  t.equal((await app.inject({ method: 'POST', url: '/unread', headers: { 'content-type': 'application/json' }, payload: '{' })).statusCode, 401, 'before the body is read')

  const locked = await appWith(t, {}, { routes: (app) => { app.addHook('onRequest', app.authenticate()) } })
  t.equal((await locked.inject('/me')).statusCode, 401)
  t.equal((await locked.inject({ ...await login(locked, 'bearer'), url: '/me' })).statusCode, 200, 'the door to log in by stays open')
  t.equal((await locked.inject({ method: 'POST', url: '/logout/bearer' })).statusCode, 401, 'and only that one')

  const strict = await appWith(t, {}, { routes: (app) => { app.addHook('onRequest', app.authenticate({ superuser: true })) } })
  const plain = await login(strict, 'bearer')
  t.equal((await strict.inject({ ...plain, url: '/me' })).statusCode, 403)
  t.equal((await strict.inject({ ...plain, method: 'POST', url: '/login/cookie', payload: ann })).statusCode, 200, 'also to somebody who is logged in, and may not do much')
})

t.test('with @fastify/auth', async (t) => {
  const app = await appWith(t, {}, {
    routes: async (app) => {
      await app.register(fastifyAuth)
      const never = async (): Promise<void> => { throw new Error('no') }
      app.get('/or', { preHandler: app.auth([app.authenticate({ backends: ['cookie'] }), app.authenticate({ backends: ['bearer'] })]) }, async ({ auth }) => auth?.backend)
      app.get('/and', { preHandler: app.auth([app.authenticate(), never], { relation: 'and' }) }, async () => 'in')
    }
  })
  const credential = await login(app, 'bearer')
  const reply = await app.inject({ ...credential, url: '/or' })
  t.equal(reply.body, 'bearer')
  t.equal(reply.headers['www-authenticate'], undefined, 'a guard that failed leaves no trace where another one passed')
  t.equal((await app.inject('/or')).statusCode, 401)
  t.equal((await app.inject({ ...credential, url: '/and' })).statusCode, 401)
})

t.test('under another name', async (t) => {
  const app = Fastify()
  t.after(async () => { await app.close() })
  app.decorate('authenticate', () => 'the application\'s own' as never)
  await t.rejects(async () => { await app.register(fastifyUsers, options()) }, { message: /options\.decorators\.authenticate must be another name: the app has app\.authenticate already/ })
})

t.test('under another name, it works', async (t) => {
  const app = Fastify()
  t.after(async () => { await app.close() })
  app.decorate('authenticate', () => 'the application\'s own' as never)
  app.decorate('users', 'too' as never)
  app.decorateRequest('user', null as never)
  await app.register(fastifyUsers, options({ decorators: { authenticate: 'loggedIn', users: 'accounts' } }))
  const renamed = app as unknown as { loggedIn: typeof app.authenticate, accounts: typeof app.users }
  app.get('/me', { preHandler: renamed.loggedIn() }, async (request) => request.user.email)
  await renamed.accounts.create(ann)
  t.equal((await app.inject({ ...await login(app, 'bearer'), url: '/me' })).body, ann.email)
})

t.test('two registrations in sibling scopes know nothing of each other', async (t) => {
  const app = Fastify()
  t.after(async () => { await app.close() })
  const scopes: FastifyInstance[] = []
  for (const prefix of ['/shop', '/admin']) {
    await app.register(async (scope) => {
      scopes.push(scope)
      await scope.register(fastifyUsers, { ...options({ users: memory(), backends: [cookie({ cookieName: prefix.slice(1) }), bearer()] }), prefix })
      scope.get(`${prefix}/me`, { preHandler: scope.authenticate() }, async (request) => request.user.email)
    })
  }
  await app.ready()
  const [shop, admin] = scopes as [FastifyInstance, FastifyInstance]
  await shop.users.create({ email: 'ann@example.com', password: ann.password })
  await admin.users.create({ email: 'root@example.com', password: ann.password })

  const atShop = await login(app, 'bearer', ann, '/shop/login/bearer')
  t.equal((await app.inject({ ...atShop, url: '/shop/me' })).body, 'ann@example.com')
  t.equal((await app.inject({ ...atShop, url: '/admin/me' })).statusCode, 401)
  t.equal((await app.inject({ method: 'POST', url: '/admin/login/bearer', payload: ann })).statusCode, 400)
  t.equal((await app.inject({ method: 'POST', url: '/login/bearer', payload: ann })).statusCode, 404)
  const asRoot = await login(app, 'cookie', { email: 'root@example.com', password: ann.password }, '/admin/login/cookie')
  t.equal((await app.inject({ ...asRoot, url: '/admin/me' })).body, 'root@example.com')
  t.equal((await app.inject({ ...asRoot, url: '/shop/me' })).statusCode, 401)
})

t.test('a guard is awaited in a hook of the app\'s own, as the app decides', async (t) => {
  const asynchronous = memory()
  const users = { ...asynchronous, findById: async (id: string) => await asynchronous.findById(id) }
  for (const given of [{}, { users }]) {
    const app = await appWith(t, given, {
      routes: (app) => {
        const guard = app.authenticate()
        const staff = app.authenticate({ superuser: true })
        app.get('/own', {
          preHandler: async (request, reply) => {
            if (request.headers.door === 'open') return
            await (request.headers.door === 'staff' ? staff : guard)(request, reply)
          }
        }, async (request) => request.auth?.user.email ?? 'nobody')
      }
    })
    const credential = await login(app, 'bearer')
    const ask = async (door: string, headers: object = {}): Promise<unknown[]> => {
      const reply = await app.inject({ url: '/own', headers: { door, ...headers } })
      return [reply.statusCode, reply.statusCode === 200 ? reply.body : reply.json<{ code: string }>().code, reply.headers['www-authenticate']]
    }
    t.strictSame(await ask('open'), [200, 'nobody', undefined])
    t.strictSame(await ask('closed'), [401, 'UNAUTHORIZED', `${cookieChallenge}, Bearer realm="users"`])
    t.strictSame(await ask('closed', credential.headers), [200, ann.email, undefined])
    t.strictSame(await ask('staff', credential.headers), [403, 'FORBIDDEN', 'Bearer realm="users", error="insufficient_scope"'])
  }
})

t.test('the log tells at level debug why nobody is logged in, and no token', async (t) => {
  const { log, lines, text } = captureLog()
  log.level = 'debug'
  const app = await appWith(t, {}, { server: { loggerInstance: log } })
  const { cookies = {} } = await login(app, 'cookie')
  await app.inject({ url: '/me' })
  await app.inject({ url: '/me', headers: { authorization: 'Bearer hunter22' } })
  await app.inject({ method: 'POST', url: '/me', cookies, headers: { 'sec-fetch-site': 'cross-site' } })
  t.match(lines.filter(({ msg }) => msg === 'fastify-users: nobody is logged in'), [
    { level: 20, reason: 'none', backend: null, reqId: /./ },
    { level: 20, reason: 'invalid', backend: 'bearer' },
    { level: 20, reason: 'cross-site', backend: 'cookie' }
  ])
  t.notMatch(text(), 'hunter22')
  for (const token of Object.values(cookies)) t.notOk(text().includes(String(token)))
})
