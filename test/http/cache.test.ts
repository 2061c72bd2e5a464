import { join } from 'node:path'
import Libsql from 'libsql'
import type { FastifyInstance, InjectOptions } from 'fastify'
import t from 'tap'
import { bearer, cookie, jwt, memory, opaque, type SessionStore, type Strategy } from '../../lib/index.js'
import { sqlite, type SqliteDatabase } from '../../lib/stores/sql/index.js'
import { ann, appWith, login, refusal, secret } from '../helpers/app.js'
import { byBearer, faulty, logIn, onEachPlace, refreshBy, statusOf, stoppedClock } from '../helpers/sessions.js'

const password = 'another long password'

const strategies: ReadonlyArray<[name: string, make: () => Strategy]> = [
  ['jwt', () => jwt({ secret })],
  ['jwt with sessions', () => jwt({ secret, sessions: true })],
  ['opaque', () => opaque()]
]

/** What ends a session, or what its user may do, by the app itself; and what a request with its credential is then told. */
const endings: ReadonlyArray<[what: string, end: (app: FastifyInstance, credential: InjectOptions, id: string) => Promise<unknown>, status: number]> = [
  ['logout', (app, credential) => app.inject({ ...credential, method: 'POST', url: '/logout/bearer' }), 401],
  ['a new password', (app, credential) => app.inject({ ...credential, method: 'PATCH', url: '/users/me', payload: { password, currentPassword: ann.password } }), 401],
  ['a reset by the app', (app, _credential, id) => app.users.update(id, { password }), 401],
  ['deactivation', (app, _credential, id) => app.users.update(id, { isActive: false }), 401],
  ['demotion', (app, _credential, id) => app.users.update(id, { isSuperuser: false }), 401],
  ['the end of all sessions', (app, _credential, id) => app.users.revokeSessions(id), 401],
  ['deletion', (app, _credential, id) => app.users.remove(id), 401],
  ['another name', (app, _credential, id) => app.users.update(id, { email: 'anna@example.com', isVerified: false }), 401]
]

onEachPlace(t, async (t, open) => {
  for (const [name, make] of strategies) {
    t.test(name, async (t) => {
      for (const [what, end, status] of endings) {
        const { users, sessions } = await open(t)
        const app = await appWith(t, { users, sessions, strategy: make(), cacheSeconds: 60, routes: { me: true } })
        const { id } = await app.users.getByEmail(ann.email) as { id: string }
        await app.users.create({ email: 'root@example.com', password, isSuperuser: true })
        await app.users.update(id, { isSuperuser: true, isVerified: true })
        const credential = await login(app, 'bearer')
        t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
        t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
        await end(app, credential, id)
        t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, status, what)
      }
    })
  }

  t.test('what another process does holds when the seconds are over', async (t) => {
    for (const [name, make] of strategies) {
      const { users, sessions } = await open(t)
      const clock = stoppedClock()
      const given = { users, sessions, clock: clock.now, strategy: make() }
      const app = await appWith(t, { ...given, cacheSeconds: 3 })
      const other = await appWith(t, given, { seed: false })
      const credential = await login(app, 'bearer')
      t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
      t.equal((await other.inject({ ...credential, method: 'POST', url: '/logout/bearer' })).statusCode, 200)
      t.equal((await other.inject({ ...credential, url: '/me' })).statusCode, 401)
      clock.forward(2.999)
      t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200, name)
      clock.forward(0.001)
      t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401, name)
    }
  })

  t.test('an access token that was exchanged is dead at once, and so is a session whose refresh token was used twice', async (t) => {
    const { users, sessions } = await open(t)
    const app = await appWith(t, { users, sessions, strategy: opaque(), backends: [cookie(), bearer({ refresh: true })], cacheSeconds: 60 })
    const first = await logIn(app, byBearer, ann)
    t.equal(await statusOf(app, byBearer, first.access), 200)
    const second = byBearer.tokensOf(await refreshBy(app, byBearer, first.refresh))
    t.equal(await statusOf(app, byBearer, first.access), 401)
    t.equal(await statusOf(app, byBearer, second.access), 200)
    t.equal((await refreshBy(app, byBearer, first.refresh)).statusCode, 401)
    t.equal(await statusOf(app, byBearer, second.access), 401)
  })

  t.test('sessions that are ended one by one, and all others', async (t) => {
    const { users, sessions } = await open(t)
    const app = await appWith(t, { users, sessions, strategy: opaque(), cacheSeconds: 60, routes: { sessions: true } })
    const [mine, one, other] = [await login(app, 'bearer'), await login(app, 'bearer'), await login(app, 'bearer')]
    const status = async (credential: InjectOptions): Promise<number> => (await app.inject({ ...credential, url: '/me' })).statusCode
    for (const credential of [mine, one, other]) t.equal(await status(credential), 200)
    const { items } = (await app.inject({ ...one, url: '/sessions' })).json<{ items: Array<{ id: string, current: boolean }> }>()
    const { id } = items.find(({ current }) => current) as { id: string }
    t.equal((await app.inject({ ...mine, method: 'DELETE', url: `/sessions/${id}` })).statusCode, 204)
    t.equal(await status(one), 401)
    t.equal((await app.inject({ ...mine, method: 'DELETE', url: '/sessions' })).statusCode, 204)
    t.equal(await status(other), 401)
    t.equal(await status(mine), 200)
  })
})

t.test('the session that the browser had ends at the next login', async (t) => {
  const app = await appWith(t, { cacheSeconds: 60 })
  const first = await login(app, 'cookie')
  t.equal((await app.inject({ ...first, url: '/me' })).statusCode, 200)
  await app.inject({ ...first, method: 'POST', url: '/login/cookie', payload: ann })
  t.equal((await app.inject({ ...first, url: '/me' })).statusCode, 401)
})

t.test('a store that fails is not asked where the answer is known, and answers nobody else', async (t) => {
  const clock = stoppedClock()
  const { store, fail, calls } = faulty(memory().sessions as SessionStore)
  const app = await appWith(t, { sessions: store, strategy: opaque(), clock: clock.now, cacheSeconds: 3 })
  const [known, unknown] = [await login(app, 'bearer'), await login(app, 'bearer')]
  calls()
  for (let n = 0; n < 10; n++) t.equal((await app.inject({ ...known, url: '/me' })).statusCode, 200)
  t.equal(calls().find, 1)
  fail('find')
  t.equal((await app.inject({ ...known, url: '/me' })).statusCode, 200)
  t.equal((await app.inject({ ...unknown, url: '/me' })).statusCode, 503)
  clock.forward(3)
  t.equal((await app.inject({ ...known, url: '/me' })).statusCode, 503)
  fail()
  fail('remove')
  t.equal((await app.inject({ ...known, url: '/me' })).statusCode, 200)
  t.equal((await app.inject({ ...known, method: 'POST', url: '/logout/bearer' })).statusCode, 503)
  calls()
  t.equal((await app.inject({ ...known, url: '/me' })).statusCode, 200, 'the log-out failed')
  t.equal(calls().find, 1, 'but what is known was asked for anew: it may have happened')
})

t.test('each request has a user of its own', async (t) => {
  const app = await appWith(t, { cacheSeconds: 60 }, { routes: (app) => { app.get('/spoil', { preHandler: app.authenticate() }, async (request) => Object.assign(request.user, { email: 'x' })) } })
  const credential = await login(app, 'bearer')
  t.equal((await app.inject({ ...credential, url: '/spoil' })).json<{ email: string }>().email, 'x')
  t.equal((await app.inject({ ...credential, url: '/me' })).json<{ email: string }>().email, ann.email)
})

t.test('one statement a request, where users and sessions are in one database', async (t) => {
  const handle = new Libsql(join(t.testdir(), 'users.db'))
  t.after(() => { handle.close() })
  let count = 0
  const counting: SqliteDatabase = {
    prepare (sql) {
      const statement = handle.prepare(sql) as unknown as ReturnType<SqliteDatabase['prepare']>
      return { all: (...values) => { count++; return statement.all(...values) }, run: (...values) => { count++; return statement.run(...values) } }
    }
  }
  for (const [name, make] of strategies) {
    const app = await appWith(t, { users: await sqlite(counting, { tablePrefix: name.replaceAll(' ', '_') }), strategy: make() })
    const credential = await login(app, 'bearer')
    count = 0
    t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
    t.equal(count, 1, name)
  }
})

t.test('sessions of another database are not asked for its users', async (t) => {
  const [users, elsewhere] = [await sqlite(':memory:'), await sqlite(':memory:')]
  const app = await appWith(t, { users, strategy: opaque({ sessions: elsewhere.sessions }) })
  const credential = await login(app, 'bearer')
  t.equal((await app.inject({ ...credential, url: '/me' })).json<{ email: string }>().email, ann.email)
})

t.test('ended tokens of another database are not asked of that of the users', async (t) => {
  const [users, elsewhere] = [await sqlite(':memory:'), await sqlite(':memory:')]
  const app = await appWith(t, { users, strategy: jwt({ secret, revocations: elsewhere.revocations }) })
  const credential = await login(app, 'bearer')
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
  t.equal((await app.inject({ ...credential, method: 'POST', url: '/logout/bearer' })).statusCode, 200)
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401)
})

t.test('the option', async (t) => {
  for (const cacheSeconds of [-1, 61, NaN, Infinity, '3', true, null]) t.match(await refusal({ cacheSeconds }), 'options.cacheSeconds must be a number of seconds from 0 to 60')
  t.equal(await refusal({ cacheSeconds: 0.5 }), 'it starts')
})
