import { randomBytes } from 'node:crypto'
import Libsql from 'libsql'
import t, { type Test } from 'tap'
import type { SessionStore } from '../../lib/contracts/session-store.js'
import { mysql, postgres, sqlite, type SqliteDatabase, type SqlValue } from '../../lib/stores/sql/index.js'
import { mariadbServer, noMariadb, noPostgres, postgresServer } from '../helpers/servers.js'

/** What the store has asked for, word for word. */
type Asked = Array<{ readonly sql: string, readonly values: readonly unknown[] }>

const now = 1_790_000_000_000
const users = 20
const sessionsEach = 100

t.test('SQLite', async (t) => {
  const database = new Libsql(':memory:')
  t.after(() => database.close())
  const asked: Asked = []
  const watched: SqliteDatabase = {
    prepare (sql) {
      const statement = database.prepare(sql)
      return {
        run: (...values) => statement.run(...values),
        all (...values) {
          asked.push({ sql, values })
          return statement.all(...values)
        },
        get (...values) {
          asked.push({ sql, values })
          return statement.get(...values)
        }
      }
    }
  }
  const { sessions } = await sqlite(watched, { tablePrefix: 'many' })
  database.exec(filling('many_sessions'))
  for (const { sql, values } of await reads(t, sessions, asked)) {
    const plan = JSON.stringify(database.prepare(`explain query plan ${sql}`).all(...values as SqlValue[]))
    t.match(plan, / USING (COVERING )?INDEX /)
    t.notMatch(plan, 'TEMP B-TREE')
  }
})

t.test('PostgreSQL', async (t) => {
  const pool = await postgresServer()
  if (pool === null) return skipped(t, noPostgres)
  t.after(() => pool.end())
  const connection = await pool.connect()
  t.after(() => connection.release(true))
  const tablePrefix = `test_${randomBytes(6).toString('hex')}`
  t.after(() => dropTables((sql) => connection.query(sql), tablePrefix))

  const asked: Asked = []
  const { sessions } = await postgres({
    query (statement) {
      asked.push({ sql: statement.text, values: statement.values })
      return connection.query(statement)
    },
    connect: async () => ({ query: (statement) => connection.query(statement), release () {} })
  }, { tablePrefix })
  await connection.query(filling(`${tablePrefix}_sessions`))
  // In a table that is small it would be as quick to sort. What counts is whether it must.
  for (const setting of ['enable_seqscan', 'enable_bitmapscan']) await connection.query(`set ${setting} = off`)
  for (const { sql, values } of await reads(t, sessions, asked)) {
    const plan = JSON.stringify((await connection.query(`explain ${sql}`, [...values])).rows)
    t.match(plan, /Index (Only )?Scan/)
    t.notMatch(plan, 'Sort')
  }
})

t.test('MariaDB', async (t) => {
  const pool = await mariadbServer()
  if (pool === null) return skipped(t, noMariadb)
  t.after(() => pool.end())
  const tablePrefix = `test_${randomBytes(6).toString('hex')}`
  t.after(() => dropTables((sql) => pool.query(sql), tablePrefix))

  const asked: Asked = []
  const { sessions } = await mysql({
    execute (statement, values) {
      asked.push({ sql: statement.sql, values })
      return pool.execute(statement, values)
    },
    getConnection: () => pool.getConnection()
  }, { tablePrefix })
  await pool.query(filling(`${tablePrefix}_sessions`))
  for (const { sql, values } of await reads(t, sessions, asked)) {
    const [[plan]] = await pool.execute(`explain ${sql}`, [...values as SqlValue[]]) as unknown as [[{ key: string, Extra: string }]]
    t.ok(['user_id', 'expires_at'].includes(plan.key), plan.key)
    t.notMatch(plan.Extra, 'filesort')
  }
})

/** Runs what reads by an index in its order: the first page of a list, a page in the middle, what a purge looks up. */
async function reads (t: Test, sessions: SessionStore, asked: Asked): Promise<Asked> {
  asked.length = 0
  const [user, limit] = ['user 7', 10]
  const first = await sessions.list({ userId: user, after: null, limit })
  await sessions.list({ userId: user, after: first.at(-1) ?? null, limit })
  await sessions.purge(now)
  const reads = asked.filter(({ sql }) => sql.startsWith('select'))
  t.equal(first.length, limit)
  t.equal(reads.length, 3)
  return reads
}

/** A statement that adds sessions of many users, of which none has expired. */
function filling (table: string): string {
  const rows = Array.from({ length: users * sessionsEach }, (_, index) => {
    const createdAt = now - index * 1000
    return `('${randomBytes(32).toString('base64url')}', 'user ${index % users}', ${createdAt}, ${createdAt}, ${createdAt + 9_000_000_000}, 1, '{}')`
  })
  return `insert into ${table} (id, user_id, created_at, last_seen_at, expires_at, version, data) values ${rows.join(', ')}`
}

async function dropTables (raw: (sql: string) => Promise<unknown>, prefix: string): Promise<void> {
  for (const suffix of ['', '_sessions', '_revocations', '_limits', '_migrations']) await raw(`drop table if exists ${prefix}${suffix}`)
}

function skipped (t: Test, reason: string): void {
  t.comment(`skipped: ${reason}`)
  t.test('all', { skip: reason }, () => {})
}
