import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Libsql from 'libsql'
import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { jwt, memory, memoryRevocations, type UserStore } from '../../lib/index.js'
import { cheapHashes, userStoreContract } from '../../lib/testing/index.js'
import { plainEnv } from '../helpers/program.js'
import { freshPrefix, keysOf, noRedis, noRedisProgram, ownRedis, sharedRedis, skipped } from '../helpers/redis.js'
import { noPostgres, postgresServer } from '../helpers/servers.js'
import { loadTutorial } from '../helpers/tutorial.js'
import { createUser, loginAs, password } from '../helpers/tutorial-users.js'
import { noShell, tryTutorial } from '../helpers/try-tutorial.js'

const run = promisify(execFile)

t.test('testing: its own tests pass', async (t) => {
  await loadTutorial('testing')
  const { stdout } = await run(process.execPath, ['--test-reporter=tap', fileURLToPath(new URL('../../build/test-learn/testing.js', import.meta.url))], { env: plainEnv() })
  t.match(stdout, /^# pass 5$/m)
  t.match(stdout, /^# fail 0$/m)
})

t.test('postgres', async (t) => {
  const pool = await postgresServer()
  if (pool === null) return skipped(t, noPostgres)
  const tablePrefix = `learn_test_${randomBytes(4).toString('hex')}`
  t.teardown(async () => {
    await pool.query(['', '_sessions', '_revocations', '_limits', '_migrations'].map((table) => `drop table if exists ${tablePrefix}${table}`).join(';'))
    await pool.end()
  })
  const { host, port, user, database } = pool.options
  const url = `postgres://${user}@${host}:${port}/${database}`

  const { buildApp, migrate } = await loadTutorial('postgres') as unknown as { buildApp (settings: object): Promise<FastifyInstance>, migrate (settings: object): Promise<void> }
  const settings = { url, tablePrefix, passwords: cheapHashes }
  await t.rejects(buildApp(settings), { code: 'FST_USERS_SCHEMA_VERSION' }, 'the tables are made at deployment')
  await Promise.all([migrate(settings), migrate(settings)])

  const first = await buildApp(settings)
  const second = await buildApp(settings)
  const ann = await createUser(first)
  const headers = await loginAs(first, ann, 'bearer')
  t.equal((await second.inject({ url: '/users/me', headers })).json<{ id: string }>().id, ann.id, 'known to another process')
  t.strictSame((await second.inject({ url: '/age', headers })).json(), { days: 0 })
  t.equal((await second.inject('/ready')).body, 'ok')
  const { rows } = await pool.query<{ count: string }>(`select count(*) from ${tablePrefix}_sessions`)
  t.equal(rows[0]?.count, '1')
  await second.inject({ method: 'POST', url: '/logout/bearer', headers })
  t.equal((await first.inject({ url: '/users/me', headers })).statusCode, 401)
  await Promise.all([first.close(), second.close()])

  await t.test('its lines', { skip: noShell }, (t) => tryTutorial(t, 'postgres', { DATABASE_URL: url, TABLE_PREFIX: tablePrefix }))
})

t.test('redis', async (t) => {
  const client = await sharedRedis(t)
  if (client === null) return skipped(t, noRedis)
  const { host, port } = client.options
  const url = `redis://${host}:${port}`
  const keyPrefix = freshPrefix(t, client)
  const app = await open(t, { url, keyPrefix })
  const ann = await createUser(app)

  const headers = await loginAs(app, ann, 'bearer')
  t.equal((await app.inject({ url: '/hello', headers })).body, `Hello ${ann.email}`)
  const kinds = (keys: string[]) => [...new Set(keys.map((key) => key.slice(keyPrefix.length).replace(/:.*/, '')))].sort()
  t.strictSame(kinds(await keysOf(client, keyPrefix)), ['session', 'user'])
  await app.inject({ method: 'POST', url: '/login/bearer', payload: { email: ann.email, password: `not ${password}` } })
  t.strictSame(kinds(await keysOf(client, keyPrefix)), ['limit', 'session', 'user'])

  const text = JSON.stringify(await Promise.all((await keysOf(client, keyPrefix)).map(async (key) => [key, await client.dump(key)])))
  for (const secret of [headers.authorization?.slice('Bearer '.length) ?? '', ann.email]) t.notMatch(text, secret, 'no token and no address is in Redis')

  await t.test('its lines', { skip: noShell }, (t) => tryTutorial(t, 'redis', { REDIS_URL: url, KEY_PREFIX: keyPrefix }))
})

t.test('redis: while it is away, nobody is taken for logged out', async (t) => {
  const server = await ownRedis(t)
  if (server === null) return skipped(t, noRedisProgram)
  const app = await open(t, { url: `redis://127.0.0.1:${server.port}` })
  const headers = await loginAs(app, await createUser(app), 'bearer')
  await server.kill()
  const { statusCode, headers: { 'retry-after': retryAfter } } = await app.inject({ url: '/hello', headers })
  t.strictSame([statusCode, retryAfter], [503, '5'])
})

async function open (t: Test, settings: object): Promise<FastifyInstance> {
  const { buildApp } = await loadTutorial('redis')
  const app = await buildApp({ users: memory(), passwords: cheapHashes, ...settings })
  t.after(() => app.close())
  return app
}

t.test('prisma', async (t) => {
  const { prismaStore, buildApp } = await loadTutorial('prisma') as unknown as { prismaStore (prisma: object): UserStore, buildApp (settings: object): Promise<FastifyInstance> }
  await t.test('the contract', async (t) => {
    const prisma = likePrisma(t)
    for (const { name, run } of userStoreContract(() => prismaStore(prisma))) t.test(name, run)
  })

  const app = await buildApp({ prisma: likePrisma(t), passwords: cheapHashes, strategy: jwt({ secret: randomBytes(32), revocations: memoryRevocations() }) })
  t.after(() => app.close())
  const ann = await createUser(app)
  const headers = await loginAs(app, ann, 'bearer')
  t.equal((await app.inject({ url: '/users/me', headers })).json<{ email: string }>().email, ann.email)
  t.equal((await app.inject({ method: 'POST', url: '/register', payload: { email: ann.email, password: 'staple battery horse' } })).json<{ code: string }>().code, 'REGISTER_USER_ALREADY_EXISTS')
})

/** What the store uses of a client of Prisma's, over a real table. A generated client is too large to install for a test. */
function likePrisma (t: Test): object {
  const columns = ['id', 'email', 'emailKey', 'passwordHash', 'isActive', 'isVerified', 'isSuperuser', 'createdAt', 'updatedAt', 'version', 'sessionEpoch', 'pendingTokens', 'fields']
  const flags = ['isActive', 'isVerified', 'isSuperuser']
  type Values = Record<string, unknown>
  const database = new Libsql(':memory:')
  t.teardown(() => { database.close() })
  database.exec(`create table users (${columns.join(',')}, primary key (id), unique (emailKey)); create table locks (name primary key, turns)`)

  const toSql = (value: unknown): unknown => typeof value === 'boolean' ? Number(value) : value
  const toRow = (found: Values | undefined): Values | null => found === undefined ? null : Object.fromEntries(columns.map((column) => [column, flags.includes(column) ? found[column] === 1 : found[column]]))
  function statement (sql: string, values: unknown[]): { all: () => Values[], run: () => { count: number } } {
    const prepared = database.prepare(sql)
    const bound = values.map(toSql)
    return { all: () => prepared.all(...bound) as Values[], run: () => ({ count: prepared.run(...bound).changes }) }
  }
  const equal = (where: Values): string => Object.keys(where).map((key) => `${key} = ?`).join(' and ')
  const write = (work: () => { count: number }): { count: number } => {
    try {
      return work()
    } catch (error) {
      throw String((error as { code?: string }).code).startsWith('SQLITE_CONSTRAINT') ? Object.assign(new Error('taken'), { code: 'P2002' }) : error
    }
  }

  /** @param inTurn when a statement is run: statements of others do not get into a transaction */
  const tables = (inTurn: <T>(work: () => T | Promise<T>) => Promise<T>): object => ({
    user: {
      create: ({ data }: { data: Values }) => inTurn(() => write(() => statement(`insert into users (${columns.join(',')}) values (${columns.map(() => '?').join(',')})`, columns.map((column) => data[column])).run())),
      findUnique: ({ where }: { where: Values }) => inTurn(() => toRow(statement(`select * from users where ${equal(where)}`, Object.values(where)).all()[0])),
      // As Prisma's own: the signs of LIKE are not taken for what they are.
      findMany: ({ where: { id, emailKey }, take }: { where: { id: { gt: string }, emailKey?: { contains: string } }, take: number }) => inTurn(() => statement('select * from users where id > ? and emailKey like ? order by id limit ?', [id.gt, `%${emailKey?.contains ?? ''}%`, take]).all().map(toRow)),
      updateMany: ({ where, data }: { where: Values, data: Values }) => inTurn(() => write(() => statement(`update users set ${equal(data).replaceAll(' and ', ', ')} where ${equal(where)}`, [...Object.values(data), ...Object.values(where)]).run())),
      deleteMany: ({ where }: { where: Values }) => inTurn(() => statement(`delete from users where ${equal(where)}`, Object.values(where)).run()),
      count: ({ where: { NOT, ...where } }: { where: Values & { NOT?: { id: string } } }) => inTurn(() => Number(statement(`select count(*) as count from users where ${equal(where)} and id is not ?`, [...Object.values(where), NOT?.id ?? null]).all()[0]?.count))
    },
    userLock: { upsert: () => inTurn(() => statement('insert into locks values (?, 0) on conflict do update set turns = turns + 1', ['superusers']).run()) }
  })

  let last: Promise<unknown> = Promise.resolve()
  async function inTurn<T> (work: () => T | Promise<T>): Promise<T> {
    const done = last.then(work)
    last = done.catch(() => {})
    return await done
  }
  return {
    ...tables(inTurn),
    $transaction: (work: (tx: object) => Promise<unknown>) => inTurn(async () => {
      database.exec('begin immediate')
      try {
        const result = await work(tables(async (work) => await work()))
        database.exec('commit')
        return result
      } catch (error) {
        database.exec('rollback')
        throw error
      }
    })
  }
}
