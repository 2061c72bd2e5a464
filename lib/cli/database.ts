import { existsSync } from 'node:fs'
import { BadOptionsError, SchemaVersionError, unavailable } from '../errors.js'
import type { MaybePromise } from '../maybe-promise.js'
import { importOptional } from '../optional-package.js'
import { mysql, postgres, sqlite, type SqlStoreOptions, type SqlUserStore } from '../stores/sql/index.js'
import { CliError } from './errors.js'

/** The options of all commands that need a database. */
export interface DatabaseOptions extends SqlStoreOptions {
  /** A path or a URL. */
  readonly database?: string | undefined
}

type Work<T> = (store: SqlUserStore) => Promise<T>

const CONNECT_MS = 10_000

/**
 * Opens the store, works with it, and closes all that was opened, however the work ends.
 *
 * @param create whether a SQLite file that is not there is made: else a slip in its name would look like an app without users
 */
export async function withStore<T> ({ database = '', tablePrefix, migrate }: DatabaseOptions, { create }: { readonly create: boolean }, work: Work<T>): Promise<T> {
  const options: SqlStoreOptions = { tablePrefix, migrate }
  if (database === '') throw new CliError('Say which database: --database URL, or the environment variable DATABASE_URL.')
  if (/^postgres(?:ql)?:\/\//i.test(database)) return await withPostgres(readable(database), options, work)
  if (/^(?:mysql|mariadb):\/\//i.test(database)) return await withMysql(readable(database), options, work)

  const path = pathOf(database)
  if (!create && !existsSync(path)) throw new CliError(`There is no such file: ${path} (fastify-users migrate makes one)`)
  return await withSqlite(path, options, work)
}

async function withSqlite<T> (path: string, options: SqlStoreOptions, work: Work<T>): Promise<T> {
  const store = await fromDriver(() => sqlite(path, options))
  try {
    return await work(store)
  } finally {
    store.close()
  }
}

async function withPostgres<T> (url: string, options: SqlStoreOptions, work: Work<T>): Promise<T> {
  const { default: pg } = await importOptional('pg', 'A PostgreSQL database is opened with', () => import('pg'))
  const pool = new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: CONNECT_MS })
  // A connection that is lost while the password is typed is made anew, or the next statement says that it cannot be.
  pool.on('error', () => {})
  return await withPool(pool, (opened) => postgres(opened, options), work)
}

async function withMysql<T> (url: string, options: SqlStoreOptions, work: Work<T>): Promise<T> {
  const { createPool } = await importOptional('mysql2', 'A MySQL or MariaDB database is opened with', () => import('mysql2/promise'))
  const pool = await fromDriver(() => createPool({ uri: url, connectionLimit: 2, connectTimeout: CONNECT_MS }))
  return await withPool(pool, (opened) => mysql(opened, options), work)
}

async function withPool<P extends { end (): Promise<void> }, T> (pool: P, open: (pool: P) => Promise<SqlUserStore>, work: Work<T>): Promise<T> {
  try {
    return await work(await fromDriver(() => open(pool)))
  } finally {
    await pool.end()
  }
}

/** What fails in the driver as a store is opened becomes what it would be later: the database's failure. */
async function fromDriver<T> (call: () => MaybePromise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw error instanceof BadOptionsError || error instanceof SchemaVersionError ? error : unavailable(error)
  }
}

/** An `@` behind the host is one of a password that was cut off: drivers would take its rest for a name, and may print it. */
function readable (url: string): string {
  if (URL.canParse(url) && !/^\w+:\/\/[^/?#]*[/?#].*@/.test(url)) return url
  throw new CliError('The URL of the database cannot be read. In its user name and password, write / ? # @ : % as %2F %3F %23 %40 %3A %25.')
}

/** Nothing of it is quoted before it is known to be a path: it may be a URL with a password. */
function pathOf (database: string): string {
  const path = database.replace(/^(?:sqlite:|file:(?:\/\/(?=\/))?)/i, '')
  if (path === ':memory:') throw new CliError('A database in memory would end with this command.')
  // A colon may stand behind the letter of a drive. Elsewhere it may be that between a user name and a password.
  const isPath = path !== '' && !/:|^\/\//.test(path.replace(/^[a-z]:(?=[\\/])/i, '')) && !/^file:.*[?%]/i.test(database)
  if (isPath) return path
  throw new CliError('The database must be the path of a SQLite file, sqlite:path, postgres://…, mysql://… or mariadb://…')
}
