import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { bearer, cookie, jwt, memory, memorySessions, opaque, type FastifyUsersOptions, type SessionStore, type Strategy } from '../../lib/index.js'
import { aPassword, send } from '../helpers/accounts.js'
import { ann, appWith, sameOrigin, secret } from '../helpers/app.js'
import { captureLog, until } from '../helpers/smtp.js'
import { byBearer, byCookie, driversError, failures, faulty, logIn, refreshBy, statusOf, stoppedClock, ways, type Clock, type Faulty } from '../helpers/sessions.js'

// A deadline keeps no process alive.
t.beforeEach((t) => {
  const alive = setInterval(() => {}, 1000)
  t.after(() => { clearInterval(alive) })
})

const strategies: Readonly<Record<string, () => Strategy>> = {
  jwt: () => jwt({ secret, sessions: true }),
  opaque: () => opaque()
}

const routes = { me: true, users: true, sessions: true, deleteMe: true }
const root = { email: 'root@example.com', password: aPassword('root') }

interface Scene {
  readonly app: FastifyInstance
  readonly fault: Faulty
  readonly sessions: SessionStore
  readonly clock: Clock
  readonly log: () => string
  readonly ids: { readonly ann: string, readonly root: string }
}

async function setScene (t: Test, strategy: Strategy, given: Partial<FastifyUsersOptions> = {}): Promise<Scene> {
  const sessions = memorySessions()
  const fault = faulty(sessions)
  const clock = stoppedClock()
  const { log, text } = captureLog()
  const app = await appWith(t, { sessions: fault.store, clock: clock.now, storeTimeoutMs: 50, strategy, backends: [cookie({ refresh: true }), bearer({ refresh: true })], routes, ...given }, { server: { loggerInstance: log } })
  await app.users.create({ ...root, isSuperuser: true })
  const idOf = async (email: string) => (await app.users.getByEmail(email))?.id ?? ''
  return { app, fault, sessions, clock, log: text, ids: { ann: await idOf(ann.email), root: await idOf(root.email) } }
}

/** It is told that it is not available, and nothing else. */
function isUnavailable (t: Test, reply: LightMyRequestResponse, what: string): void {
  t.strictSame([reply.statusCode, reply.headers['retry-after'], reply.json()], [503, '5', { statusCode: 503, code: 'FST_USERS_UNAVAILABLE', error: 'Service Unavailable', message: 'The service is not available at the moment.' }], what)
  t.equal(reply.headers['set-cookie'], undefined, `${what}: no cookie is set or cleared`)
  t.equal(reply.headers['cache-control'], 'no-store')
}

for (const [name, strategy] of Object.entries(strategies)) {
  for (const failure of failures) {
    t.test(`${name}, where the store ${failure}`, async (t) => {
      // It takes its time to wait for what does not come.
      for (const way of failure === 'hangs' ? [name === 'jwt' ? byBearer : byCookie] : ways) {
        const { app, fault, sessions, ids, clock, log } = await setScene(t, strategy())
        const { access, refresh } = await logIn(app, way, ann)
        const credential = way.withAccess(access)
        const rows = async () => (await sessions.list({ userId: ids.ann, after: null, limit: 100 })).length
        const login = async () => await app.inject({ ...credential, method: 'POST', url: `/login/${way.name}`, payload: ann, headers: { ...sameOrigin, ...credential.headers } })
        const boss = way.withAccess((await logIn(app, way, root)).access)
        const other = await logIn(app, way, ann)
        const otherId = (await send(app, way.withAccess(other.access), 'GET', '/sessions')).json<{ items: Array<{ id: string, current: boolean }> }>().items.find(({ current }) => current)?.id ?? ''

        const cases: Array<[keyof SessionStore, string, () => Promise<LightMyRequestResponse>]> = [
          ['find', 'a guard', async () => await app.inject({ ...credential, url: '/me' })],
          ['find', 'the plugin\'s own guard', async () => await send(app, credential, 'GET', '/users/me')],
          ['find', 'a log-out', async () => await send(app, credential, 'POST', `/logout/${way.name}`)],
          ['find', 'a refresh', async () => await refreshBy(app, way, refresh)],
          ['insert', 'a log-in', login],
          ['insert', 'a confirmation', async () => await send(app, credential, 'POST', '/confirm', { password: ann.password })],
          ['replace', 'a refresh', async () => await refreshBy(app, way, refresh)],
          ['remove', 'a log-out', async () => await send(app, credential, 'POST', `/logout/${way.name}`)],
          ['remove', 'a confirmation', async () => await send(app, credential, 'POST', '/confirm', { password: ann.password })],
          ['remove', 'the end of another one', async () => await send(app, credential, 'DELETE', `/sessions/${otherId}`)],
          ['remove', 'the end of somebody else\'s', async () => await send(app, boss, 'DELETE', `/users/${ids.ann}/sessions/${otherId}`)],
          ['list', 'the list', async () => await send(app, credential, 'GET', '/sessions')],
          ['list', 'the list of somebody else\'s', async () => await send(app, boss, 'GET', `/users/${ids.ann}/sessions`)],
          ['removeAll', 'the end of all others', async () => await send(app, credential, 'DELETE', '/sessions')]
        ]
        if (way.name === 'cookie') cases.push(['find', 'a log-in over another one', login], ['remove', 'a log-in over another one', login])
        for (const [method, what, run] of cases) {
          fault.fail(method, failure)
          isUnavailable(t, await run(), `${method}, ${what}`)
          fault.fail()
          t.equal(await statusOf(app, way, access), 200, `${method}, ${what}: nobody is logged out`)
          t.ok(await sessions.find(otherId))
        }
        t.equal((await refreshBy(app, way, other.refresh)).statusCode, 200, 'and it works again')
        t.equal((await refreshBy(app, way, refresh)).statusCode, 200, 'with the token whose exchange failed')

        // What nobody waits for fails for nobody.
        const last = await logIn(app, way, ann)
        clock.forward(60)
        fault.fail('replace', failure)
        t.equal(await statusOf(app, way, last.access), 200)
        fault.fail()
        fault.fail('removeAll', failure)
        t.equal(await app.users.remove(ids.ann), true)
        t.equal(await statusOf(app, way, last.access), 401, 'it is over, though its row is not gone')
        t.ok(await rows() > 0)
        fault.fail()
        t.ok(log().includes('ended sessions could not be cleared away'))
        t.equal(log().includes(ann.email), false)
      }
    })
  }

  t.test(`${name}: a fault behind a changed password costs the credential, and not the change`, async (t) => {
    for (const failure of failures) {
      const { app, fault, log } = await setScene(t, strategy())
      for (const way of ways) {
        const password = way.name === 'cookie' ? ann.password : aPassword('new')
        const { access } = await logIn(app, way, { ...ann, password })
        fault.fail('insert', failure)
        const reply = await send(app, way.withAccess(access), 'PATCH', '/users/me', { password: aPassword(way.name === 'cookie' ? 'new' : 'next'), currentPassword: password })
        fault.fail()
        t.equal(reply.statusCode, 200)
        t.strictSame(reply.cookies, [])
        t.equal(reply.json<{ access_token?: string }>().access_token, undefined)
        t.equal(await statusOf(app, way, access), 401)
        await logIn(app, way, { ...ann, password: aPassword(way.name === 'cookie' ? 'new' : 'next') })
      }
      t.ok(log().includes('could not be renewed'))
    }
  })

  t.test(`${name}: a hook that fails while the store does`, async (t) => {
    for (const failure of failures) {
      for (const way of ways) {
        const { app, fault } = await setScene(t, strategy(), { hooks: { onAfterLogin: () => { fault.fail('remove', failure); throw new Error('no') } } })
        const reply = await app.inject({ method: 'POST', url: `/login/${way.name}`, payload: ann, headers: sameOrigin })
        t.equal(reply.statusCode, 503)
        t.strictSame(reply.cookies.map(({ value }) => value).filter((value) => value !== ''), [], 'nobody is logged in')
      }
    }
  })
}

t.test('a users\' store that hangs', async (t) => {
  for (const strategy of [() => jwt({ secret }), ...Object.values(strategies)]) {
    const users = memory()
    let hangs = false
    const app = await appWith(t, {
      users: { ...users, findById: async (id) => hangs ? await new Promise<never>(() => {}) : await users.findById(id), findByEmail: async (email) => hangs ? await new Promise<never>(() => {}) : await users.findByEmail(email) },
      strategy: strategy(),
      storeTimeoutMs: 50
    })
    for (const way of ways) {
      const { access } = await logIn(app, way, ann)
      hangs = true
      isUnavailable(t, await app.inject({ ...way.withAccess(access), url: '/me' }), 'a guard')
      isUnavailable(t, await app.inject({ method: 'POST', url: `/login/${way.name}`, payload: ann, headers: sameOrigin }), 'a log-in')
      hangs = false
      t.equal(await statusOf(app, way, access), 200)
    }
  }
})

t.test('what a store says is for the log, and for nobody else', async (t) => {
  const { app, fault, log } = await setScene(t, opaque())
  const { access, refresh } = await logIn(app, byBearer, ann)
  for (const failure of ['throws', 'rejects'] as const) {
    fault.fail('find', failure)
    for (const reply of [await app.inject({ ...byBearer.withAccess(access), url: '/me' }), await refreshBy(app, byBearer, refresh)]) t.equal(reply.body.includes('secret'), false)
  }
  await until(() => log().includes(driversError.message))
  for (const secret of [access, refresh, ann.email, ann.password]) t.equal(log().includes(secret), false)
})
