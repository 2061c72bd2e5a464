import { join } from 'node:path'
import Libsql from 'libsql'
import type { FastifyInstance, InjectOptions } from 'fastify'
import t from 'tap'
import { bearer, cookie, jwt, memory, memoryRevocations, memorySessions, opaque, type Session, type SessionStore, type StoredUser, type Strategy, type UserStore, type Verified } from '../../lib/index.js'
import { sqlite, type SqliteDatabase } from '../../lib/stores/sql/index.js'
import { ann, appWith, login, refusal, secret } from '../helpers/app.js'
import { captureLog } from '../helpers/smtp.js'
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
      const app = await appWith(t, { users, sessions, clock: clock.now, strategy: make(), cacheSeconds: 3 })
      const credential = await login(app, 'bearer')
      t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
      // Past this process.
      const row = await users.findByEmail(ann.email) as StoredUser
      await users.replace({ ...row, sessionEpoch: row.sessionEpoch + 1, version: row.version + 1 }, row.version)
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
      return {
        all: (...values) => { count++; return statement.all(...values) },
        get: (...values) => { count++; return statement.get(...values) },
        run: (...values) => { count++; return statement.run(...values) }
      }
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

t.test('a part of a store that was replaced is asked, and not what was joined with the old one', async (t) => {
  const store = await sqlite(':memory:')
  const elsewhere = memoryRevocations()
  const app = await appWith(t, { users: { ...store, revocations: elsewhere } })
  const credential = await login(app, 'bearer')
  t.equal((await app.inject({ ...credential, method: 'POST', url: '/logout/bearer' })).statusCode, 200)
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401, 'logged out')

  const sessions = memorySessions()
  const other = await appWith(t, { users: { ...await sqlite(':memory:'), sessions }, strategy: opaque() })
  t.equal((await other.inject({ ...await login(other, 'bearer'), url: '/me' })).statusCode, 200)

  for (const [name, make] of strategies) {
    const store = await sqlite(':memory:')
    let isSuspended = false
    const app = await appWith(t, { users: { ...store, findById: (id) => isSuspended ? null : store.findById(id) }, strategy: make() })
    const credential = await login(app, 'bearer')
    t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
    isSuspended = true
    t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401, name)
  }
})

t.test('who was demoted or deactivated elsewhere cannot make what is remembered last', async (t) => {
  const users = memory()
  const given = { users, strategy: opaque(), routes: { me: true, users: true } }
  const app = await appWith(t, { ...given, cacheSeconds: 60 }, { routes: (app) => { app.get('/staff', { preHandler: app.authenticate({ superuser: true }) }, async () => 'in') } })
  const { id } = await app.users.getByEmail(ann.email) as { id: string }
  await app.users.create({ email: 'root@example.com', password, isSuperuser: true })
  await app.users.update(id, { isSuperuser: true })
  const credential = await login(app, 'bearer')
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
  // As another process would: past this one.
  const row = await users.findById(id) as StoredUser
  await users.replace({ ...row, isSuperuser: false, isActive: false, sessionEpoch: row.sessionEpoch + 1, version: row.version + 1 }, row.version)
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200, 'some seconds late')
  t.equal((await app.inject({ ...credential, url: '/staff' })).statusCode, 401)
  t.equal((await app.inject({ ...credential, method: 'PATCH', url: `/users/${id}`, payload: { isSuperuser: true } })).statusCode, 401)
  t.equal((await app.inject({ ...credential, method: 'POST', url: '/confirm', payload: { password: ann.password } })).statusCode, 401)
  t.match(await users.findById(id), { isSuperuser: false, isActive: false })
})

t.test('two registrations in one process know of each other\'s changes', async (t) => {
  const users = memory()
  const app = await appWith(t, { users, cacheSeconds: 60 })
  const other = await appWith(t, { users }, { seed: false })
  const credential = await login(app, 'bearer')
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
  const { id } = await other.users.getByEmail(ann.email) as { id: string }
  await other.users.update(id, { isActive: false })
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401)
})

t.test('who was looked up while a change was under way is looked up again when it is done', async (t) => {
  const inner = memory()
  const waiting: Array<() => void> = []
  let isSlow = false
  const users: UserStore = {
    ...inner,
    async replace (user, version) {
      if (isSlow) await new Promise<void>((resolve) => { waiting.push(resolve) })
      return await inner.replace(user, version)
    }
  }
  const app = await appWith(t, { users, cacheSeconds: 60 })
  const { id } = await app.users.getByEmail(ann.email) as { id: string }
  const credential = await login(app, 'bearer')
  isSlow = true
  const changed = app.users.update(id, { isActive: false })
  while (waiting.length === 0) await new Promise((resolve) => { setImmediate(resolve) })
  for (let i = 0; i < 3; i++) t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200, 'not yet')
  waiting[0]?.()
  await changed
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401)
})

t.test('a change that was made and never answered holds as soon as it is waited for no longer', async (t) => {
  const inner = memory()
  let hangs = false
  const users: UserStore = {
    ...inner,
    replace (user, version) {
      const done = inner.replace(user, version)
      return hangs ? new Promise(() => {}) : done
    }
  }
  const app = await appWith(t, { users, cacheSeconds: 60, storeTimeoutMs: 20 })
  const { id } = await app.users.getByEmail(ann.email) as { id: string }
  const credential = await login(app, 'bearer')
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
  hangs = true
  // A deadline keeps no process alive.
  const alive = setInterval(() => {}, 1000)
  t.after(() => { clearInterval(alive) })
  await t.rejects(app.users.update(id, { isActive: false }), { code: 'FST_USERS_UNAVAILABLE' })
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401)
})

t.test('the end of a robbed session holds, even where the store has reported a failure', async (t) => {
  const inner = memory().sessions as SessionStore
  let breaks = false
  const sessions: SessionStore = {
    ...inner,
    async remove (id) {
      const done = await inner.remove(id)
      if (breaks) throw new Error('ECONNRESET')
      return done
    }
  }
  const app = await appWith(t, { sessions, strategy: opaque(), backends: [bearer({ refresh: true })], cacheSeconds: 60 })
  const first = await logIn(app, byBearer, ann)
  const second = byBearer.tokensOf(await refreshBy(app, byBearer, first.refresh))
  t.equal(await statusOf(app, byBearer, second.access), 200)
  breaks = true
  t.equal((await refreshBy(app, byBearer, first.refresh)).statusCode, 503)
  t.equal(await statusOf(app, byBearer, second.access), 401)
})

t.test('a store that says undefined for nobody; a strategy that forgets to say { session }', async (t) => {
  const inner = memory().sessions as SessionStore
  const app = await appWith(t, { sessions: { ...inner, find: async (id) => await inner.find(id) ?? undefined as unknown as null }, strategy: opaque() })
  const credential = await login(app, 'cookie')
  t.equal((await app.inject({ ...credential, method: 'POST', url: '/logout/cookie' })).statusCode, 200)
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401)
  t.equal((await app.inject({ ...credential, method: 'POST', url: '/login/cookie', payload: ann })).statusCode, 200)

  const bare = { id: 'x', userId: 'y', epoch: 0, issuedAt: 0, expiresAt: 1 } as unknown as Verified
  const { text, log } = captureLog()
  const other = await appWith(t, { strategy: { lifetimeSeconds: 60, start: () => ({ issue: () => ({ token: 'x', session: bare as unknown as Session }), verify: () => bare, revoke: () => {} }) } }, { server: { loggerInstance: log } })
  t.equal((await other.inject({ url: '/me', headers: { authorization: 'Bearer x' } })).statusCode, 503)
  t.match(text(), 'an answer to verify that is none')
})

t.test('the option', async (t) => {
  for (const cacheSeconds of [-1, 61, NaN, Infinity, '3', true, null]) t.match(await refusal({ cacheSeconds }), 'options.cacheSeconds must be a number of seconds from 0 to 60')
  t.equal(await refusal({ cacheSeconds: 0.5 }), 'it starts')
})
