import Fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify'
import { connect, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import fastifyUsers, { bearer, cookie, jwt, memory, memorySessions, opaque, type AuditEvent, type CookieOptions, type FastifyUsersOptions, type SessionStore, type StoredUser, type Strategy } from '../../lib/index.js'
import { aPassword, briefly, send } from '../helpers/accounts.js'
import { ann, appWith, options, sameOrigin, secret } from '../helpers/app.js'
import { until } from '../helpers/smtp.js'
import { byBearer, byCookie, logIn, onEachPlace, refreshBy, statusOf, stoppedClock, ways, type Clock, type Way } from '../helpers/sessions.js'

const strategies: Readonly<Record<string, () => Strategy>> = {
  jwt: () => jwt({ secret, sessions: true }),
  opaque: () => opaque()
}

// A deadline keeps no process alive.
t.beforeEach((t) => {
  const alive = setInterval(() => {}, 1000)
  t.after(() => { clearInterval(alive) })
})

const both = { backends: [cookie({ refresh: true }), bearer({ refresh: true })] }

/** An app with refresh tokens, and a clock of its own. */
async function scene (t: Test, given: Partial<FastifyUsersOptions> = {}): Promise<{ app: FastifyInstance, clock: Clock, events: AuditEvent[] }> {
  const clock = stoppedClock()
  const events: AuditEvent[] = []
  const app = await appWith(t, { clock: clock.now, strategy: opaque(), ...both, audit: (event) => { if (event.type === 'refresh') events.push(event) }, ...given })
  return { app, clock, events }
}

const setCookies = (reply: LightMyRequestResponse): string[] => [reply.headers['set-cookie'] ?? []].flat().map((line) => line.replace(/=[\w.-]+;/, '=T;'))

t.test('what goes over the wire, by cookie', async (t) => {
  const { app } = await scene(t)
  const expected = [
    'fastifyusersauth=T; Max-Age=900; Path=/; HttpOnly; Secure; SameSite=Lax',
    'fastifyusersauth_refresh=T; Max-Age=1209600; Path=/refresh/cookie; HttpOnly; Secure; SameSite=Lax'
  ]
  const reply = await app.inject({ method: 'POST', url: '/login/cookie', payload: ann })
  t.strictSame(setCookies(reply), expected)
  const { refresh = '' } = byCookie.tokensOf(reply)
  t.match(refresh, /^fu-refresh\.[\w-]+\.[\w-]{43}\.[0-9a-z]{7}$/)

  const next = await refreshBy(app, byCookie, refresh)
  t.strictSame(setCookies(next), expected)
  t.match([next.statusCode, next.headers['cache-control'], next.json()], [200, 'no-store', { email: ann.email }])
  t.strictSame(Object.keys(next.json()).sort(), ['createdAt', 'email', 'id', 'isActive', 'isSuperuser', 'isVerified', 'updatedAt'])

  const { access } = byCookie.tokensOf(next)
  const out = await app.inject({ ...byCookie.withAccess(access), method: 'POST', url: '/logout/cookie' })
  t.strictSame(out.headers['set-cookie'], expected.map((line) => line.replace('=T', '=').replace(/Max-Age=\d+/, 'Max-Age=0')), 'both go, as they came')
})

t.test('what goes over the wire, by bearer', async (t) => {
  const { app } = await scene(t)
  const shape = { access_token: /^fu-session\./, token_type: 'bearer', expires_in: 900, refresh_token: /^fu-refresh\./ }
  const reply = await app.inject({ method: 'POST', url: '/login/bearer', payload: ann })
  t.match(reply.json(), shape)
  const next = await refreshBy(app, byBearer, reply.json<{ refresh_token: string }>().refresh_token)
  t.match([next.statusCode, next.headers['cache-control'], next.json()], [200, 'no-store', shape])
  t.strictSame(Object.keys(next.json()), ['access_token', 'token_type', 'expires_in', 'refresh_token'])
  t.equal(next.headers['set-cookie'], undefined)

  const form = await app.inject({ method: 'POST', url: '/refresh/bearer', headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: `grant_type=refresh_token&refresh_token=${next.json<{ refresh_token: string }>().refresh_token}` })
  t.match([form.statusCode, form.json()], [200, shape], 'a form, as OAuth 2 has it')
})

t.test('a backend without refresh tokens has no such route, and gives none', async (t) => {
  const app = await appWith(t, { strategy: opaque(), backends: [cookie(), bearer({ refresh: false })] })
  for (const way of ways) {
    const reply = await app.inject({ method: 'POST', url: `/login/${way.name}`, payload: ann })
    t.equal(way.tokensOf(reply).refresh, undefined)
    t.equal((await refreshBy(app, way, 'x')).statusCode, 404)
  }
})

t.test('the cookie of the refresh token goes to its route alone, wherever that is, if its name allows it', async (t) => {
  const cases: Array<[string, string, CookieOptions, string, string]> = [
    ['', '', {}, 'fastifyusersauth_refresh', '/refresh/cookie'],
    ['', '/auth', {}, 'fastifyusersauth_refresh', '/auth/refresh/cookie'],
    ['/api', '', {}, 'fastifyusersauth_refresh', '/api/refresh/cookie'],
    ['/api/v1', '/auth', { name: 'web', cookieName: 'sid' }, 'sid_refresh', '/api/v1/auth/refresh/web'],
    ['', '/auth', { cookieName: '__Host-sid' }, '__Host-sid_refresh', '/'],
    ['', '', { cookieName: '__host-sid' }, '__host-sid_refresh', '/'],
    ['', '', { cookieName: '__Secure-sid' }, '__Secure-sid_refresh', '/refresh/cookie'],
    ['', '/auth', { cookieName: '__Secure-sid', refreshCookiePath: '/behind/proxy' }, '__Secure-sid_refresh', '/behind/proxy'],
    ['', '', { cookiePath: '/admin', cookieSameSite: 'strict', cookieDomain: 'example.com', cookiePartitioned: true }, 'fastifyusersauth_refresh', '/refresh/cookie']
  ]
  for (const [outer, prefix, given, name, path] of cases) {
    const app = await outerApp(t, outer, { strategy: opaque(), prefix, backends: [cookie({ refresh: true, ...given })] })
    const base = `${outer}${prefix}`
    const backend = given.name ?? 'cookie'
    const reply = await app.inject({ method: 'POST', url: `${base}/login/${backend}`, payload: ann })
    const [access, refresh] = reply.cookies as Array<{ name: string, value: string, path: string, secure: boolean, httpOnly: boolean, sameSite: string, domain?: string, partitioned?: boolean }>
    t.match(refresh, { name, path, secure: true, httpOnly: true, sameSite: access?.sameSite })
    t.equal(refresh?.domain, access?.domain)
    t.match(access, { path: given.cookiePath ?? '/' })

    const next = await app.inject({ method: 'POST', url: `${base}/refresh/${backend}`, cookies: { [name]: refresh?.value ?? '' }, headers: sameOrigin })
    t.strictSame([next.statusCode, setCookies(next)], [200, setCookies(reply)], path)
    const out = await app.inject({ method: 'POST', url: `${base}/logout/${backend}`, cookies: { [access?.name ?? '']: next.cookies[0]?.value ?? '' }, headers: sameOrigin })
    t.match(out.cookies, [{ value: '', maxAge: 0 }, { name, path, value: '', maxAge: 0 }], 'cleared where it was set')
  }
})

/** The plugin in a scope that has a prefix of its own. */
async function outerApp (t: Test, outer: string, given: Partial<FastifyUsersOptions>): Promise<FastifyInstance> {
  const app = Fastify()
  t.after(async () => { await app.close() })
  await app.register(async (scope) => {
    await scope.register(fastifyUsers, options(given))
    await scope.users.create(ann)
  }, { prefix: outer })
  return app
}

t.test('how long access tokens live beside refresh tokens', async (t) => {
  for (const [own, strategyLifetime, expected] of [[undefined, undefined, 900], [undefined, 60, 60], [7200, 60, 7200], [60, undefined, 60]] as const) {
    const app = await appWith(t, { strategy: opaque({ lifetimeSeconds: strategyLifetime }), backends: [bearer({ refresh: true, lifetimeSeconds: own })] })
    const login = await app.inject({ method: 'POST', url: '/login/bearer', payload: ann })
    t.match(login.json(), { expires_in: expected })
    t.match((await refreshBy(app, byBearer, byBearer.tokensOf(login).refresh ?? '')).json(), { expires_in: expected })
  }
})

t.test('an access token ends to the second, and its session goes on', async (t) => {
  for (const strategy of [opaque(), jwt({ secret, sessions: true })]) {
    const { app, clock } = await scene(t, { strategy, backends: [cookie({ refresh: true }), bearer({ refresh: true })] })
    for (const way of ways) {
      const { access, refresh } = await logIn(app, way, ann)
      clock.forward(899)
      t.equal(await statusOf(app, way, access), 200)
      clock.forward(1)
      t.equal(await statusOf(app, way, access), 401)
      t.equal(await statusOf(app, way, way.tokensOf(await refreshBy(app, way, refresh)).access), 200)
      t.equal(await statusOf(app, way, access), 401)
    }
  }
})

t.test('a token says that it lives for no longer than its session', async (t) => {
  const { app, clock } = await scene(t, { backends: [bearer({ refresh: { idleSeconds: 1000, absoluteSeconds: 1000 } })] })
  const { refresh } = await logIn(app, byBearer, ann)
  clock.forward(700)
  const reply = await refreshBy(app, byBearer, refresh)
  t.match(reply.json(), { expires_in: 300 })
  clock.forward(299)
  t.equal(await statusOf(app, byBearer, byBearer.tokensOf(reply).access), 200)
  clock.forward(1)
  t.equal(await statusOf(app, byBearer, byBearer.tokensOf(reply).access), 401)
})

t.test('what is no refresh token is refused alike, and ends nothing', async (t) => {
  const { app, events } = await scene(t, { backends: [cookie({ refresh: true }), bearer({ refresh: true }), bearer({ name: 'api', refresh: true })] })
  const [atCookie, atBearer] = [await logIn(app, byCookie, ann), await logIn(app, byBearer, ann)]
  const atApi = byBearer.tokensOf(await app.inject({ method: 'POST', url: '/login/api', payload: ann }))
  const unauthorized = { statusCode: 401, code: 'UNAUTHORIZED', error: 'Unauthorized', message: 'Authentication is required.' }
  const challenge: Record<Way['name'], string> = { cookie: 'Cookie realm="users", cookie-name="fastifyusersauth"', bearer: 'Bearer realm="users", error="invalid_token"' }

  for (const [way, own, others] of [[byCookie, atCookie, [atBearer, atApi]], [byBearer, atBearer, [atCookie, atApi]]] as const) {
    const bad = ['x', own.access, own.refresh.slice(0, -1), `${own.refresh}x`, own.refresh.toUpperCase(), ...others.map(({ refresh = '' }) => refresh), ...others.map(({ access }) => access)]
    for (const token of bad) {
      const reply = await refreshBy(app, way, token)
      t.strictSame([reply.statusCode, reply.json()], [401, unauthorized])
      t.equal(reply.headers['www-authenticate'], challenge[way.name])
      t.equal(reply.headers['cache-control'], 'no-store')
      t.equal(reply.headers['set-cookie'], undefined)
    }
    for (const event of events.splice(0)) t.match(event, { outcome: 'failure', reason: 'invalid', backend: way.name, userId: null })
  }
  const nothing = await app.inject({ method: 'POST', url: '/refresh/cookie', headers: sameOrigin })
  t.strictSame([nothing.json(), nothing.headers['www-authenticate']], [unauthorized, challenge.cookie])
  t.match(events.splice(0), [{ reason: 'none' }])
  t.equal((await app.inject({ method: 'POST', url: '/refresh/cookie', headers: sameOrigin, cookies: { fastifyusersauth: atCookie.access } })).statusCode, 401, 'nor does the access cookie do')
  t.equal((await app.inject({ method: 'POST', url: '/refresh/cookie', headers: { ...sameOrigin, cookie: 'fastifyusersauth_refresh=%' } })).statusCode, 401, 'nor what cannot be read')
  t.match(events.splice(0), [{ reason: 'none' }, { reason: 'invalid' }])

  for (const [way, { access, refresh }] of [[byCookie, atCookie], [byBearer, atBearer]] as const) {
    t.equal(await statusOf(app, way, refresh), 401, 'a refresh token is no access token')
    t.equal((await app.inject({ ...way.withAccess(refresh), method: 'POST', url: `/logout/${way.name}` })).statusCode, 401)
    t.equal(await statusOf(app, way, access), 200)
    t.equal((await refreshBy(app, way, refresh)).statusCode, 200)
  }
  t.match(events, [{ outcome: 'success', backend: 'cookie', userId: /^[0-9a-f-]{36}$/, reason: null }, { backend: 'bearer', outcome: 'success' }])
})

t.test('each way reads its own place alone', async (t) => {
  const { app } = await scene(t)
  const [atCookie, atBearer] = [await logIn(app, byCookie, ann), await logIn(app, byBearer, ann)]
  t.equal((await app.inject({ method: 'POST', url: '/refresh/cookie', headers: sameOrigin, payload: { refresh_token: atCookie.refresh } })).statusCode, 401)
  t.equal((await app.inject({ method: 'POST', url: '/refresh/cookie', headers: { ...sameOrigin, authorization: `Bearer ${atCookie.refresh}` }, query: { refresh_token: atCookie.refresh } })).statusCode, 401)
  for (const request of [{}, { cookies: { fastifyusersauth_refresh: atBearer.refresh } }, { headers: { authorization: `Bearer ${atBearer.refresh}` } }, { query: { refresh_token: atBearer.refresh } }]) {
    t.equal(briefly(await app.inject({ method: 'POST', url: '/refresh/bearer', payload: {}, ...request })), '400 FST_ERR_VALIDATION')
  }
  const twice = `fastifyusersauth_refresh=${atCookie.refresh}; fastifyusersauth_refresh=x`
  t.equal(briefly(await app.inject({ method: 'POST', url: '/refresh/cookie', headers: { ...sameOrigin, cookie: twice } })), '400 AMBIGUOUS_CREDENTIALS', 'a neighbour has planted one')
  for (const way of ways) t.equal((await refreshBy(app, way, (way === byCookie ? atCookie : atBearer).refresh)).statusCode, 200)
})

t.test('strict input', async (t) => {
  const { app } = await scene(t)
  const ask = async (payload: string, type = 'application/json') => briefly(await app.inject({ method: 'POST', url: '/refresh/bearer', headers: { 'content-type': type }, payload }))
  for (const value of [1, null, true, [], ['x'], {}, '', 'x'.repeat(513)]) t.equal(await ask(JSON.stringify({ refresh_token: value })), '400 FST_ERR_VALIDATION', JSON.stringify(value).slice(0, 20))
  for (const body of ['[]', '"x"', 'null', '{}']) t.equal(await ask(body), '400 FST_ERR_VALIDATION', body)
  t.equal(await ask('{'), '400 FST_ERR_CTP_INVALID_JSON_BODY')
  t.equal(await ask('x', 'text/plain'), '415 FST_ERR_CTP_INVALID_MEDIA_TYPE')
  t.equal(await ask('refresh_token=a&refresh_token=b', 'application/x-www-form-urlencoded'), '400 FST_USERS_BAD_FORM')
  t.equal(await ask('{"__proto__":{"refresh_token":"x"}}'), '400 FST_ERR_CTP_INVALID_JSON_BODY')
  t.equal((await app.inject({ method: 'GET', url: '/refresh/bearer' })).statusCode, 404)
})

t.test('another site\'s page gets nowhere by cookie, and changes nothing', async (t) => {
  const { app } = await scene(t)
  const { refresh } = await logIn(app, byCookie, ann)
  const cookies = { fastifyusersauth_refresh: refresh }
  const crossSite: Array<Record<string, string>> = [
    { origin: 'https://evil.example' }, { origin: 'null' }, { referer: 'https://evil.example/a' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example', 'content-type': 'application/json' }, {}
  ]
  for (const headers of crossSite) {
    const reply = await app.inject({ method: 'POST', url: '/refresh/cookie', cookies, headers })
    t.equal(briefly(reply), '403 CROSS_SITE_REQUEST', JSON.stringify(headers))
    t.equal(reply.headers['set-cookie'], undefined)
  }
  t.equal((await refreshBy(app, byCookie, refresh)).statusCode, 200)

  const token = (await logIn(app, byBearer, ann)).refresh
  t.equal((await app.inject({ method: 'POST', url: '/refresh/bearer', payload: { refresh_token: token }, headers: { origin: 'https://evil.example' }, cookies })).statusCode, 200, 'nobody sends a body by themselves')
})

t.test('a refresh proves nothing anew', async (t) => {
  const clock = stoppedClock()
  const app = await appWith(t, { clock: clock.now, strategy: opaque(), ...both, routes: { me: true } }, {
    routes: (app) => { app.get('/fresh', { preHandler: app.authenticate({ fresh: 60 }) }, async () => 'ok') }
  })
  for (const way of ways) {
    const first = await logIn(app, way, ann)
    t.equal(await statusOf(app, way, first.access, '/fresh'), 200)
    clock.forward(61)
    const { access, refresh = '' } = way.tokensOf(await refreshBy(app, way, first.refresh))
    t.equal(await statusOf(app, way, access), 200)
    t.equal(await statusOf(app, way, access, '/fresh'), 403)

    const confirmed = way.tokensOf(await send(app, way.withAccess(access), 'POST', '/confirm', { password: ann.password }))
    t.equal(await statusOf(app, way, confirmed.access, '/fresh'), 200)
    t.equal((await refreshBy(app, way, refresh)).statusCode, 401, 'the session before it is over')
    t.equal((await refreshBy(app, way, confirmed.refresh ?? '')).statusCode, 200)
  }
})

t.test('neither token is told to live longer than the session', async (t) => {
  const clock = stoppedClock()
  const app = await appWith(t, { clock: clock.now, strategy: opaque(), backends: [cookie({ refresh: { idleSeconds: 400, absoluteSeconds: 1000 } }), bearer({ name: 'short', refresh: { idleSeconds: 300, absoluteSeconds: 300 } })] })
  const first = await app.inject({ method: 'POST', url: '/login/cookie', payload: ann, headers: sameOrigin })
  const agesOf = ({ cookies }: typeof first): unknown[] => cookies.map(({ maxAge }) => maxAge)
  t.strictSame(agesOf(first), [900, 400])
  let refresh = first.cookies[1]?.value ?? ''
  const ages: unknown[] = []
  for (const seconds of [399, 399, 199.5]) {
    clock.forward(seconds)
    const reply = await app.inject({ method: 'POST', url: '/refresh/cookie', cookies: { fastifyusersauth_refresh: refresh }, headers: sameOrigin })
    ages.push(agesOf(reply))
    refresh = reply.cookies[1]?.value ?? ''
  }
  t.strictSame(ages, [[601, 400], [202, 202], [3, 3]])
  t.match((await app.inject({ method: 'POST', url: '/login/short', payload: ann })).json(), { expires_in: 300 })
})

onEachPlace(t, async (t, open) => {
  for (const [name, strategy] of Object.entries(strategies)) {
    t.test(name, async (t) => {
      const place = await open(t)
      const clock = stoppedClock()
      const app = await appWith(t, {
        users: place.users,
        sessions: place.sessions,
        clock: clock.now,
        strategy: strategy(),
        backends: [cookie({ refresh: { idleSeconds: 1000, absoluteSeconds: 5000 } }), bearer({ refresh: { idleSeconds: 1000, absoluteSeconds: 5000 } })],
        routes: { me: true, sessions: true, users: true, deleteMe: true }
      })
      const bob = { email: 'bob@example.com', password: aPassword('bob') }
      await app.users.create({ email: 'root@example.com', password: aPassword('root'), isSuperuser: true })

      t.test('a chain, in which each token is good once', async (t) => {
        for (const way of ways) {
          let { access, refresh } = await logIn(app, way, ann)
          for (let i = 0; i < 5; i++) {
            const reply = await refreshBy(app, way, refresh)
            t.equal(reply.statusCode, 200)
            const next = way.tokensOf(reply)
            t.not(next.refresh, refresh)
            t.not(next.access, access)
            t.equal(await statusOf(app, way, next.access), 200)
            access = next.access
            refresh = next.refresh ?? ''
          }
        }
      })

      t.test('idle for too long, and however much it is used', async (t) => {
        for (const way of ways) {
          const idle = await logIn(app, way, ann)
          let { refresh } = await logIn(app, way, ann)
          for (let i = 0; i < 5; i++) {
            clock.forward(999)
            const reply = await refreshBy(app, way, refresh)
            t.equal(reply.statusCode, 200)
            refresh = way.tokensOf(reply).refresh ?? ''
          }
          t.equal((await refreshBy(app, way, idle.refresh)).statusCode, 401)
          clock.forward(5)
          t.equal((await refreshBy(app, way, refresh)).statusCode, 401, 'it was in use all the time')
        }
      })

      const ends: Readonly<Record<string, (id: string, way: Way, access: string) => Promise<unknown>>> = {
        'a log-out': async (_id, way, access) => await app.inject({ ...way.withAccess(access), method: 'POST', url: `/logout/${way.name}` }),
        'an end of the session from the list': async (id, way, access) => await send(app, way.withAccess(access), 'DELETE', `/sessions/${(await place.sessions.list({ userId: id, after: null, limit: 1 }))[0]?.id}`),
        'one\'s own new password': async (_id, way, access) => await send(app, way.withAccess(access), 'PATCH', '/users/me', { password: aPassword('own'), currentPassword: bob.password }),
        'one\'s own new address': async (_id, way, access) => await send(app, way.withAccess(access), 'PATCH', '/users/me', { email: 'robert@example.com', currentPassword: bob.password }),
        'one\'s own end': async (_id, way, access) => await send(app, way.withAccess(access), 'DELETE', '/users/me', { currentPassword: bob.password }),
        'a new password': async (id) => await app.users.update(id, { password: aPassword('new') }),
        'a new address': async (id) => await app.users.update(id, { email: 'other@example.com' }),
        'a deactivation': async (id) => await app.users.update(id, { isActive: false }),
        'a deactivation that was taken back': async (id) => { await app.users.update(id, { isActive: false }); await app.users.update(id, { isActive: true }) },
        'a lost flag': async (id) => await app.users.update(id, { isSuperuser: false }),
        'an end of all sessions': async (id) => await app.users.revokeSessions(id),
        'a removal': async (id) => await app.users.remove(id)
      }
      for (const [what, end] of Object.entries(ends)) {
        t.test(`${what} ends it`, async (t) => {
          for (const way of ways) {
            const { id } = await app.users.create({ ...bob, isSuperuser: true })
            const { access, refresh } = await logIn(app, way, bob)
            await end(id, way, access)
            t.equal((await refreshBy(app, way, refresh)).statusCode, 401)
            t.equal(await statusOf(app, way, access), 401)
            await app.users.remove(id)
            t.strictSame(await place.sessions.list({ userId: id, after: null, limit: 10 }), [], 'with the user go the rows')
          }
        })
      }

      t.test('whoever changes their password gets both tokens anew', async (t) => {
        for (const way of ways) {
          const { id } = await app.users.create(bob)
          const { access } = await logIn(app, way, bob)
          const reply = await send(app, way.withAccess(access), 'PATCH', '/users/me', { password: aPassword('next'), currentPassword: bob.password })
          const next = await refreshBy(app, way, way.tokensOf(reply).refresh ?? '')
          t.equal(next.statusCode, 200)
          t.equal(await statusOf(app, way, way.tokensOf(next).access), 200)
          await app.users.remove(id)
        }
      })
    })
  }
})

t.test('where the rows outlive the user\'s change, the epoch decides', async (t) => {
  for (const strategy of Object.values(strategies)) {
    const sessions: SessionStore = { ...memorySessions(), removeAll: () => { throw new Error('down') } }
    const { app } = await scene(t, { sessions, strategy: strategy() })
    const { id } = await app.users.getByEmail(ann.email) as { id: string }
    const { refresh } = await logIn(app, byBearer, ann)
    await app.users.revokeSessions(id)
    t.equal((await refreshBy(app, byBearer, refresh)).statusCode, 401)
    const other = await logIn(app, byBearer, ann)
    await app.users.remove(id)
    t.equal((await refreshBy(app, byBearer, other.refresh)).statusCode, 401)
  }
})

t.test('whoever was deactivated by hand, in the database, gets no further', async (t) => {
  for (const strategy of Object.values(strategies)) {
    const users = memory()
    const { app } = await scene(t, { users, strategy: strategy() })
    const { id } = await app.users.getByEmail(ann.email) as { id: string }
    const { refresh } = await logIn(app, byBearer, ann)
    const row = await users.findById(id) as StoredUser
    t.equal(await users.replace({ ...row, isActive: false, version: row.version + 1 }, row.version), true)
    t.equal((await refreshBy(app, byBearer, refresh)).statusCode, 401, 'though the epoch is the same')
    t.strictSame(await users.sessions?.list({ userId: id, after: null, limit: 1 }), [])
  }
})

t.test('a backend for verified users asks at each exchange', async (t) => {
  const { app } = await scene(t, { backends: [bearer({ refresh: true, requireVerified: true })] })
  const { id } = await app.users.getByEmail(ann.email) as { id: string }
  await app.users.update(id, { isVerified: true })
  const { refresh } = await logIn(app, byBearer, ann)
  const next = byBearer.tokensOf(await refreshBy(app, byBearer, refresh)).refresh ?? ''
  await app.users.update(id, { isVerified: false })
  t.equal((await refreshBy(app, byBearer, next)).statusCode, 401)
})

/** A store whose next exchange is made, and then kept waiting. */
function holding (): { readonly sessions: SessionStore, readonly begun: Promise<void>, letGo (): void } {
  const plain = memorySessions()
  let began = (): void => {}
  let letGo = (): void => {}
  const begun = new Promise<void>((resolve) => { began = resolve })
  const waits = [new Promise<void>((resolve) => { letGo = resolve })]
  return {
    begun,
    letGo: () => { letGo() },
    sessions: {
      ...plain,
      async replace (session, version) {
        const done = plain.replace(session, version)
        began()
        await waits.shift()
        return done
      }
    }
  }
}

t.test('a client that goes away before its reply gains nothing', async (t) => {
  const { sessions, begun, letGo } = holding()
  const { app, events } = await scene(t, { sessions })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { refresh } = await logIn(app, byBearer, ann)
  const gone = new Promise((resolve) => { app.server.once('connection', (socket) => { socket.once('close', resolve) }) })
  const body = JSON.stringify({ refresh_token: refresh })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => { socket.destroy() })
  socket.write(`POST /refresh/bearer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  await begun
  t.equal((await refreshBy(app, byBearer, refresh)).statusCode, 401)
  t.equal(events.at(-1)?.reason, 'raced', 'while the first one is on its way')
  socket.destroy()
  await gone
  letGo()
  await until(() => events.some(({ outcome }) => outcome === 'success'))
  await new Promise((resolve) => { setImmediate(resolve) })

  t.equal((await refreshBy(app, byBearer, refresh)).statusCode, 401)
  t.equal(events.at(-1)?.reason, 'reused', 'it may have got its reply, and hide that')
})

t.test('a client that was told 503 may ask again, though the exchange was made', async (t) => {
  const { sessions, letGo } = holding()
  const { app } = await scene(t, { sessions, storeTimeoutMs: 20 })
  const { refresh } = await logIn(app, byBearer, ann)
  t.equal((await refreshBy(app, byBearer, refresh)).statusCode, 503)
  letGo()
  await new Promise((resolve) => { setImmediate(resolve) })
  const again = await refreshBy(app, byBearer, refresh)
  t.equal(again.statusCode, 200)
  t.equal(await statusOf(app, byBearer, byBearer.tokensOf(again).access), 200)
})

t.test('a client that was told 503 before the exchange was begun may ask again, once it was made', async (t) => {
  const plain = memorySessions()
  let letGo = (): void => {}
  let made = (): void => {}
  const done = new Promise<void>((resolve) => { made = resolve })
  const waits = [new Promise<void>((resolve) => { letGo = resolve })]
  const sessions: SessionStore = {
    ...plain,
    async find (id) {
      await waits.shift()
      return await plain.find(id)
    },
    replace (session, version) {
      setImmediate(made)
      return plain.replace(session, version)
    }
  }
  const { app } = await scene(t, { sessions, storeTimeoutMs: 20 })
  const { refresh } = await logIn(app, byBearer, ann)
  t.equal((await refreshBy(app, byBearer, refresh)).statusCode, 503)
  letGo()
  await done
  const again = await refreshBy(app, byBearer, refresh)
  t.equal(again.statusCode, 200)
  t.equal(await statusOf(app, byBearer, byBearer.tokensOf(again).access), 200)
})
