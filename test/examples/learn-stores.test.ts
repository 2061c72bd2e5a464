import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { memory } from '../../lib/index.js'
import { cheapHashes } from '../../lib/testing/index.js'
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
