import type { FastifyInstance, InjectOptions } from 'fastify'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { bearer, cookie, jwt, memoryRateLimits, memorySessions, opaque, type AuditEvent, type FastifyUsersOptions, type SessionView, type Strategy } from '../../lib/index.js'
import { sweepOnce } from '../../lib/accounts/sweep.js'
import type { Accounts } from '../../lib/accounts/accounts.js'
import { newSession } from '../../lib/testing/stored-session.js'
import { aPassword, outcome, send } from '../helpers/accounts.js'
import { ann, appWith, secret } from '../helpers/app.js'
import { byBearer, byCookie, faulty, logIn, onEachPlace, refreshBy, statusOf, stoppedClock, ways, type Clock, type Way } from '../helpers/sessions.js'

const strategies: Readonly<Record<string, () => Strategy>> = {
  jwt: () => jwt({ secret, sessions: true }),
  opaque: () => opaque()
}

const bob = { email: 'bob@example.com', password: aPassword('bob') }
const root = { email: 'root@example.com', password: aPassword('root') }
const routes = { sessions: true, users: true, me: true }

interface Scene {
  readonly app: FastifyInstance
  readonly clock: Clock
  readonly ids: { readonly ann: string, readonly bob: string, readonly root: string }
  /** What was told of ends of sessions. */
  readonly events: AuditEvent[]
}

async function setScene (t: Test, given: Partial<FastifyUsersOptions> = {}): Promise<Scene> {
  const clock = stoppedClock()
  const events: AuditEvent[] = []
  const app = await appWith(t, { clock: clock.now, strategy: opaque(), routes, audit: (event) => { if (event.type.startsWith('revoke')) events.push(event) }, ...given })
  const idOf = async (email: string) => (await app.users.getByEmail(email))?.id ?? ''
  await app.users.create(bob)
  await app.users.create({ ...root, isSuperuser: true })
  return { app, clock, events, ids: { ann: await idOf(ann.email), bob: await idOf(bob.email), root: await idOf(root.email) } }
}

interface Page {
  readonly items: Array<SessionView & { readonly current: boolean }>
  readonly nextCursor: string | null
}

async function listOf (app: FastifyInstance, credential: InjectOptions, url = '/sessions'): Promise<Page> {
  const reply = await send(app, credential, 'GET', url)
  if (reply.statusCode !== 200) throw new Error(`${reply.statusCode} ${reply.body}`)
  return reply.json()
}

/** The id of the session that a credential belongs to. */
async function currentOf (app: FastifyInstance, credential: InjectOptions): Promise<string> {
  return (await listOf(app, credential)).items.find(({ current }) => current)?.id ?? ''
}

onEachPlace(t, async (t, open) => {
  for (const [name, strategy] of Object.entries(strategies)) {
    t.test(name, async (t) => {
      const { users, sessions } = await open(t)
      const { app, clock, ids, events } = await setScene(t, { users, sessions, strategy: strategy(), backends: [cookie(), bearer({ refresh: true })] })
      const iso = (): string => new Date(clock.now()).toISOString()
      t.afterEach(async () => {
        for (const id of Object.values(ids)) await sessions.removeAll(id, null)
        events.length = 0
      })

      t.test('the list: one\'s own, the latest first', async (t) => {
        const agent = 'a browser \u00e9'
        const first = iso()
        await app.inject({ method: 'POST', url: '/login/cookie', payload: ann, headers: { 'user-agent': agent, 'sec-fetch-site': 'none' }, remoteAddress: '2001:db8::1' })
        await logIn(app, byBearer, bob)
        clock.forward(5)
        const { access } = await logIn(app, byBearer, ann)
        const reply = await send(app, byBearer.withAccess(access), 'GET', '/sessions')
        t.equal(reply.headers['cache-control'], 'no-store')
        const { items, nextCursor } = reply.json<Page>()
        t.equal(nextCursor, null)
        t.match(items, [
          { backend: 'bearer', createdAt: iso(), lastSeenAt: iso(), expiresAt: new Date(clock.now() + 1_209_600_000).toISOString(), ip: '127.0.0.1', userAgent: 'lightMyRequest', current: true },
          { backend: 'cookie', createdAt: first, lastSeenAt: first, ip: '2001:db8::1', userAgent: agent, current: false }
        ])
        t.equal(items.length, 2)
        for (const item of items) t.strictSame(Object.keys(item).sort(), ['backend', 'createdAt', 'current', 'expiresAt', 'id', 'ip', 'lastSeenAt', 'userAgent'], 'no digest, and nothing that is our own business')
      })

      t.test('a list of many, page by page', async (t) => {
        const now = clock.now()
        const expected: string[] = []
        for (let i = 0; i < 120; i++) {
          // Some of the same moment.
          const createdAt = now - Math.floor(i / 3)
          const plain = newSession({ userId: ids.ann, createdAt, lastSeenAt: now, expiresAt: now + 3_600_000 })
          const epoch = (await users.findById(ids.ann))?.sessionEpoch ?? 0
          await sessions.insert({ ...plain, data: { ...plain.data, epoch, endsAt: now + 3_600_000 } })
          expected.push(plain.id)
        }
        clock.forward(1)
        const { access } = await logIn(app, byCookie, ann)
        const credential = byCookie.withAccess(access)
        for (const [query, sizes] of [['', [50, 50, 21]], ['limit=100', [100, 21]], ['limit=40', [40, 40, 40, 1]], ['limit=11', Array(11).fill(11)]] as const) {
          const seen: Page[] = []
          for (let cursor: string | null = ''; cursor !== null && seen.length < 20; cursor = seen.at(-1)?.nextCursor ?? null) {
            seen.push(await listOf(app, credential, `/sessions?${query}${cursor === '' ? '' : `&cursor=${cursor}`}`))
          }
          t.strictSame(seen.map(({ items }) => items.length), sizes)
          const items = seen.flatMap(({ items }) => items)
          t.strictSame(items.slice(1).map(({ id }) => id).sort(), [...expected].sort(), 'each of them once')
          t.strictSame(items.map(({ createdAt }) => createdAt), items.map(({ createdAt }) => createdAt).sort().reverse())
          t.strictSame(items.filter(({ current }) => current), items.slice(0, 1))
        }
      })

      t.test('what is over is not in the list', async (t) => {
        const { access } = await logIn(app, byBearer, ann)
        const now = clock.now()
        const epoch = (await users.findById(ids.ann))?.sessionEpoch ?? 0
        const alive = newSession({ userId: ids.ann, createdAt: now - 1000 })
        await sessions.insert({ ...alive, expiresAt: now + 1000, data: { ...alive.data, epoch, endsAt: now + 1000 } })
        for (let i = 0; i < 30; i++) {
          const plain = newSession({ userId: ids.ann, createdAt: now - i, expiresAt: now + 3_600_000 })
          const data = { ...plain.data, epoch, endsAt: now + 3_600_000 }
          await sessions.insert([{ ...plain, data: { ...data, epoch: epoch - 1 } }, { ...plain, expiresAt: now, data }, { ...plain, data: { ...data, endsAt: now } }][i % 3] ?? plain)
        }
        const { items, nextCursor } = await listOf(app, byBearer.withAccess(access), '/sessions?limit=5')
        t.strictSame([items.map(({ current }) => current), items[1]?.id, nextCursor], [[true, false], alive.id, null])

        const short = await listOf(app, byBearer.withAccess(access), '/sessions?limit=1')
        t.equal(short.items.length, 1)
        const next = await listOf(app, byBearer.withAccess(access), `/sessions?limit=1&cursor=${short.nextCursor}`)
        t.strictSame(next, { items: [items[1]], nextCursor: null }, 'so many pages of them are passed over')
      })

      t.test('to end one of them', async (t) => {
        for (const way of ways) {
          const [here, other, bobs] = [await logIn(app, way, ann), await logIn(app, way, ann), await logIn(app, way, bob)]
          const credential = way.withAccess(here.access)
          const [otherId, bobsId] = [await currentOf(app, way.withAccess(other.access)), await currentOf(app, way.withAccess(bobs.access))]
          const ended = await send(app, credential, 'DELETE', `/sessions/${otherId}`)
          t.strictSame([ended.statusCode, ended.body, ended.headers['set-cookie']], [204, '', undefined])
          t.strictSame([await statusOf(app, way, other.access), await statusOf(app, way, here.access)], [401, 200])
          t.match(events.splice(0), [{ type: 'revoke-session', outcome: 'success', userId: ids.ann, actorId: ids.ann }])

          for (const id of [otherId, bobsId, 'x', '%00', 'a'.repeat(43), '__proto__', "'%20or%201=1%20--"]) t.equal(await outcome(app, credential, 'DELETE', `/sessions/${id}`), '404 SESSION_NOT_FOUND', id)
          t.match(events.splice(0).slice(0, 1), [{ type: 'revoke-session', outcome: 'failure', reason: 'SESSION_NOT_FOUND' }])
          t.equal(await statusOf(app, way, bobs.access), 200, 'somebody else\'s')

          const own = await send(app, credential, 'DELETE', `/sessions/${await currentOf(app, credential)}`)
          t.equal(own.statusCode, 204)
          t.strictSame(own.cookies.map(({ name, value, maxAge }) => [name, value, maxAge]), way === byCookie ? [['fastifyusersauth', '', 0]] : [], 'the cookie goes with one\'s own')
          t.equal(await statusOf(app, way, here.access), 401)
        }
      })

      t.test('to end all others', async (t) => {
        const [here, ...others] = [await logIn(app, byBearer, ann), await logIn(app, byBearer, ann), await logIn(app, byBearer, ann)]
        const [atCookie, bobs] = [await logIn(app, byCookie, ann), await logIn(app, byBearer, bob)]
        const ended = await send(app, byBearer.withAccess(here.access), 'DELETE', '/sessions')
        t.strictSame([ended.statusCode, ended.body], [204, ''])
        t.match(events.splice(0), [{ type: 'revoke-sessions', outcome: 'success', userId: ids.ann, actorId: ids.ann }])
        for (const { access, refresh } of others) {
          t.equal(await statusOf(app, byBearer, access), 401)
          t.equal((await refreshBy(app, byBearer, refresh)).statusCode, 401)
        }
        t.equal(await statusOf(app, byCookie, atCookie.access), 401)
        t.equal(await statusOf(app, byBearer, bobs.access), 200)
        t.equal(await statusOf(app, byBearer, here.access), 200, 'it goes on as it is')
        t.equal((await refreshBy(app, byBearer, here.refresh)).statusCode, 200)
        t.equal(await outcome(app, byBearer.withAccess(others[0]?.access ?? ''), 'DELETE', '/sessions'), '401 UNAUTHORIZED')
      })

      t.test('superusers and the sessions of others', async (t) => {
        for (const way of ways) {
          const [boss, one, two] = [await logIn(app, way, root), await logIn(app, way, bob), await logIn(app, way, bob)]
          const credential = way.withAccess(boss.access)
          const url = `/users/${ids.bob}/sessions`
          const { items } = await listOf(app, credential, url)
          t.match(items, [{ backend: way.name, current: false }, { backend: way.name, current: false }])
          t.equal(items.length, 2)
          t.ok((await listOf(app, credential, `/users/${ids.root}/sessions`)).items.some(({ current }) => current), 'among one\'s own it is told which')

          const id = await currentOf(app, way.withAccess(one.access))
          t.equal(await outcome(app, credential, 'DELETE', `/users/${ids.ann}/sessions/${id}`), '404 SESSION_NOT_FOUND', 'of another user')
          t.equal(await statusOf(app, way, one.access), 200)
          t.equal(await outcome(app, credential, 'DELETE', `${url}/${id}`), '204')
          t.match(events.at(-1), { type: 'revoke-session', outcome: 'success', userId: ids.bob, actorId: ids.root })
          t.equal(await outcome(app, credential, 'DELETE', `${url}/${id}`), '404 SESSION_NOT_FOUND')
          t.strictSame([await statusOf(app, way, one.access), await statusOf(app, way, two.access)], [401, 200])
          t.equal(await outcome(app, credential, 'DELETE', url), '204')
          t.match(events.at(-1), { type: 'revoke-sessions', outcome: 'success', userId: ids.bob, actorId: ids.root })
          t.equal(await statusOf(app, way, two.access), 401)
          t.strictSame((await listOf(app, credential, url)).items, [])
          for (const [method, path] of [['GET', ''], ['DELETE', ''], ['DELETE', '/x']] as const) {
            for (const nobody of ['x', '%00', '01a1fc78-963f-7a88-9b6e-3444ca93a5fc']) t.equal(await outcome(app, credential, method, `/users/${nobody}/sessions${path}`), '404 USER_NOT_FOUND')
          }
        }
      })
    })
  }
})

t.test('without these groups there are no such routes', async (t) => {
  for (const [routes, own, others] of [[{}, 404, 404], [{ users: true }, 404, 404], [{ sessions: true }, 200, 404], [{ sessions: true, users: true }, 200, 200]] as const) {
    const { app, ids } = await setScene(t, { routes })
    const credential = byBearer.withAccess((await logIn(app, byBearer, root)).access)
    t.equal((await send(app, credential, 'GET', '/sessions')).statusCode, own)
    t.equal((await send(app, credential, 'GET', `/users/${ids.bob}/sessions`)).statusCode, others)
  }
})

t.test('what the query may say', async (t) => {
  const { app } = await setScene(t)
  const credential = byBearer.withAccess((await logIn(app, byBearer, ann)).access)
  for (const query of ['limit=0', 'limit=101', 'limit=-1', 'limit=1.5', 'limit=x', 'limit=', 'limit=1&limit=2', 'cursor=', 'cursor=1&cursor=2', `cursor=${'1'.repeat(65)}`]) t.equal(await outcome(app, credential, 'GET', `/sessions?${query}`), '400 FST_ERR_VALIDATION', query)
  for (const cursor of ['x', '1', '1.', '.x', `${'1'.repeat(16)}.x`, `1.${'x'.repeat(61)}!`, '1.x%00', '1.x%20or%201=1', '-1.x']) t.equal(await outcome(app, credential, 'GET', `/sessions?cursor=${cursor}`), '400 FST_USERS_INVALID_USER', cursor)
  t.strictSame((await listOf(app, credential, '/sessions?cursor=0.x')).items, [])
  t.equal((await listOf(app, credential, '/sessions?other=1')).items.length, 1)
})

t.test('sessions in several places are one list', async (t) => {
  const { app, clock } = await setScene(t, { backends: [cookie({ strategy: opaque({ sessions: memorySessions() }) }), bearer({ strategy: jwt({ secret, sessions: memorySessions() }) })] })
  const created: string[] = []
  for (let i = 0; i < 20; i++) {
    await logIn(app, ways[i % 2] as Way, ann)
    created.unshift(new Date(clock.now()).toISOString())
    // Two at each moment, in the two places.
    clock.forward(i % 2)
  }
  const { access } = await logIn(app, byBearer, ann)
  const credential = byBearer.withAccess(access)
  const all = await listOf(app, credential)
  t.equal(all.items.length, 21)
  t.strictSame(all.items.slice(1).map(({ createdAt }) => createdAt), created)
  const paged: string[] = []
  for (let cursor: string | null = ''; cursor !== null && paged.length < 30;) {
    const page = await listOf(app, credential, `/sessions?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`)
    paged.push(...page.items.map(({ id }) => id))
    cursor = page.nextCursor
  }
  t.strictSame(paged, all.items.map(({ id }) => id))

  for (const { id, current } of all.items.slice(0, 5)) if (!current) t.equal(await outcome(app, credential, 'DELETE', `/sessions/${id}`), '204')
  t.equal((await listOf(app, credential)).items.length, 17)
  t.equal(await outcome(app, credential, 'DELETE', '/sessions'), '204')
  t.strictSame((await listOf(app, credential)).items.map(({ current }) => current), [true])
})

t.test('one\'s own current session with refresh tokens: both cookies go', async (t) => {
  const { app } = await setScene(t, { backends: [cookie({ refresh: true })], routes: { ...routes, deleteMe: true } })
  const both = [['fastifyusersauth', '/', 0], ['fastifyusersauth_refresh', '/refresh/cookie', 0]]
  const credential = async () => byCookie.withAccess((await logIn(app, byCookie, ann)).access)
  const one = await credential()
  const ended = await send(app, one, 'DELETE', `/sessions/${await currentOf(app, one)}`)
  t.strictSame(ended.cookies.map(({ name, path, maxAge }) => [name, path, maxAge]), both)
  const removed = await send(app, await credential(), 'DELETE', '/users/me', { currentPassword: ann.password })
  t.strictSame([removed.statusCode, removed.cookies.map(({ name, path, maxAge }) => [name, path, maxAge])], [204, both])
})

t.test('what is kept of the client is cut, and may be nothing', async (t) => {
  const { app } = await setScene(t, { routeOptions: { login: { onRequest (request, _reply, done) { if (request.headers['user-agent'] === 'none') delete request.headers['user-agent']; done() } } } })
  const login = async (agent: string) => byBearer.tokensOf(await app.inject({ method: 'POST', url: '/login/bearer', payload: ann, headers: { 'user-agent': agent } })).access
  await login('x'.repeat(600))
  const { items } = await listOf(app, byBearer.withAccess(await login('none')))
  t.strictSame(items.map(({ userAgent }) => userAgent).sort(), [null, 'x'.repeat(512)])
})

t.test('an address that a client makes up, where each is believed, is cut', async (t) => {
  const app = await appWith(t, { strategy: opaque(), routes }, { server: { trustProxy: true } })
  const { access } = byBearer.tokensOf(await app.inject({ method: 'POST', url: '/login/bearer', payload: ann, headers: { 'x-forwarded-for': 'x'.repeat(600) } }))
  const { items } = await listOf(app, byBearer.withAccess(access))
  t.strictSame(items.map(({ ip }) => ip), ['x'.repeat(64)])
})

t.test('what has expired is swept out, an hour later, a little at a time', async (t) => {
  const clock = stoppedClock()
  const now = clock.now()
  const store = memorySessions()
  const kept = [newSession({ expiresAt: now - 3_599_999 }), newSession({ expiresAt: now })]
  const gone = Array.from({ length: 1500 }, () => newSession({ expiresAt: now - 3_600_000 }))
  // Whose insert purges nothing by itself.
  for (const session of [...kept, ...gone]) await store.insert({ ...session, createdAt: 0 })
  const { store: watched, calls } = faulty(store)
  await sweepOnce({ sessions: [watched, memorySessions()], buckets: memoryRateLimits(), clock: clock.now } as unknown as Accounts)
  t.ok((calls().purge ?? 0) > 1, 'until there is nothing left')
  for (const { id } of kept) t.ok(await store.find(id))
  for (const { id } of gone) t.equal(await store.find(id), null)

  let purges = 0
  await sweepOnce({ sessions: [{ ...memorySessions(), purge: () => { purges++; return 1000 } }], buckets: memoryRateLimits(), clock: clock.now } as unknown as Accounts)
  t.equal(purges, 10, 'the rest is for the next time')
})

t.test('a sweep goes on where a store fails, and tells of each', async (t) => {
  const errors: unknown[] = []
  const swept: string[] = []
  const store = (name: string, fails: boolean): object => ({ purge: async () => { swept.push(name); if (fails) throw new Error(name); return 0 } })
  const log = { error: ({ err }: { err: Error }) => { errors.push(err.message) } }
  await sweepOnce({ sessions: [store('a', true), store('b', false), store('c', true)], buckets: store('limits', true), clock: Date.now, log } as unknown as Accounts)
  t.strictSame(swept, ['a', 'b', 'c', 'limits'])
  t.strictSame(errors, ['a', 'c', 'limits'])
})

t.test('it is swept once a minute, until the app closes', async (t) => {
  const { store, calls } = faulty(memorySessions())
  mock.timers.enable({ apis: ['setInterval'] })
  t.after(() => { mock.timers.reset() })
  const { app } = await setScene(t, { sessions: store })
  const purges = async (): Promise<number> => {
    mock.timers.tick(60_000)
    await new Promise((resolve) => { setImmediate(resolve) })
    return calls().purge ?? 0
  }
  t.equal(await purges(), 1)
  t.equal(await purges(), 1)
  store.purge = () => { throw new Error('down') }
  t.equal(await purges(), 0, 'that it fails is for the log')
  t.equal(await statusOf(app, byBearer, (await logIn(app, byBearer, ann)).access), 200)
  await app.close()
  t.equal(await purges(), 0)
})

t.test('past pages of nothing but ended sessions the list goes on, but not for ever', async (t) => {
  const sessions = memorySessions()
  const { app, ids, clock } = await setScene(t, { sessions })
  const credential = byBearer.withAccess((await logIn(app, byBearer, ann)).access)
  const now = clock.now()
  for (let i = 0; i < 100; i++) {
    const ended = newSession({ userId: ids.ann, createdAt: now - 1 - i, expiresAt: now })
    await sessions.insert(ended)
  }
  const alive = newSession({ userId: ids.ann, createdAt: now - 1000, expiresAt: now + 1000 })
  await sessions.insert(alive)
  const pages: Page[] = []
  for (let cursor: string | null = ''; cursor !== null && pages.length < 10; cursor = pages.at(-1)?.nextCursor ?? null) {
    pages.push(await listOf(app, credential, `/sessions?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`))
  }
  t.strictSame(pages.map(({ items }) => items.length), [1, 0, 1])
  t.equal(pages.at(-1)?.items[0]?.id, alive.id)
})
