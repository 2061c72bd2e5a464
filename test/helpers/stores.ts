import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Libsql from 'libsql'
import type mysql2 from 'mysql2/promise'
import type pg from 'pg'
import type { Test } from 'tap'
import { memory, type UserStore } from '../../lib/index.js'
import { mysql, postgres, sqlite } from '../../lib/stores/sql/index.js'
import { mariadbServer, noMariadb, noPostgres, postgresServer } from './servers.js'

/** A new and empty store. */
export interface OpenedStore {
  readonly users: UserStore
  /** All that it holds, as text: what somebody who got at the database would read. */
  dump (): Promise<string>
  /** The same once more, over connections of its own, as another process has it. */
  again (): Promise<UserStore>
}

/** Opens another store for a test. What it has made goes when the test ends, after the app that was made later. */
export type OpenStore = (t: Test) => Promise<OpenedStore>

/** Gets at a database for as long as the test runs; where there is none, says why. */
type Connect = (t: Test) => Promise<OpenStore | string>

/** Runs a statement past the store. */
type Raw = (sql: string) => Promise<object>

const databases: Readonly<Record<string, Connect>> = {
  memory: async () => async () => {
    const users = memory()
    return { users, dump: async () => JSON.stringify(await users.list({ after: null, limit: 1000, emailPart: null })), again: async () => users }
  },

  async SQLite (t) {
    const folder = t.testdir()
    return async () => {
      const file = join(folder, `${freshName()}.db`)
      const users = await sqlite(file)
      return { users, dump: async () => bytesOf(file) + await dumpTables(async (sql) => rowsOf(file, sql), 'select name from sqlite_master where type = \'table\''), again: () => sqlite(file) }
    }
  },

  async PostgreSQL (t) {
    const pool = await postgresServer()
    if (pool === null) return noPostgres
    t.after(() => pool.end())
    return (t) => openTables(t, async (sql) => (await pool.query(sql)).rows, (tablePrefix) => postgres(pool, { tablePrefix }), async (tablePrefix) => {
      const own = await postgresServer() as pg.Pool
      t.after(() => own.end())
      return await postgres(own, { tablePrefix })
    })
  },

  async MariaDB (t) {
    const pool = await mariadbServer()
    if (pool === null) return noMariadb
    t.after(() => pool.end())
    return (t) => openTables(t, async (sql) => (await pool.query(sql))[0], (tablePrefix) => mysql(pool, { tablePrefix }), async (tablePrefix) => {
      const own = await mariadbServer() as mysql2.Pool
      t.after(() => own.end())
      return await mysql(own, { tablePrefix })
    })
  }
}

/** The kinds that need no server. */
export const ownStores: readonly string[] = ['memory', 'SQLite']

/**
 * Runs tests once for each kind of store, or for those that are named. One whose server is absent is skipped, and that is told.
 */
export function onEachStore (t: Test, run: (t: Test, open: OpenStore) => Promise<void>, names: readonly string[] = Object.keys(databases)): void {
  for (const [name, connect] of Object.entries(databases)) {
    if (!names.includes(name)) continue
    t.test(name, async (t) => {
      const open = await connect(t)
      if (typeof open !== 'string') return await run(t, open)
      t.comment(`skipped: ${open}`)
      t.test('all', { skip: open }, () => {})
    })
  }
}

async function openTables (t: Test, raw: Raw, open: (tablePrefix: string) => Promise<UserStore>, again: (tablePrefix: string) => Promise<UserStore>): Promise<OpenedStore> {
  const prefix = freshName()
  const listTables = `select table_name as name from information_schema.tables where table_name like '${prefix}%'`
  t.after(async () => {
    for (const table of await namesOf(raw, listTables)) await raw(`drop table ${table}`)
  })
  return { users: await open(prefix), dump: () => dumpTables(raw, listTables), again: () => again(prefix) }
}

/** A name that no other test has, in whatever process. */
function freshName (): string {
  return `test_${randomBytes(6).toString('hex')}`
}

/** Asked of the database, so that no table of a later release is left behind, or out of the dump. */
async function namesOf (raw: Raw, listTables: string): Promise<string[]> {
  return (await raw(listTables) as Array<{ name: string }>).map(({ name }) => name)
}

async function dumpTables (raw: Raw, listTables: string): Promise<string> {
  const tables: object[] = []
  for (const table of await namesOf(raw, listTables)) tables.push(await raw(`select * from ${table}`))
  return JSON.stringify(tables)
}

/** What is in the file, and in the one beside it that is written ahead: also what was deleted there, and not overwritten yet. */
function bytesOf (file: string): string {
  return [file, `${file}-wal`].filter(existsSync).map((name) => readFileSync(name, 'latin1')).join('')
}

/** By a handle of its own, as the store may have closed its own. */
function rowsOf (file: string, sql: string): object {
  const database = new Libsql(file)
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}
