// Copies of one user and one session, under ids of their own, made by the database itself: what stands beside the users who log in.
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { mariadbPool, postgresPool, redisClient } from './stores.js'

/** 64 hexadecimal digits, others in each row. */
const randomDigits = {
  sqlite: 'lower(hex(randomblob(32)))',
  postgres: 'replace(gen_random_uuid()::text || gen_random_uuid()::text, \'-\', \'\')',
  mariadb: 'sha2(concat(rand(), \' \', a.n, \' \', b.n), 256)'
}

const connect = {
  async sqlite ({ folder, prefix }) {
    const { default: Database } = await import('libsql')
    const database = new Database(join(folder, `${prefix}.db`))
    return {
      run: async (sql) => database.prepare(sql).run(),
      /** Of all tables: `fill` takes differences. */
      bytesOf: async () => database.prepare('select page_count * page_size as bytes from pragma_page_count(), pragma_page_size()').get().bytes,
      settle: async () => {},
      end: async () => database.close()
    }
  },

  async postgres () {
    const pool = await postgresPool({ max: 1, query_timeout: 300_000 })
    return {
      run: (sql) => pool.query(sql),
      bytesOf: async (table) => Number((await pool.query('select pg_total_relation_size($1::regclass) as bytes', [table])).rows[0].bytes),
      // Or it would do so by itself in the midst of the measurements.
      settle: (table) => pool.query(`vacuum analyze ${table}`),
      end: () => pool.end()
    }
  },

  async mariadb ({ database }) {
    const pool = await mariadbPool(database)
    return {
      run: (sql) => pool.query(sql),
      async bytesOf (table) {
        await pool.query(`analyze table ${table}`)
        const [[row]] = await pool.query('select data_length + index_length as bytes from information_schema.tables where table_schema = ? and table_name = ?', [database, table])
        return Number(row.bytes)
      },
      settle: async () => {},
      end: () => pool.end()
    }
  }
}

/**
 * Adds so many users, sessions and ended tokens (Redis: sessions alone).
 *
 * @returns the bytes that each added row takes, with its share of the indexes: `{ user, session, ended }`
 */
export async function fill (store, place, count) {
  return store === 'redis' ? await fillRedis(place, count) : await fillTables(store, place, count)
}

async function fillTables (store, place, count) {
  const { run, bytesOf, settle, end } = await connect[store](place)
  const { prefix: users } = place
  const [sessions, ended] = [`${users}_sessions`, `${users}_revocations`]
  // What these sessions alone have: the id of the user is the start of their own.
  const added = `${sessions} s where s.user_id = substr(s.id, 1, 36)`
  const userColumns = 'password_hash, is_active, is_verified, is_superuser, created_at, updated_at, version, session_epoch, pending_tokens, fields'
  const sessionColumns = 'created_at, last_seen_at, expires_at, version, data'
  const of = (row, columns) => columns.split(', ').map((column) => `${row}.${column}`).join(', ')

  const steps = {
    session: [sessions, `insert into ${sessions} (id, user_id, ${sessionColumns})
      with recursive thousand (n) as (select 1 union all select n + 1 from thousand where n < 1000)
      select x.id, substr(x.id, 1, 36), ${of('t', sessionColumns)}
      from (select substr(${randomDigits[store]}, 1, 43) as id from thousand a cross join thousand b limit ${count}) x
      cross join (select * from ${sessions} limit 1) t order by x.id`],
    user: [users, `insert into ${users} (id, email, email_key, ${userColumns})
      select s.user_id, replace('#@example.com', '#', s.user_id), replace('#@example.com', '#', s.user_id), ${of('t', userColumns)}
      from (select * from ${users} limit 1) t cross join ${added} order by s.user_id`],
    ended: [ended, `insert into ${ended} (id, expires_at) select s.user_id, s.expires_at from ${added} order by s.user_id`]
  }

  const bytes = {}
  try {
    for (const [row, [table, sql]] of Object.entries(steps)) {
      const before = await bytesOf(table)
      await run(sql)
      await settle(table)
      bytes[row] = (await bytesOf(table) - before) / count
    }
    return bytes
  } finally {
    await end()
  }
}

/** As lib/stores/redis writes them: one key for the session, one for the list of the user's sessions. */
async function fillRedis ({ prefix }, count) {
  const client = await redisClient({ commandTimeout: 60_000 })
  const digest = (text) => createHash('sha256').update(text).digest('base64url')
  const memory = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1])
  try {
    const text = await client.get(await firstKey(client, `${prefix}:session:*`))
    const { userId, createdAt } = JSON.parse(text.slice(text.indexOf('{')))
    const before = await memory()
    for (let done = 0; done < count; done += 1000) {
      const pipeline = client.pipeline()
      for (let i = done; i < Math.min(count, done + 1000); i++) {
        const id = randomBytes(32).toString('base64url')
        const user = digest(id).slice(0, userId.length)
        const list = `${prefix}:user:{${digest(user)}}`
        pipeline.set(`${prefix}:session:{${id}}`, text.replace(userId, user), 'PX', 7_200_000)
        pipeline.zadd(list, 0, `${createdAt.toString(36).padStart(11, '0')}${id}`)
        pipeline.pexpire(list, 7_200_000)
      }
      await pipeline.exec()
    }
    return { session: (await memory() - before) / count }
  } finally {
    client.disconnect()
  }
}

async function firstKey (client, match) {
  for await (const [key] of client.scanStream({ match, count: 1000 })) if (key !== undefined) return key
}
