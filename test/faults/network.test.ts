import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import mysql2 from 'mysql2/promise'
import pg from 'pg'
import t, { type Test } from 'tap'
import { bearer, cookie, memory, opaque, type FastifyUsersOptions, type UserStore } from '../../lib/index.js'
import { redisSessions } from '../../lib/stores/redis/index.js'
import { mysql, postgres } from '../../lib/stores/sql/index.js'
import { aPassword } from '../helpers/accounts.js'
import { appWith, sameOrigin } from '../helpers/app.js'
import { eventually as patiently, freshPrefix, noRedis, redisClient, sharedRedis, skipped } from '../helpers/redis.js'
import { mariadbServer, noMariadb, noPostgres, postgresServer } from '../helpers/servers.js'
import { refreshBy, ways, type Way } from '../helpers/sessions.js'
import { tcpProxy, type Mode, type TcpProxy } from '../helpers/tcp-proxy.js'

const ann = { email: 'ann@example.com', password: aPassword('first') } as const

/** How long a driver waits, and the app: milliseconds. */
const driverMs = 500
const storeTimeoutMs = 600

/** In which ways a network fails so that nothing at all works. */
const outages: Readonly<Record<string, Mode>> = {
  'a closed port': 'refuse',
  'a black hole': 'stall',
  'replies that are lost': { replyBytes: 0, then: 'cut' },
  'half a reply, then the end': { replyBytes: 20, then: 'cut' },
  'half a reply, then silence': { replyBytes: 20, then: 'stall' }
}

/** Where connections break in the replies to some requests: after how many bytes. */
const places: readonly Mode[] = [
  ...Array.from({ length: 16 }, (_, index): Mode => ({ replyBytes: Math.round(40 * 1.45 ** index), then: 'cut' })),
  ...[100, 600, 1800, 4000].map((replyBytes): Mode => ({ replyBytes, then: 'stall' }))
]

/** A place behind a proxy. */
interface Site {
  readonly proxy: TcpProxy
  readonly stores: Pick<FastifyUsersOptions, 'users' | 'sessions'>
  /** Whether users are behind the proxy, too, and not only sessions. */
  readonly hasUsers: boolean
}

const sites: Readonly<Record<string, (t: Test) => Promise<Site | string>>> = {
  async PostgreSQL (t) {
    const server = await postgresServer()
    if (server === null) return noPostgres
    const { host, port, user, database } = server.options
    const tablePrefix = freshTables(t, async (sql) => await server.query(sql), async () => { await server.end() })
    const proxy = await tcpProxy(t, { host: host as string, port: port as number })
    const pool = new pg.Pool({ host: '127.0.0.1', port: proxy.port, user, database, connectionTimeoutMillis: driverMs, query_timeout: driverMs })
    pool.on('error', () => {})
    t.after(() => { pool.end().catch(() => {}) })
    return { proxy, hasUsers: true, stores: { users: await patiently(() => postgres(pool, { tablePrefix })) } }
  },

  async MariaDB (t) {
    const server = await mariadbServer()
    if (server === null) return noMariadb
    const { host, port, ...account } = addressOf(server)
    const tablePrefix = freshTables(t, async (sql) => await server.query(sql), async () => { await server.end() })
    const proxy = await tcpProxy(t, { host, port })
    const pool = mysql2.createPool({ ...account, host: '127.0.0.1', port: proxy.port, connectTimeout: driverMs })
    t.after(() => { pool.end().catch(() => {}) })
    return { proxy, hasUsers: true, stores: { users: await patiently(() => mysql(pool, { tablePrefix })) } }
  },

  async Redis (t) {
    const server = await sharedRedis(t)
    if (server === null) return noRedis
    const prefix = freshPrefix(t, server)
    const proxy = await tcpProxy(t, { host: server.options.host as string, port: server.options.port as number })
    const client = redisClient(t, { host: '127.0.0.1', port: proxy.port, connectTimeout: driverMs, commandTimeout: driverMs })
    return { proxy, hasUsers: false, stores: { users: memory(), sessions: redisSessions(client, { prefix }) } }
  }
}

/** What nobody has caught. */
const uncaught: unknown[] = []
process.on('unhandledRejection', (error) => { uncaught.push(error) })
process.on('uncaughtExceptionMonitor', (error) => { uncaught.push(error) })

// They mostly wait.
t.jobs = 5

for (const [name, open] of Object.entries(sites)) {
  t.test(name, { buffered: true }, async (t) => {
    const site = await open(t)
    if (typeof site === 'string') return skipped(t, site)
    const { proxy, stores, hasUsers } = site
    const app = await appOn(t, stores)
    await eventually(() => register(app, ann.email), 201, 400)
    const kept = new Map<Way, Tokens>()
    for (const way of ways) kept.set(way, await logIn(app, way))

    for (const [outage, mode] of Object.entries(outages)) {
      await t.test(outage, async (t) => {
        const victims = new Map<Way, Victims>()
        for (const way of ways) victims.set(way, { leaving: await logIn(app, way), refreshing: await logIn(app, way) })

        await proxy.become(mode)
        const replies = await Promise.all([
          ...hasUsers ? [register(app)] : [],
          ...ways.flatMap((way) => askAll(app, way, kept.get(way) as Tokens, victims.get(way) as Victims))
        ])
        for (const reply of replies) isUnavailable(t, reply)

        await proxy.become('pass')
        for (const way of ways) {
          const { access } = kept.get(way) as Tokens
          const { leaving, refreshing } = victims.get(way) as Victims
          await eventually(() => get(app, way, access, '/me'), 200)
          await goesOn(app, way, refreshing.refresh)
          await eventually(() => logOut(app, way, leaving.access), 200, 401)
          await eventually(() => get(app, way, leaving.access, '/me'), 401)
          const listed = await eventually(() => get(app, way, access, '/sessions'), 200)
          t.equal(listed.json<{ items: Array<{ current: boolean }> }>().items.filter(({ current }) => current).length, 1)
          await logIn(app, way)
        }
        await eventually(() => register(app), 201)
      })
    }

    await t.test('a connection that breaks anywhere', async (t) => {
      const seen = new Set<number>()

      /** Whether a request was answered well, while a connection broke; else it was 503. */
      async function isAnswered (mode: Mode, ask: () => Promise<LightMyRequestResponse>): Promise<LightMyRequestResponse | null> {
        await proxy.become(mode)
        const reply = await ask()
        await proxy.become('pass')
        seen.add(reply.statusCode)
        if (reply.statusCode === 200) return reply
        isUnavailable(t, reply)
        return null
      }

      for (const [index, mode] of places.entries()) {
        const way = ways[index % ways.length] as Way
        const before = await logIn(app, way)
        const refreshed = await isAnswered(mode, () => refreshBy(app, way, before.refresh))
        await goesOn(app, way, refreshed === null ? before.refresh : way.tokensOf(refreshed).refresh as string)

        const leaving = await logIn(app, way)
        const left = await isAnswered(mode, () => logOut(app, way, leaving.access))
        if (left === null) await eventually(() => logOut(app, way, leaving.access), 200, 401)
        await eventually(() => get(app, way, leaving.access, '/me'), 401)

        const started = await isAnswered(mode, () => tryLogIn(app, way))
        if (started !== null) await eventually(() => get(app, way, way.tokensOf(started).access, '/me'), 200)
      }
      t.strictSame([...seen].sort(), [200, 503])
    })

    if (hasUsers) {
      await t.test('a new password, while a connection breaks anywhere', async (t) => {
        const seen = new Set<number>()
        for (const [index, mode] of places.entries()) {
          const way = ways[index % ways.length] as Way
          const email = `${randomBytes(6).toString('hex')}@example.com`
          await eventually(() => register(app, email), 201, 400)
          const { access } = await logIn(app, way, { email, password: ann.password })
          const password = aPassword('next')
          await proxy.become(mode)
          const reply = await app.inject({ ...way.withAccess(access), method: 'PATCH', url: '/users/me', payload: { password, currentPassword: ann.password } })
          await proxy.become('pass')
          seen.add(reply.statusCode)

          const next = await eventually(() => tryLogIn(app, way, { email, password }), 200, 400)
          const before = await eventually(() => tryLogIn(app, way, { email, password: ann.password }), 200, 400)
          t.strictSame([next.statusCode, before.statusCode].sort(), [200, 400], 'one of them is good')
          if (reply.statusCode === 200) t.equal(next.statusCode, 200, 'the new one, where that was told')
          else isUnavailable(t, reply)
          await eventually(() => get(app, way, access, '/me'), next.statusCode === 200 ? 401 : 200)
        }
        t.strictSame([...seen].sort(), [200, 503])
      })
    }

    for (const then of ['cut', 'stall'] as const) {
      await t.test(`an exchange that was done and not answered: ${then}`, async (t) => {
        for (const way of ways) {
          const { access, refresh } = await exchangeInVain(t, app, way, proxy, then)
          t.equal((await eventually(() => get(app, way, access, '/me'), 200, 401)).statusCode, 401, 'it was done')
          const again = await insist(t, app, way, proxy, refresh)
          await goesOn(app, way, again)
          t.equal((await eventually(() => refreshBy(app, way, refresh), 401)).statusCode, 401)
        }
      })
    }

    await t.test('a slow network', async () => {
      await proxy.become({ delayMs: 5 })
      for (const way of ways) {
        await eventually(() => get(app, way, (kept.get(way) as Tokens).access, '/me'), 200)
        await goesOn(app, way, (await logIn(app, way)).refresh)
      }
      await proxy.become('pass')
    })
  })
}

const exhausted: Readonly<Record<string, (t: Test) => Promise<Exhausted | string>>> = {
  async PostgreSQL (t) {
    const server = await postgresServer()
    if (server === null) return noPostgres
    const { host, port, user, database } = server.options
    const tablePrefix = freshTables(t, async (sql) => await server.query(sql), async () => { await server.end() })
    const pool = new pg.Pool({ host, port, user, database, max: 1 })
    t.after(() => pool.end())
    return {
      users: await postgres(pool, { tablePrefix }),
      async take () {
        const connection = await pool.connect()
        return () => { connection.release() }
      }
    }
  },

  async MariaDB (t) {
    const server = await mariadbServer()
    if (server === null) return noMariadb
    const tablePrefix = freshTables(t, async (sql) => await server.query(sql), async () => { await server.end() })
    const pool = mysql2.createPool({ ...addressOf(server), connectionLimit: 1 })
    t.after(() => pool.end())
    return {
      users: await mysql(pool, { tablePrefix }),
      async take () {
        const connection = await pool.getConnection()
        return () => { connection.release() }
      }
    }
  }
}

for (const [name, open] of Object.entries(exhausted)) {
  t.test(`somebody else has the only connection: ${name}`, { buffered: true }, async (t) => {
    const opened = await open(t)
    if (typeof opened === 'string') return skipped(t, opened)
    const { users, take } = opened
    const app = await appOn(t, { users })
    await eventually(() => register(app, ann.email), 201, 400)

    for (const way of ways) {
      const kept = await logIn(app, way)
      const victims = { leaving: await logIn(app, way), refreshing: await logIn(app, way) }
      const release = await take()
      try {
        for (const reply of await Promise.all([register(app), ...askAll(app, way, kept, victims)])) isUnavailable(t, reply)
      } finally {
        release()
      }
      await eventually(() => get(app, way, kept.access, '/me'), 200)
      await goesOn(app, way, victims.refreshing.refresh)
      await eventually(() => logOut(app, way, victims.leaving.access), 200)
      await logIn(app, way)
      await eventually(() => register(app), 201)
    }
  })
}

t.test('a PostgreSQL that can only be read', { buffered: true }, async (t) => {
  const server = await postgresServer()
  if (server === null) return skipped(t, noPostgres)
  const { host, port, user, database } = server.options
  const tablePrefix = freshTables(t, async (sql) => await server.query(sql), async () => { await server.end() })
  const replica = new pg.Pool({ host, port, user, database, options: '-c default_transaction_read_only=on' })
  t.after(() => replica.end())
  const app = await appOn(t, { users: await postgres(server, { tablePrefix }) })
  // So late that it would write when a session was seen, at each request.
  const reading = await appOn(t, { users: await postgres(replica, { tablePrefix }), clock: () => Date.now() + 120_000 })
  await eventually(() => register(app, ann.email), 201, 400)

  for (const way of ways) {
    const { access, refresh } = await logIn(app, way)
    for (const url of ['/me', '/sessions', '/me']) await eventually(() => get(reading, way, access, url), 200)
    const refused = await Promise.all([register(reading), tryLogIn(reading, way), refreshBy(reading, way, refresh), logOut(reading, way, access)])
    for (const reply of refused) isUnavailable(t, reply)
    await eventually(() => get(reading, way, access, '/me'), 200)
    await eventually(() => get(app, way, access, '/me'), 200)
    await goesOn(app, way, refresh)
  }
})

t.test('nothing was left uncaught', async (t) => {
  t.strictSame(uncaught, [])
})

/** A pool of one connection. */
interface Exhausted {
  readonly users: UserStore
  /** Takes the connection; the result gives it back. */
  take (): Promise<() => void>
}

/** What a client was given. */
interface Tokens {
  readonly access: string
  readonly refresh: string
}

/** Sessions that are asked for what would end or change them. */
interface Victims {
  readonly leaving: Tokens
  readonly refreshing: Tokens
}

async function appOn (t: Test, stores: Pick<FastifyUsersOptions, 'users' | 'sessions' | 'clock'>): Promise<FastifyInstance> {
  return await appWith(t, {
    ...stores,
    strategy: opaque(),
    backends: [cookie({ refresh: true }), bearer({ refresh: true })],
    routes: { register: true, me: true, sessions: true },
    storeTimeoutMs,
    // What is remembered is no answer of the store that is cut off here.
    cacheSeconds: 0
  }, { seed: false })
}

/** All that a client may want of a place where sessions live. */
function askAll (app: FastifyInstance, way: Way, { access }: Tokens, { leaving, refreshing }: Victims): Array<Promise<LightMyRequestResponse>> {
  return [tryLogIn(app, way), get(app, way, access, '/me'), get(app, way, access, '/sessions'), refreshBy(app, way, refreshing.refresh), logOut(app, way, leaving.access)]
}

/** Asks until the answer is one of these; none may come before it but 503. */
async function eventually (ask: () => Promise<LightMyRequestResponse>, ...expected: number[]): Promise<LightMyRequestResponse> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const reply = await ask()
    if (expected.includes(reply.statusCode)) return reply
    if (reply.statusCode !== 503) throw new Error(`${reply.statusCode} ${reply.body} instead of ${expected.join(' or ')}`)
    await sleep(50)
  }
  throw new Error(`still 503 instead of ${expected.join(' or ')}`)
}

/** A session goes on by a refresh token, however often that takes; and from there. */
async function goesOn (app: FastifyInstance, way: Way, token: string): Promise<void> {
  const { access = '', refresh = '' } = way.tokensOf(await eventually(() => refreshBy(app, way, token), 200))
  await eventually(() => get(app, way, access, '/me'), 200)
  await eventually(() => refreshBy(app, way, refresh), 200)
}

/** A session whose tokens were exchanged, of which the app was not told. A slow machine may be too late even to ask for it. */
async function exchangeInVain (t: Test, app: FastifyInstance, way: Way, proxy: TcpProxy, then: 'cut' | 'stall'): Promise<Tokens> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const tokens = await logIn(app, way)
    const before = proxy.brokenDown
    await proxy.become({ noReplyTo: '"usedDigest":"', then })
    const reply = await refreshBy(app, way, tokens.refresh)
    const isDone = proxy.brokenDown > before
    await proxy.become('pass')
    isUnavailable(t, reply)
    if (isDone) return tokens
  }
  throw new Error('no exchange was done')
}

/** Sends a refresh token again and again while the network is still bad; gives the newest one that came of it. */
async function insist (t: Test, app: FastifyInstance, way: Way, proxy: TcpProxy, token: string): Promise<string> {
  for (const mode of places.filter((place) => typeof place === 'object' && 'then' in place && place.then === 'cut')) {
    await proxy.become(mode)
    const reply = await refreshBy(app, way, token)
    await proxy.become('pass')
    if (reply.statusCode === 200) return way.tokensOf(reply).refresh as string
    isUnavailable(t, reply)
  }
  return token
}

async function tryLogIn (app: FastifyInstance, { name }: Way, who: { email: string, password: string } = ann): Promise<LightMyRequestResponse> {
  return await app.inject({ method: 'POST', url: `/login/${name}`, payload: who, headers: sameOrigin })
}

async function logIn (app: FastifyInstance, way: Way, who: { email: string, password: string } = ann): Promise<Tokens> {
  const { access, refresh = '' } = way.tokensOf(await eventually(() => tryLogIn(app, way, who), 200))
  return { access, refresh }
}

async function logOut (app: FastifyInstance, way: Way, token: string): Promise<LightMyRequestResponse> {
  return await app.inject({ ...way.withAccess(token), method: 'POST', url: `/logout/${way.name}` })
}

async function get (app: FastifyInstance, way: Way, token: string, url: string): Promise<LightMyRequestResponse> {
  return await app.inject({ ...way.withAccess(token), url })
}

/** Somebody else each time: an earlier try may have been heard after all. */
async function register (app: FastifyInstance, email = `${randomBytes(6).toString('hex')}@example.com`): Promise<LightMyRequestResponse> {
  return await app.inject({ method: 'POST', url: '/register', payload: { ...ann, email }, headers: sameOrigin })
}

/** Neither logged in nor out, and told nothing but when to come back. */
function isUnavailable (t: Test, reply: LightMyRequestResponse): void {
  const { statusCode, code, message } = reply.json<{ statusCode: number, code: string, message: string }>()
  t.strictSame([reply.statusCode, statusCode, code, message], [503, 503, 'FST_USERS_UNAVAILABLE', 'The service is not available at the moment.'])
  t.match(reply.headers, { 'retry-after': '5', 'cache-control': 'no-store' })
  t.notOk('set-cookie' in reply.headers)
}

/** Where a pool of mysql2 leads to. */
function addressOf ({ pool }: mysql2.Pool): Address {
  const { host, port, user, password, database } = (pool.config as unknown as { connectionConfig: Address }).connectionConfig
  return { host, port, user, password, database }
}

interface Address {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/** The prefix of tables of this test alone. */
function freshTables (t: Test, run: (sql: string) => Promise<unknown>, end: () => Promise<void>): string {
  const tablePrefix = `test_${randomBytes(6).toString('hex')}`
  t.after(async () => {
    for (const table of ['', '_sessions', '_revocations', '_limits', '_migrations']) await run(`drop table if exists ${tablePrefix}${table}`)
    await end()
  })
  return tablePrefix
}
