import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import Libsql from 'libsql'
import t, { type Test } from 'tap'
import type { StoredSession } from '../../lib/contracts/session-store.js'
import type { StoredUser } from '../../lib/contracts/user-store.js'
import { BadOptionsError, SchemaVersionError } from '../../lib/errors.js'
import { mysql, postgres, sqlite, type MysqlPool, type PostgresPool, type SqliteDatabase, type SqlStoreOptions, type SqlUserStore } from '../../lib/stores/sql/index.js'
import { orElse, type SqlClient } from '../../lib/stores/sql/client.js'
import { sqlRateLimits } from '../../lib/stores/sql/rate-limits.js'
import { sqlRevocations } from '../../lib/stores/sql/revocations.js'
import { sqlSessions } from '../../lib/stores/sql/sessions.js'
import { sqliteClient } from '../../lib/stores/sql/sqlite.js'
import { rateLimitStoreContract, revocationStoreContract, sessionStoreContract, userStoreContract } from '../../lib/testing/index.js'
import type { MaybePromise } from '../../lib/maybe-promise.js'
import { mariadbServer, noMariadb, noPostgres, postgresServer } from '../helpers/servers.js'

type Retire = (id: string) => MaybePromise<unknown>

/** A database, as the tests below need it: stores of it, and a way around them. */
interface Server {
  open (options: SqlStoreOptions): Promise<SqlUserStore>
  /** Runs a statement past the store, with the values written into it. */
  raw (sql: string): Promise<Array<Record<string, unknown>>>
  /** Opens one new store many times, as many processes would. */
  openTogether (options: SqlStoreOptions): Promise<void>
  /** Two ways to retire a user at version 1: in two processes, or over two pools. */
  retireTwoWays (t: Test, options: SqlStoreOptions): Promise<[Retire, Retire]>
}

const aUser: StoredUser = {
  id: '01900000-0000-7000-8000-000000000001',
  email: 'Ann@example.com',
  emailKey: 'ann@example.com',
  passwordHash: null,
  isActive: true,
  isVerified: false,
  isSuperuser: false,
  createdAt: '2026-01-02T03:04:05.006Z',
  updatedAt: '2026-01-02T03:04:05.006Z',
  version: 1,
  sessionEpoch: 0,
  pendingTokens: {},
  fields: {}
}

const aSession: StoredSession = {
  id: 'a'.repeat(43),
  userId: aUser.id,
  createdAt: 1_790_000_000_000,
  lastSeenAt: 1_790_000_000_000,
  expiresAt: 1_791_000_000_000,
  version: 1,
  data: {
    backend: 'cookie',
    epoch: 0,
    authenticatedAt: 1_790_000_000_000,
    endsAt: 1_791_000_000_000,
    idleMs: null,
    accessExpiresAt: 1_790_000_900_000,
    accessDigest: null,
    refresh: null,
    ip: null,
    userAgent: null
  }
}

t.test('SQLite', async (t) => {
  const file = join(t.testdir(), 'users.db')
  const database = new Libsql(file)
  t.after(() => database.close())
  await commonTests(t, {
    open: (options) => sqlite(file, options),
    async raw (sql) {
      const statement = database.prepare(sql)
      return sql.startsWith('select') ? statement.all() as Array<Record<string, unknown>> : [{ ...statement.run() }]
    },
    openTogether: (options) => openInFourProcesses(file, options),
    retireTwoWays: async (t, options) => [await retireInProcess(t, file, options), await retireInProcess(t, file, options)]
  })
})

t.test('a row of a limit that comes and goes each time it is looked for is given up', async (t) => {
  const terms = { costMs: 1, roomMs: 1 }
  let asked = 0
  const client = { dialect: { insertIfNew: () => '' }, execute: () => 0, queryOne: () => ++asked % 8 === 3 ? ['1001'] : undefined } as unknown as SqlClient
  const limits = sqlRateLimits(client, 'limits')
  t.equal(limits.take('key', terms, 1000), 1001, 'at the third look it is there')
  t.throws(() => limits.take('key', terms, 1000), { message: 'The row of a limit comes and goes.' })
})

t.test('PostgreSQL', async (t) => {
  const pool = await postgresServer()
  if (pool === null) return skipped(t, noPostgres)
  t.after(() => pool.end())
  await commonTests(t, {
    open: (options) => postgres(pool, options),
    raw: async (sql) => (await pool.query(sql)).rows,
    async openTogether (options) {
      const pools = await Promise.all(Array.from({ length: 8 }, postgresServer))
      t.after(() => Promise.all(pools.map((each) => each?.end())))
      await Promise.all(pools.map((each) => postgres(each ?? pool, options)))
    },
    async retireTwoWays (t, options) {
      const other = await postgresServer()
      t.after(() => other?.end())
      const [first, second] = [await postgres(pool, options), await postgres(other ?? pool, options)]
      return [(id) => first.retire(id, 1, null), (id) => second.retire(id, 1, null)]
    }
  })

  t.test('a user who cannot have an address costs no connection, and leaves none in a transaction', async (t) => {
    const tablePrefix = freshPrefix()
    t.after(() => dropTables((sql) => pool.query(sql), tablePrefix))
    const connection = await pool.connect()
    t.after(() => connection.release())
    const released: unknown[] = []
    const single: PostgresPool = {
      query: (statement) => connection.query(statement),
      connect: async () => ({ query: (statement) => connection.query(statement), release: (destroy) => released.push(destroy) })
    }
    const store = await postgres(single, { tablePrefix })
    const [first, second] = [await superuser(store), await superuser(store)]
    released.length = 0
    for (let round = 0; round < 3; round++) {
      t.equal(await store.retire(first.id, 1, { ...first, version: 2, isSuperuser: false, emailKey: second.emailKey }), 'taken')
      t.same(await store.findById(first.id), first)
    }
    t.same(released, [undefined, undefined, undefined])
    t.equal(await store.retire(first.id, 1, null), true)
    t.same((await pool.query(`select id from ${tablePrefix}`)).rows, [{ id: second.id }], 'other connections see it')
  })

  t.test('nobody retires while another connection holds the lock, and that is told after a while', async (t) => {
    const tablePrefix = freshPrefix()
    t.after(() => dropTables((sql) => pool.query(sql), tablePrefix))
    const holder = await pool.connect()
    t.after(() => holder.release(true))
    const impatient: PostgresPool = {
      query: (statement) => pool.query(statement),
      async connect () {
        const connection = await pool.connect()
        return {
          query: (statement) => connection.query({ ...statement, text: statement.text.replace('30s', '20ms') }),
          release: (destroy) => connection.release(destroy)
        }
      }
    }
    const store = await postgres(impatient, { tablePrefix })
    const [first] = [await superuser(store), await superuser(store)]
    const key = createHash('sha256').update(`fastify-users:${tablePrefix}:retire`).digest().readBigInt64BE()
    await holder.query('select pg_advisory_lock($1)', [key.toString()])
    await t.rejects(async () => await store.retire(first.id, 1, null), { code: '55P03' })
    t.same(await store.findById(first.id), first)
    await holder.query('select pg_advisory_unlock($1)', [key.toString()])
    t.equal(await store.retire(first.id, 1, null), true)
  })

  t.test('ids sort by their bytes, whatever the language of the database', async (t) => {
    const tablePrefix = freshPrefix()
    t.after(() => dropTables((sql) => pool.query(sql), tablePrefix))
    await postgres(pool, { tablePrefix })
    const { rows } = await pool.query('select collation_name from information_schema.columns where table_name = $1 and column_name = $2', [tablePrefix, 'id'])
    t.same(rows, [{ collation_name: 'C' }])
  })

  t.test('a connection that fails in the middle of a migration is given up, and the next try does it all', async (t) => {
    const tablePrefix = freshPrefix()
    t.after(() => dropTables((sql) => pool.query(sql), tablePrefix))
    let released: boolean | undefined
    const failing: PostgresPool = {
      query: (statement) => pool.query(statement),
      async connect () {
        const connection = await pool.connect()
        return {
          async query (statement) {
            if (statement.text.startsWith('insert')) throw new Error('the network is gone')
            return await connection.query(statement)
          },
          release (destroy) {
            released = destroy
            connection.release(destroy)
          }
        }
      }
    }
    await t.rejects(postgres(failing, { tablePrefix }), { message: 'the network is gone' })
    t.equal(released, true)
    t.equal((await pool.query(`select to_regclass('${tablePrefix}') as "table"`)).rows[0].table, null, 'the tables of the failed try are not there')
    await postgres(pool, { tablePrefix })
  })

  t.test('a server that leaves out how many rows it touched has touched none', async (t) => {
    const store = await postgres({ ...pool, query: async () => ({ rows: [[1]], rowCount: null }), connect: () => pool.connect() })
    t.equal(await store.remove('somebody', 1), false)
  })

  t.test('what is no pool is refused', async (t) => {
    for (const wrong of [undefined, 'postgres://db/app', {}, { query () {} }]) await t.rejects(postgres(wrong as unknown as PostgresPool), { code: 'FST_USERS_BAD_OPTIONS', message: /such as new pg\.Pool/ })
  })
})

t.test('MariaDB', async (t) => {
  const pool = await mariadbServer()
  if (pool === null) return skipped(t, noMariadb)
  t.after(() => pool.end())
  await commonTests(t, {
    open: (options) => mysql(pool, options),
    raw: async (sql) => (await pool.query(sql))[0] as Array<Record<string, unknown>>,
    async openTogether (options) {
      const pools = await Promise.all(Array.from({ length: 8 }, mariadbServer))
      t.after(() => Promise.all(pools.map((each) => each?.end())))
      await Promise.all(pools.map((each) => mysql(each ?? pool, options)))
    },
    async retireTwoWays (t, options) {
      const other = await mariadbServer()
      t.after(() => other?.end())
      const [first, second] = [await mysql(pool, options), await mysql(other ?? pool, options)]
      return [(id) => first.retire(id, 1, null), (id) => second.retire(id, 1, null)]
    }
  })

  t.test('a lock that another connection holds is waited for, and then told of', async (t) => {
    const tablePrefix = `${freshPrefix()}_`.padEnd(41, 'x')
    t.after(() => dropTables((sql) => pool.query(sql), tablePrefix))
    const holder = await pool.getConnection()
    t.after(() => holder.destroy())
    const [toMigrate, toRetire] = [`fastify-users:${tablePrefix}`, `fastify-users:${tablePrefix}:retire`]
    t.ok(toRetire.length <= 64, 'MySQL takes no longer name')
    let destroyed = 0
    const impatient: MysqlPool = {
      execute: (sql, values) => pool.execute(sql, values),
      async getConnection () {
        const connection = await pool.getConnection()
        return {
          execute: (sql, values) => connection.execute(sql, values.map((value) => value === 30 ? 0 : value)),
          release: () => connection.release(),
          destroy () {
            destroyed++
            connection.destroy()
          }
        }
      }
    }

    await holder.execute('select get_lock(?, 0)', [toMigrate])
    await t.rejects(mysql(impatient, { tablePrefix }), { message: `Another connection has held the lock ${toMigrate} for 30 seconds.` })
    t.equal(destroyed, 1)
    await holder.execute('select release_lock(?)', [toMigrate])

    const store = await mysql(impatient, { tablePrefix })
    const [first] = [await superuser(store), await superuser(store)]
    await holder.execute('select get_lock(?, 0)', [toRetire])
    await t.rejects(async () => await store.retire(first.id, 1, null), { message: `Another connection has held the lock ${toRetire} for 30 seconds.` })
    t.equal(destroyed, 2)
    t.same(await store.findById(first.id), first)
    await holder.execute('select release_lock(?)', [toRetire])
    t.equal(await store.retire(first.id, 1, null), true)
    t.equal(destroyed, 2)
  })

  t.test('MySQL is told its own name of the strict collation', async (t) => {
    const statements: string[] = []
    const execute: MysqlPool['execute'] = async ({ sql }) => {
      statements.push(sql)
      if (sql.startsWith('select version()')) return [[['8.4.3']], []]
      if (sql.startsWith('select get_lock')) return [[[1]], []]
      if (sql.startsWith('select')) return [[[statements.some((each) => each.startsWith('insert')) ? 1 : null]], []]
      return [{ affectedRows: 1 }, undefined]
    }
    await mysql({ execute, getConnection: async () => ({ execute, release () {}, destroy () {} }) })
    const creations = statements.filter((sql) => sql.startsWith('create'))
    t.equal(creations.length, 5)
    for (const sql of creations) t.match(sql, 'collate utf8mb4_0900_bin')
  })

  t.test('what is no pool is refused', async (t) => {
    for (const wrong of [undefined, 'mysql://db/app', {}, { execute () {} }]) await t.rejects(mysql(wrong as unknown as MysqlPool), { code: 'FST_USERS_BAD_OPTIONS', message: /such as createPool/ })
  })
})

t.test('a file that is made can be read by its owner alone; one that is there keeps its rights', async (t) => {
  const directory = t.testdir()
  const store = await sqlite(join(directory, 'new.db'))
  t.after(() => store.close())
  await store.insert(aUser)
  const names = readdirSync(directory)
  t.ok(names.includes('new.db-wal'), 'it is written ahead')
  for (const name of names) t.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name)

  const other = join(directory, 'other.db')
  writeFileSync(other, '')
  chmodSync(other, 0o640)
  const second = await sqlite(other)
  t.after(() => second.close())
  t.equal(statSync(other).mode & 0o777, 0o640)

  for (const folder of ['missing', 'other.db']) {
    await t.rejects(sqlite(join(directory, folder, 'users.db')), { code: 'FST_USERS_BAD_OPTIONS', message: 'sqlite(database): the folder of the file does not exist. Make it first.' })
  }
})

t.test('a file that another process has for itself is waited for', async (t) => {
  const path = join(t.testdir(), 'users.db')
  const holder = new Libsql(path)
  t.after(() => holder.close())
  holder.exec('begin exclusive')
  let isHeld = true
  const release = setTimeout(100).then(() => {
    isHeld = false
    holder.exec('commit')
  })
  const store = await sqlite(path)
  t.after(() => store.close())
  t.equal(isHeld, false)
  await release
})

t.test('what is no database is refused', async (t) => {
  const path = join(t.testdir({ 'users.db': 'no database at all, but long enough to be one: '.repeat(20) }), 'users.db')
  await t.rejects(sqlite(path), { code: 'SQLITE_NOTADB' })
})

t.test('SQLite answers at once', async (t) => {
  const store = await sqlite(':memory:')
  t.after(() => store.close())
  t.equal(store.insert(aUser), true)
  t.same(store.findById(aUser.id), aUser)
  t.equal(store.replace({ ...aUser, version: 2 }, 1), true)
  t.same(store.list({ after: null, limit: 10, emailPart: 'ann' }), [{ ...aUser, version: 2 }])
  t.equal(store.retire(aUser.id, 2, null), 'last')
  t.equal(store.retire(aUser.id, 1, null), false)
  t.equal(store.remove(aUser.id, 2), true)
  t.equal(store.revocations.revoke('session', Date.now() + 1000, Date.now()), undefined)
  t.equal(store.revocations.isRevoked('session'), true)
  t.equal(store.sessions.insert(aSession), undefined)
  t.same(store.sessions.find(aSession.id), aSession)
  t.equal(store.sessions.ephemeral, true)
  t.equal(store.sessions.replace({ ...aSession, version: 2 }, 1), true)
  t.same(store.sessions.list({ userId: aUser.id, after: null, limit: 10 }), [{ ...aSession, version: 2 }])
  t.equal(store.sessions.removeAll(aUser.id, aSession.id), undefined)
  t.equal(store.sessions.remove(aSession.id), true)
  t.equal(store.sessions.purge(aSession.expiresAt), 0)
})

t.test('a store in memory says that it forgets, one in a file does not', async (t) => {
  const inMemory = await sqlite(':memory:')
  const inFile = await sqlite(join(t.testdir(), 'users.db'))
  t.after(() => [inMemory, inFile].forEach((store) => store.close()))
  t.equal(inMemory.ephemeral, true)
  t.equal(inFile.ephemeral, false)
})

t.test('a prefix that is a word of SQL is a name like any other', async (t) => {
  const store = await sqlite(':memory:', { tablePrefix: 'order' })
  t.after(() => store.close())
  t.equal(store.insert(aUser), true)
  t.same(store.findByEmail(aUser.emailKey), aUser)
})

t.test('a closed store does not answer any more, and does not close what it was given', async (t) => {
  const closed = await sqlite(':memory:')
  t.equal(closed.findById('nobody'), null)
  closed.close()
  closed.close()
  t.throws(() => closed.findById('nobody'))

  const database = new Libsql(':memory:')
  t.after(() => database.close())
  const store = await sqlite(database)
  store.close()
  store.close()
  t.equal(database.open, true)
})

t.test('what is neither a path nor a handle is refused', async (t) => {
  for (const wrong of [undefined, 42, {}, '', 'file:users.db', 'libsql://example.com']) {
    await t.rejects(sqlite(wrong as unknown as SqliteDatabase), BadOptionsError)
  }
})

t.test('a migration of SQLite that fails leaves nothing behind, and tells why', async (t) => {
  const database = new Libsql(':memory:')
  t.after(() => database.close())
  let failing = 'create table if not exists "fastify_users_revocations"'
  const flaky: SqliteDatabase = {
    prepare (sql) {
      if (failing !== '' && sql.startsWith(failing)) throw new Error('the disk is full')
      // As SQLite does after some failures, it may have rolled back by itself.
      if (sql === 'rollback' && failing.startsWith('insert')) database.exec('rollback')
      return database.prepare(sql)
    }
  }
  const tables = (): unknown[] => database.prepare('select name from sqlite_master').all()

  await t.rejects(sqlite(flaky), { message: 'the disk is full' })
  t.same(tables(), [])
  failing = 'insert'
  await t.rejects(sqlite(flaky), { message: 'the disk is full' })
  t.same(tables(), [])
  failing = ''
  await sqlite(flaky)
  t.equal(database.prepare('select * from fastify_users_migrations').all().length, 1)
})

t.test('a failure that is not about the schema is not taken for an empty database', async (t) => {
  const broken: SqliteDatabase = { prepare () { throw new Error('disk I/O error') } }
  await t.rejects(sqlite(broken), { message: 'disk I/O error' })
  await t.rejects(sqlite(broken, { migrate: false }), { message: 'disk I/O error' })
})

t.test('only a duplicate is taken for one', async (t) => {
  const { isDuplicate } = sqliteClient(new Libsql(':memory:'))
  for (const error of [{ code: 'SQLITE_CONSTRAINT_UNIQUE' }, { code: 'SQLITE_CONSTRAINT_PRIMARYKEY' }, { code: 'ERR_SQLITE_ERROR', errcode: 2067 }]) t.equal(isDuplicate(error), true)
  for (const error of [{ code: 'SQLITE_CONSTRAINT_NOTNULL' }, { code: 'SQLITE_BUSY' }, new Error(), null, undefined]) t.equal(isDuplicate(error), false)

  const store = await sqlite(':memory:')
  t.after(() => store.close())
  const withoutEmail = { ...aUser, email: null as unknown as string }
  t.throws(() => store.insert(withoutEmail), { code: 'SQLITE_CONSTRAINT_NOTNULL' })
  t.throws(() => store.revocations.revoke(null as unknown as string, 0, 0), { code: 'SQLITE_CONSTRAINT_NOTNULL' })
})

t.test('wrong options are refused, by name, before anything is opened', async (t) => {
  const directory = t.testdir()
  const path = join(directory, 'users.db')
  for (const tablePrefix of ['', 'A', '1a', 'a-b', 'a.b', 'a"', 'a b', '_a', 'users; drop table users', 'a'.repeat(42), 'a\n', 1]) {
    await t.rejects(sqlite(path, { tablePrefix: tablePrefix as string }), { code: 'FST_USERS_BAD_OPTIONS', message: /options\.tablePrefix/ })
  }
  await t.rejects(sqlite(path, { migrate: 'no' as unknown as boolean }), { code: 'FST_USERS_BAD_OPTIONS', message: 'options.migrate must be true or false.' })
  await t.rejects(sqlite(path, { prefix: 'a' } as SqlStoreOptions), { code: 'FST_USERS_BAD_OPTIONS', message: 'options.prefix is not known.' })
  t.same(readdirSync(directory), [])
})

t.test('a purge that fails does not fail the end of the session', async (t) => {
  const statements: string[] = []
  const client = {
    execute: (sql: string) => statements.push(sql),
    queryOne: async () => { throw new Error('the lock was not to be had') }
  } as unknown as SqlClient
  await sqlRevocations(client, 'revocations').revoke('session', Date.now(), Date.now())
  t.equal(statements.length, 1)
})

t.test('a write to the sessions that the database has undone for another one is begun anew, four times at most', async (t) => {
  for (const [code, failures, starts] of [['40P01', 4, 5], ['ER_LOCK_DEADLOCK', 4, 5], ['40P01', 5, 5], ['ER_LOCK_DEADLOCK', 5, 5], ['ECONNRESET', 1, 1]] as const) {
    let started = 0
    const client = {
      async execute () {
        if (++started <= failures) throw Object.assign(new Error('undone'), { code })
        return 1
      }
    } as unknown as SqlClient
    const removed = async (): Promise<boolean> => await sqlSessions(client, 'sessions').remove(aSession.id)
    if (failures < starts) t.equal(await removed(), true)
    else await t.rejects(removed(), { code })
    t.equal(started, starts)
  }
})

t.test('orElse recovers from what is thrown, and from what is rejected', async (t) => {
  t.equal(orElse(() => { throw new Error() }, () => 'recovered'), 'recovered')
  t.equal(await orElse(() => Promise.reject(new Error()), () => 'recovered'), 'recovered')
  t.equal(orElse(() => 'fine', () => 'recovered'), 'fine')
})

async function commonTests (t: Test, { open, raw, openTogether, retireTwoWays }: Server): Promise<void> {
  const used: string[] = []
  t.after(async () => {
    for (const prefix of used) await dropTables(raw, prefix)
  })

  function prefix (): string {
    const made = freshPrefix()
    used.push(made)
    return made
  }

  /** A store for one test, closed at its end. */
  async function opened (t: Test, options: SqlStoreOptions): Promise<SqlUserStore> {
    const store = await open(options)
    t.after(() => store.close())
    return store
  }

  await t.test('the contract of user stores', async (t) => {
    const tablePrefix = prefix()
    for (const { name, run } of userStoreContract(() => open({ tablePrefix }))) t.test(name, run)
  })

  await t.test('the contract of revocation stores', async (t) => {
    const tablePrefix = prefix()
    const openRevocations = async () => {
      const store = await open({ tablePrefix })
      return { ...store.revocations, close: () => store.close() }
    }
    for (const { name, run } of revocationStoreContract(openRevocations)) t.test(name, run)
  })

  await t.test('the contract of session stores', async (t) => {
    const tablePrefix = prefix()
    const openSessions = async () => {
      const store = await open({ tablePrefix })
      return { ...store.sessions, close: () => store.close() }
    }
    for (const { name, run } of sessionStoreContract(openSessions)) t.test(name, run)
  })

  await t.test('the contract of stores of limits', async (t) => {
    const tablePrefix = prefix()
    const openLimits = async () => {
      const store = await open({ tablePrefix })
      return { ...store.limits, close: () => store.close() }
    }
    for (const { name, run } of rateLimitStoreContract(openLimits)) t.test(name, run)
  })

  await t.test('a store that was filled is found full, and migrating again changes nothing', async (t) => {
    const tablePrefix = prefix()
    const store = await opened(t, { tablePrefix })
    t.equal(store.ephemeral, false)
    await store.insert(aUser)
    await store.migrate()
    await store.migrate()
    const again = await opened(t, { tablePrefix })
    const checkedOnly = await opened(t, { tablePrefix, migrate: false })
    for (const each of [store, again, checkedOnly]) t.same(await each.findById(aUser.id), aUser)
    t.match(await raw(`select * from ${tablePrefix}_migrations`), [{ version: 1, applied_at: /^\d{4}-.*Z$/ }])
  })

  await t.test('many that open a new store at once migrate it once', async (t) => {
    const tablePrefix = prefix()
    await openTogether({ tablePrefix })
    t.equal((await raw(`select * from ${tablePrefix}_migrations`)).length, 1)
    const store = await opened(t, { tablePrefix, migrate: false })
    t.equal(await store.insert(aUser), true)
  })

  await t.test('migrate: false refuses an empty database, and one of another release', async (t) => {
    const tablePrefix = prefix()
    await t.rejects(open({ tablePrefix, migrate: false }), SchemaVersionError)
    await t.rejects(open({ tablePrefix, migrate: false }), { message: /version 0\b.*needs 1\b/ })
    const store = await opened(t, { tablePrefix })
    await raw(`insert into ${tablePrefix}_migrations (version, applied_at) values (99, 'later')`)
    await t.rejects(open({ tablePrefix, migrate: false }), { message: /version 99\b.*needs 1\b/ })
    await t.rejects(open({ tablePrefix }), SchemaVersionError, 'nor is there a way back')
    await t.rejects(store.migrate(), SchemaVersionError)
    await raw(`delete from ${tablePrefix}_migrations`)
    await t.rejects(open({ tablePrefix, migrate: false }), SchemaVersionError, 'a migration that was not finished')
    await store.migrate()
    await opened(t, { tablePrefix, migrate: false })
  })

  await t.test('the database itself keeps an address from being given twice', async (t) => {
    const tablePrefix = prefix()
    const store = await opened(t, { tablePrefix })
    await store.insert(aUser)
    const columns = 'id, email, email_key, is_active, is_verified, is_superuser, created_at, updated_at, version, session_epoch, fields'
    const insert = (id: string, emailKey: string): string =>
      `insert into ${tablePrefix} (${columns}) values ('${id}', 'x', '${emailKey}', 1, 0, 0, 'x', 'x', 1, 0, '{}')`
    await t.rejects(raw(insert('another', aUser.emailKey)), /unique|duplicate/i)
    await raw(insert('another', 'free@example.com'))
  })

  await t.test('fields that are damaged are told of, not taken for empty', async (t) => {
    const tablePrefix = prefix()
    const store = await opened(t, { tablePrefix })
    await store.insert(aUser)
    for (const damaged of ['', '{"secret":', '[]', 'null', '"text"', '1']) {
      await raw(`update ${tablePrefix} set fields = '${damaged}'`)
      await t.rejects(async () => await store.findById(aUser.id), { name: 'TypeError', message: `The fields of the user ${aUser.id} are no JSON object.` })
      await t.rejects(async () => await store.findByEmail(aUser.emailKey), TypeError)
    }
  })

  await t.test('pending tokens are null if there are none, and told of if they are damaged', async (t) => {
    const tablePrefix = prefix()
    const store = await opened(t, { tablePrefix })
    await store.insert(aUser)
    t.same(await raw(`select pending_tokens from ${tablePrefix}`), [{ pending_tokens: null }])
    await store.replace({ ...aUser, version: 2, pendingTokens: { reset: { digest: 'digest', expiresAt: 1 } } }, 1)
    t.match(await raw(`select pending_tokens from ${tablePrefix}`), [{ pending_tokens: '{"reset":{"digest":"digest","expiresAt":1}}' }])
    await store.replace({ ...aUser, version: 3 }, 2)
    t.same(await raw(`select pending_tokens from ${tablePrefix}`), [{ pending_tokens: null }])
    for (const damaged of ['', '{"reset":', '[]', 'null', '"text"', '1']) {
      await raw(`update ${tablePrefix} set pending_tokens = '${damaged}'`)
      await t.rejects(async () => await store.findById(aUser.id), { name: 'TypeError', message: `The pending tokens of the user ${aUser.id} are no JSON object.` })
      await t.rejects(async () => await store.list({ after: null, limit: 1, emailPart: null }), TypeError)
    }
  })

  await t.test('data of a session that are damaged are told of, without being quoted', async (t) => {
    const tablePrefix = prefix()
    const { sessions } = await opened(t, { tablePrefix })
    await sessions.insert(aSession)
    for (const damaged of ['', '{"secret":', '[]', 'null', '"text"', '1']) {
      await raw(`update ${tablePrefix}_sessions set data = '${damaged}'`)
      await t.rejects(async () => await sessions.find(aSession.id), { name: 'TypeError', message: `The data of the session ${aSession.id} are no JSON object.` })
      await t.rejects(async () => await sessions.list({ userId: aSession.userId, after: null, limit: 1 }), TypeError)
    }
    t.equal(await sessions.remove(aSession.id), true)
  })

  await t.test('the database itself keeps the id of a session from being given twice', async (t) => {
    const tablePrefix = prefix()
    const { sessions } = await opened(t, { tablePrefix })
    await sessions.insert(aSession)
    await t.rejects(async () => { await sessions.insert({ ...aSession, userId: 'another' }) }, /unique|duplicate/i)
    t.same(await sessions.find(aSession.id), aSession)
  })

  await t.test('a place with a NUL is nowhere in a list of sessions', async (t) => {
    const { sessions } = await opened(t, { tablePrefix: prefix() })
    await sessions.insert(aSession)
    t.same(await sessions.list({ userId: aSession.userId, after: { createdAt: aSession.createdAt + 1, id: '\0' }, limit: 10 }), [])
  })

  await t.test('a key with a NUL finds nothing', async (t) => {
    const store = await opened(t, { tablePrefix: prefix() })
    await store.insert(aUser)
    t.equal(await store.findById('\0'), null)
    t.equal(await store.findByEmail('ann\0@example.com'), null)
    t.same(await store.list({ after: '\0', limit: 10, emailPart: null }), [])
    t.same(await store.list({ after: null, limit: 10, emailPart: 'ann\0' }), [])
  })

  await t.test('what is given back leaves no row, unless more was taken', async (t) => {
    const tablePrefix = prefix()
    const { limits } = await opened(t, { tablePrefix })
    const count = async (): Promise<number> => (await raw(`select id from ${tablePrefix}_limits`)).length
    const terms = { costMs: 1000, roomMs: 5000 }
    await limits?.take('key', terms, 10_000)
    await limits?.take('key', terms, 10_000)
    await limits?.giveBack('key', 1000, 10_000)
    t.equal(await count(), 1)
    await limits?.giveBack('key', 1000, 10_000)
    t.equal(await count(), 0)
  })

  await t.test('ids sort by their bytes', async (t) => {
    const store = await opened(t, { tablePrefix: prefix() })
    const ids = ['-', '-a', '1', 'A', 'A-', 'A1', 'Aa', 'B', 'a', 'a-', 'a-b', 'a1', 'aB', 'aa', 'b']
    for (const id of [...ids].reverse()) t.equal(await store.insert({ ...aUser, id, emailKey: id }), true)
    for (const [index, id] of ids.entries()) {
      t.same((await store.list({ after: id, limit: 100, emailPart: null })).map((user) => user.id), ids.slice(index + 1))
    }
  })

  await t.test('two superusers who retire each other at once, by two ways, leave one', async (t) => {
    const options = { tablePrefix: prefix() }
    const store = await opened(t, options)
    const ways = await retireTwoWays(t, options)
    for (let round = 0; round < 20; round++) {
      const users = [await superuser(store), await superuser(store)] as const
      const results = await Promise.all([ways[0](users[0].id), ways[1](users[1].id)])
      t.same(results.sort(), ['last', true])
      t.equal((await raw(`select id from ${options.tablePrefix} where is_superuser = 1 and is_active = 1`)).length, 1)
      for (const { id } of users) await store.remove(id, 1)
    }
  })

  await t.test('sessions that have expired are deleted as one ends: a thousand, the oldest first, once a minute', async (t) => {
    const tablePrefix = prefix()
    const { revocations } = await opened(t, { tablePrefix })
    const ids = async (): Promise<unknown[]> => (await raw(`select id from ${tablePrefix}_revocations order by expires_at`)).map(({ id }) => id)
    const expire = (from: number, count: number): Promise<unknown> => raw(`insert into ${tablePrefix}_revocations (id, expires_at) values ` +
      Array.from({ length: count }, (_, index) => `('old ${from + index}', ${from + index})`).join(', '))

    await expire(1, 1002)
    const inAnHour = Date.now() + 3_600_000
    await revocations.revoke('first', inAnHour, Date.now())
    t.same(await ids(), ['old 1001', 'old 1002', 'first'])
    await revocations.revoke('second', inAnHour + 1, Date.now())
    t.same(await ids(), ['first', 'second'], 'as there were a thousand, the next ones are not waited for')
    await expire(1, 1)
    await revocations.revoke('third', inAnHour + 2, Date.now())
    t.same(await ids(), ['old 1', 'first', 'second', 'third'], 'less than a minute has gone by')
    t.equal(await revocations.isRevoked('first'), true)
  })
}

function skipped (t: Test, reason: string): void {
  t.comment(`skipped: ${reason}`)
  t.test('all', { skip: reason }, () => {})
}

function freshPrefix (): string {
  return `test_${randomBytes(6).toString('hex')}`
}

async function dropTables (raw: (sql: string) => Promise<unknown>, prefix: string): Promise<void> {
  for (const suffix of ['', '_sessions', '_revocations', '_limits', '_migrations']) await raw(`drop table if exists ${prefix}${suffix}`)
}

async function superuser (store: SqlUserStore): Promise<StoredUser> {
  const id = randomUUID()
  const user = { ...aUser, id, emailKey: id, isSuperuser: true }
  await store.insert(user)
  return user
}

/** A process that retires whom it is told of, until the test is over. */
async function retireInProcess (t: Test, file: string, options: SqlStoreOptions): Promise<Retire> {
  const child = spawnWithStore(`
    const store = await sqlite(${JSON.stringify(file)}, ${JSON.stringify(options)})
    process.on('message', (id) => process.send(store.retire(id, 1, null)))
    process.once('disconnect', () => store.close())
    process.send('ready')
  `)
  const ended = once(child, 'exit')
  t.after(async () => {
    child.disconnect()
    await ended
  })
  await once(child, 'message')
  return async (id) => {
    child.send(id)
    return (await once(child, 'message'))[0]
  }
}

function spawnWithStore (code: string): ChildProcess {
  const importStore = `import { sqlite } from ${JSON.stringify(new URL('../../lib/stores/sql/index.ts', import.meta.url))}\n`
  return spawn(process.execPath, [...process.execArgv, '--input-type=module', '--eval', importStore + code], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

async function openInFourProcesses (file: string, options: SqlStoreOptions): Promise<void> {
  const code = `
    process.once('message', async () => {
      const store = await sqlite(${JSON.stringify(file)}, ${JSON.stringify(options)})
      store.close()
      process.disconnect()
    })
    process.send('ready')
  `
  const children = Array.from({ length: 4 }, () => spawnWithStore(code))
  const ends = children.map(async (child) => {
    const [status] = await once(child, 'exit')
    if (status !== 0) throw new Error(`a process ended with ${status}`)
  })
  await Promise.all(children.map((child) => once(child, 'message')))
  for (const child of children) child.send('go')
  await Promise.all(ends)
}

t.test('a file that cannot be made is told as the system tells it', async (t) => {
  await t.rejects(sqlite(join(t.testdir(), 'x'.repeat(300))), { code: 'ENAMETOOLONG' })
})
