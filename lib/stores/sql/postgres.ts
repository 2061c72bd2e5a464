import { createHash } from 'node:crypto'
import { BadOptionsError } from '../../errors.js'
import { errorCode, insertOnConflict, type SqlClient, type SqlExecutor, type SqlRow, type SqlValue } from './client.js'
import { openStore, type SqlStoreOptions, type SqlUserStore } from './open.js'

/** What a pool and its connections have in common. */
export interface PostgresQueryable {
  query (statement: { name: string, text: string, rowMode: 'array', values: unknown[] }): Promise<{ rows: unknown[], rowCount: number | null }>
}

/** A connection of a {@link PostgresPool}. */
export interface PostgresConnection extends PostgresQueryable {
  /** @param destroy do not use the connection again */
  release (destroy?: boolean): void
}

/** As much of a `pg.Pool` as is used. */
export interface PostgresPool extends PostgresQueryable {
  connect (): Promise<PostgresConnection>
}

/**
 * Keeps users in PostgreSQL. Its statements are prepared, and planned once a connection.
 *
 * @param pool a `pg.Pool`, which you end; the tables are in the first schema of its `search_path`
 * @throws BadOptionsError if an option is wrong
 * @throws SchemaVersionError with `migrate: false`, if the tables are not those of this release
 *
 * @example
 * ```ts
 * import pg from 'pg'
 *
 * const store = await postgres(new pg.Pool({ connectionString: process.env.DATABASE_URL }))
 * ```
 */
export function postgres (pool: PostgresPool, options: SqlStoreOptions = {}): Promise<SqlUserStore> {
  return openStore(options, () => {
    if (typeof pool?.query === 'function' && typeof pool.connect === 'function') return postgresClient(pool)
    throw new BadOptionsError('postgres(pool): pool must be a Pool of the package pg, such as new pg.Pool({ connectionString }).')
  })
}

function postgresClient (pool: PostgresPool): SqlClient {
  return {
    ...postgresExecutor(pool),
    dialect: { quote: '"', longText: 'text', idType: (length) => `varchar(${length}) collate "C"`, position: 'strpos', insertIfNew: insertOnConflict, tableOptions: '' },
    ephemeral: false,
    isDuplicate: (error) => errorCode(error) === '23505',
    isMissingTable: (error) => errorCode(error) === '42P01',

    async exclusively (name, work) {
      const connection = await pool.connect()
      const executor = postgresExecutor(connection)
      try {
        // Read committed, whatever the default: what the last holder of the lock has done must be seen.
        await executor.execute('begin isolation level read committed', [])
        await executor.execute('set local lock_timeout = \'30s\'', [])
        await executor.query('select pg_advisory_xact_lock(?)', [lockKey(name)])
        const result = await work(executor)
        // After a statement that failed, PostgreSQL takes this for a rollback, and the connection is as good as new.
        await executor.execute('commit', [])
        connection.release()
        return result
      } catch (error) {
        // With the connection go its transaction and its lock.
        connection.release(true)
        throw error
      }
    },

    close () {}
  }
}

function postgresExecutor (queryable: PostgresQueryable): SqlExecutor {
  const statements = new Map<string, { name: string, text: string }>()

  function run (sql: string, values: readonly SqlValue[]): ReturnType<PostgresQueryable['query']> {
    const { name, text } = statements.get(sql) ?? add(sql)
    return queryable.query({ name, text, rowMode: 'array', values: [...values] })
  }

  function add (sql: string): { name: string, text: string } {
    const statement = toStatement(sql)
    statements.set(sql, statement)
    return statement
  }

  return {
    query: async (sql, values) => (await run(sql, values)).rows as SqlRow[],
    queryOne: async (sql, values) => (await run(sql, values)).rows[0] as SqlRow | undefined,
    execute: async (sql, values) => (await run(sql, values)).rowCount ?? 0
  }
}

/** The name comes from the text: stores that share a pool then share its statements, and never mix them up. */
function toStatement (sql: string): { name: string, text: string } {
  let count = 0
  return {
    name: `fastify_users_${createHash('sha256').update(sql).digest('hex').slice(0, 24)}`,
    text: sql.replaceAll('?', () => `$${++count}`)
  }
}

/** PostgreSQL names its advisory locks by 64-bit integers. */
function lockKey (name: string): string {
  return createHash('sha256').update(name).digest().readBigInt64BE().toString()
}
