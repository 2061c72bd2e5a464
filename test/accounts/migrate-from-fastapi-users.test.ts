import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import argon2 from 'argon2'
import bcrypt from 'bcrypt'
import pg from 'pg'
import t, { type Test } from 'tap'
import { emailKey } from '../../lib/email.js'
import { postgres } from '../../lib/stores/sql/index.js'
import { appWith, login } from '../helpers/app.js'
import { noPostgres, postgresServer } from '../helpers/servers.js'

const ids = {
  argon: '3f0c7a52-8d5e-4a8f-9b0e-2f6f5f6b1a01',
  bcrypt: '0b1de1f4-6a57-4f3c-8a86-4d4c3d5a9b02',
  inactive: 'c9a3f6d8-1e2b-4c7d-9e8f-7a6b5c4d3e03',
  root: '7d1c2b3a-4f5e-4d6c-8b7a-9f8e7d6c5b04',
  other: 'aa0bb1cc-2dd3-4ee4-8ff5-066117722805'
}
const password = 'correct horse battery staple'
/** What fastapi-users asks of argon2. */
const cost = { type: argon2.argon2id, memoryCost: 65_536, timeCost: 3, parallelism: 4 }

t.test('the SQL of docs/migrate-from-fastapi-users.md', async (t) => {
  const server = await postgresServer()
  if (server === null) return skipped(t)
  t.after(() => server.end())
  const pool = await schemaWithUsers(t, server)
  const page = await readFile(new URL('../../docs/migrate-from-fastapi-users.md', import.meta.url), 'utf8')
  const run = async (heading: string): Promise<readonly pg.QueryResult[]> => [await pool.query(sqlUnder(page, heading))].flat()
  const rowsOf = async (heading: string): Promise<unknown[] | undefined> => (await run(heading)).at(-1)?.rows

  await t.test('finds what is in the way', async (t) => {
    t.strictSame(await rowsOf('Find addresses that collide'), [], 'nothing yet')
    t.strictSame(await rowsOf('Find addresses that cannot be looked up'), [])
    t.strictSame(await rowsOf('Find hashes that cannot be verified'), [])

    await addUser(pool, { id: ids.other, email: 'ARGON@example.com' })
    t.match(await rowsOf('Find addresses that collide'), [{ email_key: 'argon@example.com', ids: [ids.argon, ids.other], emails: ['Argon@Example.com', 'ARGON@example.com'] }])
    await t.rejects(run('Copy them'), { code: '23505' }, 'two people are not made one')
    t.strictSame((await pool.query('rollback; select id from fastify_users') as unknown as pg.QueryResult[]).at(-1)?.rows, [], 'and nobody is copied')

    for (const email of ['ann@bücher.example', 'a b@example.com', 'ann@ex@ample.com', '[ann]@example.com', 'back\\slash@example.com', 'tab\t@example.com', `${'a'.repeat(65)}@example.com`, 'ann@-example.com']) {
      await pool.query('update "user" set email = $1 where id = $2', [email, ids.other])
      t.match(await rowsOf('Find addresses that cannot be looked up'), [{ id: ids.other }], email)
    }
    await pool.query('update "user" set email = $1, hashed_password = $2 where id = $3', ['x@example.com', 'pbkdf2$260000$abc', ids.other])
    t.match(await rowsOf('Find hashes that cannot be verified'), [{ id: ids.other, email: 'x@example.com' }])
    await pool.query('delete from "user" where id = $1', [ids.other])
  })

  await t.test('copies users, who log in with their passwords', async (t) => {
    for (const heading of ['Copy them', 'Copy your own columns', 'Turn foreign keys']) await run(heading)
    t.strictSame(await rowsOf('Look'), [{ there: '4', here: '4' }])
    for (const { email, email_key: key } of (await pool.query('select email, email_key from fastify_users')).rows) t.equal(key, emailKey(email))

    const fields = { type: 'object', properties: { firstName: { type: 'string' } } } as const
    const app = await appWith(t, { users: await postgres(pool, { migrate: false }), fields, passwords: {}, routes: { me: true, users: true, verify: true } }, { seed: false })
    for (const [email, id] of [['argon@example.com', ids.argon], ['ÄNNE@example.com', ids.bcrypt]] as const) {
      for (const backend of ['bearer', 'cookie']) {
        const me = await app.inject({ url: '/users/me', ...await login(app, backend, { email, password }) })
        t.match(me.json(), { id, isActive: true, isSuperuser: false })
      }
    }
    t.match(await app.users.get(ids.argon), { email: 'Argon@Example.com', firstName: 'Ann', isVerified: true, createdAt: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ })
    t.notOk(Object.hasOwn(Object(await app.users.get(ids.bcrypt)), 'firstName'), 'null is left out')
    t.equal(await hashOf(pool, ids.argon), await hashInOldTable(pool, ids.argon), 'a hash that costs more than ours stays')
    t.match(await hashOf(pool, ids.bcrypt), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/, 'one by bcrypt is replaced at login')
    await t.rejects(login(app, 'bearer', { email: 'inactive@example.com', password }), { message: /LOGIN_BAD_CREDENTIALS/ })
    await t.rejects(login(app, 'bearer', { email: 'argon@example.com', password: 'another password' }), { message: /LOGIN_BAD_CREDENTIALS/ })

    const root = await login(app, 'bearer', { email: 'root@example.com', password })
    t.same((await app.inject({ url: '/users', ...root })).json().items.length, 4)
    t.equal((await app.inject({ method: 'DELETE', url: `/users/${ids.argon}`, ...root })).statusCode, 204)
    t.strictSame((await pool.query('select user_id from item')).rows, [{ user_id: ids.bcrypt }], 'foreign keys hold')
    await t.rejects(pool.query('insert into item (user_id) values ($1)', [ids.argon]), { code: '23503' })
  })
})

function skipped (t: Test): void {
  t.comment(`skipped: ${noPostgres}`)
  t.test('all', { skip: noPostgres }, () => {})
}

/** The statements below a heading of the page. */
function sqlUnder (page: string, heading: string): string {
  const section = page.split(/^#+ /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const [, sql] = /^```sql\n(.*?)^```$/ms.exec(section) ?? []
  if (sql === undefined) throw new Error(`the page has no SQL under ${heading}`)
  return sql
}

/** A schema that holds what fastapi-users and its app have made, and our empty tables. It goes when the test ends. */
async function schemaWithUsers (t: Test, server: pg.Pool): Promise<pg.Pool> {
  const schema = `test_${randomBytes(6).toString('hex')}`
  // One connection: a transaction that fails stays open on it.
  const pool = new pg.Pool({ ...server.options, max: 1, options: `-c search_path=${schema}` })
  t.after(async () => {
    await pool.end()
    await server.query(`drop schema if exists ${schema} cascade`)
  })
  await server.query(`create schema ${schema}`)
  await pool.query(`
    create table "user" (
      id uuid not null primary key,
      email varchar(320) not null,
      hashed_password varchar(1024) not null,
      is_active boolean not null,
      is_superuser boolean not null,
      is_verified boolean not null,
      first_name varchar(100)
    );
    create unique index ix_user_email on "user" (email);
    create table item (id serial primary key, user_id uuid references "user" (id));
  `)
  const hash = await argon2.hash(password, cost)
  await addUser(pool, { id: ids.argon, email: 'Argon@Example.com', hash, verified: true, firstName: 'Ann' })
  // The letter and its dots are two characters, and capital.
  await addUser(pool, { id: ids.bcrypt, email: 'A\u0308nne@example.com', hash: await bcrypt.hash(password, 4) })
  await addUser(pool, { id: ids.inactive, email: 'inactive@example.com', hash, active: false })
  await addUser(pool, { id: ids.root, email: 'root@example.com', hash, superuser: true })
  await pool.query('insert into item (user_id) values ($1), ($2)', [ids.argon, ids.bcrypt])
  await postgres(pool)
  return pool
}

interface OldUser { readonly id: string, readonly email: string, readonly hash?: string, readonly active?: boolean, readonly superuser?: boolean, readonly verified?: boolean, readonly firstName?: string }

async function addUser (pool: pg.Pool, { id, email, hash = `$2b$12$${'a'.repeat(53)}`, active = true, superuser = false, verified = false, firstName }: OldUser): Promise<void> {
  await pool.query('insert into "user" values ($1, $2, $3, $4, $5, $6, $7)', [id, email, hash, active, superuser, verified, firstName])
}

async function hashOf (pool: pg.Pool, id: string): Promise<string> {
  return (await pool.query('select password_hash as hash from fastify_users where id = $1', [id])).rows[0].hash
}

async function hashInOldTable (pool: pg.Pool, id: string): Promise<string> {
  return (await pool.query('select hashed_password as hash from "user" where id = $1', [id])).rows[0].hash
}
