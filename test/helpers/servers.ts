import mysql2 from 'mysql2/promise'
import pg from 'pg'

const { env } = process

const postgresAt = { host: env.PGHOST ?? '127.0.0.1', port: Number(env.PGPORT ?? 5432), user: env.PGUSER ?? 'postgres', database: env.PGDATABASE ?? 'postgres' }
const mariadbAt = { host: env.MYSQL_HOST ?? '127.0.0.1', port: Number(env.MYSQL_TCP_PORT ?? 3306), user: env.MYSQL_USER ?? 'root', password: env.MYSQL_PWD ?? '' }
const mariadbDatabase = 'fastify_users_test'

/** Why a test is skipped where there is no server. */
export const noPostgres = `no PostgreSQL at ${postgresAt.host}:${postgresAt.port}`
export const noMariadb = `no MariaDB at ${mariadbAt.host}:${mariadbAt.port}`

/** A pool of the PostgreSQL server, to be ended by the caller; `null` if there is none. */
export async function postgresServer (): Promise<pg.Pool | null> {
  const pool = new pg.Pool({ ...postgresAt, connectionTimeoutMillis: 10_000 })
  try {
    await pool.query('select 1')
    return pool
  } catch (error) {
    await pool.end()
    return absent(error)
  }
}

/** A pool of the MariaDB server, in a database for tests, to be ended by the caller; `null` if there is no server. */
export async function mariadbServer (): Promise<mysql2.Pool | null> {
  try {
    const connection = await mysql2.createConnection({ ...mariadbAt, connectTimeout: 10_000 })
    await connection.query(`create database if not exists ${mariadbDatabase}`)
    await connection.end()
  } catch (error) {
    return absent(error)
  }
  return mysql2.createPool({ ...mariadbAt, database: mariadbDatabase })
}

/** A test that was skipped by mistake would pass for ever, so where the servers are promised their absence is a failure. */
function absent (error: unknown): null {
  if (env.CI === 'true') throw error
  return null
}
