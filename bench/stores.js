// Where contenders keep their rows: how to reach the servers, which of them are there, and how nothing of it is left behind.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const { env } = process

const postgresAt = { host: env.PGHOST ?? '127.0.0.1', port: Number(env.PGPORT ?? 5432), user: env.PGUSER ?? 'postgres', database: env.PGDATABASE ?? 'postgres' }
const mariadbAt = { host: env.MYSQL_HOST ?? '127.0.0.1', port: Number(env.MYSQL_TCP_PORT ?? 3306), user: env.MYSQL_USER ?? 'root', password: env.MYSQL_PWD ?? '' }
const redisAt = { host: env.REDIS_HOST ?? '127.0.0.1', port: Number(env.REDIS_PORT ?? 6379) }

/** A pool as docs/deploy.md has it. */
export async function postgresPool (options = {}) {
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({ ...postgresAt, max: 10, connectionTimeoutMillis: 3000, query_timeout: 3000, ...options })
  pool.on('error', () => {})
  return pool
}

/** A pool as docs/deploy.md has it, in a database of that name, which is made. */
export async function mariadbPool (database) {
  const { createConnection, createPool } = await import('mysql2/promise')
  const connection = await createConnection({ ...mariadbAt, connectTimeout: 3000 })
  await connection.query(`create database if not exists ${database}`)
  await connection.end()
  return createPool({ ...mariadbAt, database, connectTimeout: 3000 })
}

/** A client as docs/deploy.md has it. */
export async function redisClient (options = {}) {
  const { Redis } = await import('ioredis')
  const client = new Redis({ ...redisAt, maxRetriesPerRequest: 1, commandTimeout: 3000, ...options })
  // Commands tell of their failures themselves.
  client.on('error', () => {})
  return client
}

const servers = {
  async postgres () {
    const pool = await postgresPool()
    try {
      await pool.query('select 1')
      return null
    } catch {
      return `no PostgreSQL at ${postgresAt.host}:${postgresAt.port}`
    } finally {
      await pool.end()
    }
  },

  async mariadb () {
    const { createConnection } = await import('mysql2/promise')
    try {
      const connection = await createConnection({ ...mariadbAt, connectTimeout: 3000 })
      await connection.end()
      return null
    } catch {
      return `no MariaDB at ${mariadbAt.host}:${mariadbAt.port}`
    }
  },

  async redis () {
    const client = await redisClient({ retryStrategy: null, maxRetriesPerRequest: 0 })
    try {
      await client.ping()
      return null
    } catch {
      return `no Redis at ${redisAt.host}:${redisAt.port}`
    } finally {
      client.disconnect()
    }
  }
}

/** Why each of these stores cannot be used; a store that can is not in it. */
export async function absentStores (stores) {
  const reasons = new Map()
  for (const store of new Set(stores)) {
    const reason = await servers[store]?.() ?? null
    if (reason !== null) reasons.set(store, reason)
  }
  return reasons
}

/** A place for this run alone, in a folder for files and under a name for tables and keys. `clear()` removes all of it. */
export function makePlace () {
  const name = `fu_bench_${randomBytes(5).toString('hex')}`
  const folder = mkdtempSync(join(tmpdir(), 'fastify-users-bench-'))
  const used = new Set()
  let count = 0

  return {
    /** What a server may use, as its `settings`. */
    forServer (store) {
      used.add(store)
      return { folder, database: name, prefix: `${name}_${count++}` }
    },

    async clear () {
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
      if (used.has('postgres')) await clearPostgres(name)
      if (used.has('mariadb')) await clearMariadb(name)
      if (used.has('redis')) await clearRedis(name)
    }
  }
}

async function clearPostgres (name) {
  const pool = await postgresPool({ query_timeout: 60_000 })
  try {
    const { rows } = await pool.query('select tablename from pg_tables where schemaname = current_schema() and starts_with(tablename, $1)', [name])
    for (const { tablename } of rows) await pool.query(`drop table if exists ${tablename} cascade`)
  } finally {
    await pool.end()
  }
}

async function clearMariadb (name) {
  const pool = await mariadbPool(name)
  try {
    await pool.query(`drop database ${name}`)
  } finally {
    await pool.end()
  }
}

async function clearRedis (name) {
  const client = await redisClient()
  try {
    for await (const keys of client.scanStream({ match: `${name}*`, count: 1000 })) {
      if (keys.length > 0) await client.unlink(...keys)
    }
  } finally {
    client.disconnect()
  }
}
