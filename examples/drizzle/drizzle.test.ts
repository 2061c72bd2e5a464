// What every user store must do, and the app over it, against the PostgreSQL of DATABASE_URL.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test, { after, before } from 'node:test'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { jwt, memoryRevocations } from 'fastify-users'
import { cheapHashes, createUser, loginAs, userStoreContract } from 'fastify-users/testing'
import pg from 'pg'
import { accounts, buildApp, createTable, drizzleStore } from './drizzle.js'

const { DATABASE_URL: url = 'postgres://postgres@127.0.0.1:5432/postgres' } = process.env
const pool = new pg.Pool({ connectionString: url })
const db = drizzle(pool)

before(async () => {
  await db.execute(sql`drop table if exists ${accounts}`)
  await db.execute(createTable)
})
after(async () => {
  await db.execute(sql`drop table ${accounts}`)
  await pool.end()
})

for (const { name, run } of userStoreContract(() => drizzleStore(db))) test(name, run)

test('the app over it', async (t) => {
  const app = await buildApp({ url, passwords: cheapHashes, strategy: jwt({ secret: randomBytes(32), revocations: memoryRevocations() }) })
  t.after(() => app.close())
  const ann = await createUser(app)
  const headers = await loginAs(app, ann)
  assert.equal((await app.inject({ url: '/users/me', headers })).json<{ email: string }>().email, ann.email)
  assert.equal((await app.inject({ url: '/count', headers })).json<{ accounts: number }>().accounts, await db.$count(accounts))
})
