import { BadOptionsError } from '../../errors.js'
import { errorCode, type SqlClient, type SqlExecutor, type SqlRow, type SqlValue } from './client.js'
import { openStore, type SqlStoreOptions, type SqlUserStore } from './open.js'

const LOCK_WAIT_SECONDS = 30

/** What a pool and its connections have in common. */
export interface MysqlExecutable {
  /** Resolves to rows, or to what a write did, and to what describes them. */
  execute (statement: { sql: string, rowsAsArray: true }, values: SqlValue[]): Promise<[unknown, unknown]>
}

/** A connection of a {@link MysqlPool}. */
export interface MysqlConnection extends MysqlExecutable {
  release (): void
  destroy (): void
}

/** As much of a pool of `mysql2/promise` as is used. */
export interface MysqlPool extends MysqlExecutable {
  getConnection (): Promise<MysqlConnection>
}

/**
 * Keeps users in MariaDB (10.2 and later) or MySQL (8.0.17 and later).
 *
 * @param pool a pool of `mysql2/promise`, with a database chosen, which you end
 * @throws BadOptionsError if an option is wrong
 * @throws SchemaVersionError with `migrate: false`, if the tables are not those of this release
 *
 * @example
 * ```ts
 * import { createPool } from 'mysql2/promise'
 *
 * const store = await mysql(createPool({ host: 'db.internal', user: 'app', database: 'app' }))
 * ```
 */
export function mysql (pool: MysqlPool, options: SqlStoreOptions = {}): Promise<SqlUserStore> {
  return openStore(options, () => {
    if (typeof pool?.execute === 'function' && typeof pool.getConnection === 'function') return mysqlClient(pool)
    throw new BadOptionsError('mysql(pool): pool must be a pool of the package mysql2/promise, such as createPool({ uri }).')
  })
}

async function mysqlClient (pool: MysqlPool): Promise<SqlClient> {
  const executor = mysqlExecutor(pool)
  const row = await executor.queryOne('select version()', [])

  return {
    ...executor,
    dialect: { quote: '`', longText: 'longtext', idType: (length) => `varchar(${length})`, position: 'instr', insertIfNew: insertIgnoring, tableOptions: tableOptions(String(row?.[0])) },
    ephemeral: false,
    isDuplicate: (error) => errorCode(error) === 'ER_DUP_ENTRY',
    isMissingTable: (error) => errorCode(error) === 'ER_NO_SUCH_TABLE',

    async exclusively (name, work) {
      const connection = await pool.getConnection()
      try {
        const own = mysqlExecutor(connection)
        await lock(own, name)
        // Outside of a transaction each statement sees what was committed before it.
        const result = await work(own)
        await own.query('select release_lock(?)', [name])
        connection.release()
        return result
      } catch (error) {
        // With the connection goes its lock.
        connection.destroy()
        throw error
      }
    },

    close () {}
  }
}

function mysqlExecutor (executable: MysqlExecutable): SqlExecutor {
  const run = async (sql: string, values: readonly SqlValue[]): Promise<unknown> => (await executable.execute({ sql, rowsAsArray: true }, [...values]))[0]
  return {
    query: async (sql, values) => await run(sql, values) as SqlRow[],
    queryOne: async (sql, values) => (await run(sql, values) as SqlRow[])[0],
    execute: async (sql, values) => (await run(sql, values) as { affectedRows: number }).affectedRows
  }
}

/** What else than a duplicate it would ignore, a text that is too long say, is nothing that is inserted so. */
function insertIgnoring (table: string, columns: readonly string[]): string {
  return `insert ignore into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`
}

/** A lock of the connection, not of a transaction: MySQL commits at each `create table`. */
async function lock (database: SqlExecutor, name: string): Promise<void> {
  const row = await database.queryOne('select get_lock(?, ?)', [name, LOCK_WAIT_SECONDS])
  if (Number(row?.[0]) === 1) return
  throw new Error(`Another connection has held the lock ${name} for ${LOCK_WAIT_SECONDS} seconds.`)
}

/**
 * Texts are the same if their bytes are. The binary collation that both servers know, `utf8mb4_bin`, is not strict enough:
 * it ignores spaces at the end. Of those that are, each server has its own.
 */
function tableOptions (version: string): string {
  const collation = /mariadb/i.test(version) ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin'
  return `engine = InnoDB character set utf8mb4 collate ${collation}`
}
