import { closeSync, openSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { BadOptionsError } from '../../errors.js'
import { importOptional } from '../../optional-package.js'
import { errorCode, insertOnConflict, orElse, type SqlClient, type SqlExecutor, type SqlRow, type SqlValue } from './client.js'
import { openStore, type SqlStoreOptions, type SqlUserStore } from './open.js'

/** A prepared statement of a {@link SqliteDatabase}. */
export interface SqliteStatement {
  all (...values: SqlValue[]): unknown[]
  get (...values: SqlValue[]): unknown
  run (...values: SqlValue[]): { readonly changes: number | bigint }
  /** Has rows come as arrays. Without it they are objects, whose members are in the order of the columns. */
  raw? (): unknown
}

/** As much of a SQLite handle as is used: those of `libsql`, `better-sqlite3` and `node:sqlite` fit. */
export interface SqliteDatabase {
  prepare (sql: string): SqliteStatement
  /** `true` if the database is in memory. */
  readonly memory?: boolean
}

const BUSY_TIMEOUT_MS = 5000

/** SQLite's own 2 MiB hold the indexes of some thousand users; each page that is not there is read from the file. */
const CACHE_KIB = 32 * 1024

// A primary key and a unique index, as the drivers name them, and as SQLite numbers them (node:sqlite).
const duplicates: readonly unknown[] = ['SQLITE_CONSTRAINT_PRIMARYKEY', 'SQLITE_CONSTRAINT_UNIQUE', 1555, 2067]

/**
 * Keeps users in SQLite. Its methods answer at once, with a value instead of a promise.
 *
 * @param database the path of a file, or `':memory:'`: opened with `libsql`, which you install; a new file can be read by
 * its owner alone (mode 0600), is written ahead (WAL), a locked one is waited for up to 5 seconds, and up to 32 MiB of it stay in memory. Or an open handle,
 * which keeps its own settings, and which you close.
 * @throws BadOptionsError if an option is wrong, the folder of the file does not exist, or `libsql` is not installed
 * @throws SchemaVersionError with `migrate: false`, if the tables are not those of this release
 *
 * @example
 * ```ts
 * const store = await sqlite('./users.db')
 * ```
 */
export function sqlite (database: string | SqliteDatabase, options: SqlStoreOptions = {}): Promise<SqlUserStore> {
  return openStore(options, async () => {
    if (typeof database === 'string') return await openFile(database)
    if (typeof database?.prepare === 'function') return sqliteClient(database)
    throw new BadOptionsError('sqlite(database): database must be the path of a file, \':memory:\', or an open handle.')
  })
}

/** @param closeDatabase given if the handle is ours */
export function sqliteClient (database: SqliteDatabase, closeDatabase?: () => void): SqlClient {
  // After `all()`, `get()` of the same statement gives a wrong row in libsql, so each has statements of its own.
  const [ofMany, ofOne, writing] = [new Map<string, SqliteStatement>(), new Map<string, SqliteStatement>(), new Map<string, SqliteStatement>()]
  let isOpen = true

  function prepare (statements: Map<string, SqliteStatement>, sql: string): SqliteStatement {
    const statement = database.prepare(sql)
    if (statements !== writing) statement.raw?.()
    statements.set(sql, statement)
    return statement
  }

  const executor: SqlExecutor = {
    query: (sql, values) => (ofMany.get(sql) ?? prepare(ofMany, sql)).all(...values).map(toRow),

    queryOne (sql, values) {
      const row = (ofOne.get(sql) ?? prepare(ofOne, sql)).get(...values)
      return row === undefined ? undefined : toRow(row)
    },

    execute: (sql, values) => Number((writing.get(sql) ?? prepare(writing, sql)).run(...values).changes)
  }

  return {
    ...executor,
    dialect: { quote: '"', longText: 'text', idType: (length) => `varchar(${length})`, position: 'instr', insertIfNew: insertOnConflict, tableOptions: '' },
    ephemeral: database.memory === true,
    isDuplicate: (error) => duplicates.includes(errorCode(error)) || duplicates.includes((error as { errcode?: unknown } | null)?.errcode),
    isMissingTable: (error) => error instanceof Error && error.message.includes('no such table'),

    exclusively (_name, work) {
      database.prepare('begin immediate').run()
      return orElse(() => {
        // As the executor answers at once, the work is done when the call returns.
        const result = work(executor)
        database.prepare('commit').run()
        return result
      }, (error) => {
        // After some failures, a full disk for one, SQLite has rolled back by itself and has nothing to roll back.
        orElse(() => { database.prepare('rollback').run() }, () => undefined)
        throw error
      })
    },

    close () {
      if (!isOpen) return
      isOpen = false
      // A statement that lives on would keep the file open.
      for (const statements of [ofMany, ofOne, writing]) statements.clear()
      closeDatabase?.()
    }
  }
}

function toRow (row: unknown): SqlRow {
  return Array.isArray(row) ? row : Object.values(row as object)
}

async function openFile (path: string): Promise<SqlClient> {
  if (path === '' || /^[a-z]{2,}:/i.test(path)) {
    throw new BadOptionsError('sqlite(database): a string must be the path of a file, or \':memory:\'. For a URL, open the database yourself and give the handle.')
  }
  const { default: Database } = await importOptional('libsql', 'A SQLite file is opened with', () => import('libsql'))
  if (path !== ':memory:') createPrivateFile(path)
  const database = new Database(path)
  try {
    await writeAhead(database)
    database.prepare(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`).all()
    database.prepare(`pragma cache_size = -${CACHE_KIB}`).all()
  } catch (error) {
    database.close()
    throw error
  }
  return sqliteClient(database, () => { database.close() })
}

/**
 * To change the journal, SQLite needs the file for itself, and does not wait for that, busy_timeout or not. Processes that
 * open a new file at once are in each other's way for a moment.
 */
async function writeAhead (database: SqliteDatabase): Promise<void> {
  const giveUpAt = performance.now() + BUSY_TIMEOUT_MS
  for (;;) {
    try {
      database.prepare('pragma journal_mode = wal').all()
      return
    } catch (error) {
      if (!String(errorCode(error)).startsWith('SQLITE_BUSY') || performance.now() > giveUpAt) throw error
    }
    await setTimeout(10)
  }
}

/** Makes the file before SQLite would with the rights of the umask; its companions (-wal, -shm) get the same ones. */
function createPrivateFile (path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String(errorCode(error)))) throw new BadOptionsError('sqlite(database): the folder of the file does not exist. Make it first.')
    if (errorCode(error) !== 'EEXIST') throw error
  }
}
