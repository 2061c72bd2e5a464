// Users in your own table, by Drizzle over PostgreSQL: a user store of one's own, of which the plugin asks seven methods.
import { randomBytes } from 'node:crypto'
import { and, asc, eq, gt, ne, sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { boolean, integer, pgTable, text } from 'drizzle-orm/pg-core'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { bearer, jwt, memoryRevocations, type FastifyUsersOptions, type StoredUser, type UserStore } from 'fastify-users'
import pg from 'pg'

export const accounts = pgTable('learn_drizzle_accounts', {
  id: text('id').primaryKey(),
  email: text('email').notNull(),
  // The index alone keeps two accounts from having one address.
  emailKey: text('email_key').notNull().unique(),
  passwordHash: text('password_hash'),
  isActive: boolean('is_active').notNull(),
  isVerified: boolean('is_verified').notNull(),
  isSuperuser: boolean('is_superuser').notNull(),
  createdAt: text('created_at').notNull(),
  updatedAt: text('updated_at').notNull(),
  version: integer('version').notNull(),
  sessionEpoch: integer('session_epoch').notNull(),
  // Any JSON, as text: jsonb cannot keep a NUL.
  pendingTokens: text('pending_tokens').notNull(),
  fields: text('fields').notNull()
})

type Row = typeof accounts.$inferSelect
type Statements = Pick<NodePgDatabase, 'update' | 'delete'>

export function drizzleStore (db: NodePgDatabase): UserStore {
  const toRow = (user: StoredUser): Row => ({ ...user, pendingTokens: JSON.stringify(user.pendingTokens), fields: JSON.stringify(user.fields) })
  const toUser = (row: Row): StoredUser => ({ ...row, pendingTokens: JSON.parse(row.pendingTokens) as StoredUser['pendingTokens'], fields: JSON.parse(row.fields) as StoredUser['fields'] })

  // One statement with the version in its condition: of two changes at once, one finds nothing to change.
  async function write (db: Statements, id: string, version: number, next: StoredUser | null): Promise<boolean> {
    const here = and(eq(accounts.id, id), eq(accounts.version, version))
    const { rowCount } = next === null ? await db.delete(accounts).where(here) : await db.update(accounts).set(toRow(next)).where(here)
    return rowCount === 1
  }

  return {
    async insert (user) {
      const { rowCount } = await db.insert(accounts).values(toRow(user)).onConflictDoNothing()
      return rowCount === 1
    },

    async findById (id) {
      const [row] = await db.select().from(accounts).where(eq(accounts.id, id))
      return row === undefined ? null : toUser(row)
    },

    async findByEmail (emailKey) {
      const [row] = await db.select().from(accounts).where(eq(accounts.emailKey, emailKey))
      return row === undefined ? null : toUser(row)
    },

    async list ({ after, limit, emailPart }) {
      // PostgreSQL has no NUL in a text, and fails when asked for one.
      if (emailPart?.includes('\0') === true) return []
      // strpos and not like: there % and _ would stand for any sign.
      const wanted = and(gt(accounts.id, after ?? ''), sql`strpos(${accounts.emailKey}, ${emailPart ?? ''}) > 0`)
      return (await db.select().from(accounts).where(wanted).orderBy(asc(accounts.id)).limit(limit)).map(toUser)
    },

    replace: async (user, version) => await write(db, user.id, version, user).catch(taken),
    remove: async (id, version) => await write(db, id, version, null),

    retire: async (id, version, next) => await db.transaction(async (tx) => {
      // Ends with the transaction. Whoever waits for it then sees what the one before has done.
      await tx.execute(sql`select pg_advisory_xact_lock(7310)`)
      const [found] = await tx.select({ id: accounts.id }).from(accounts).where(and(eq(accounts.id, id), eq(accounts.version, version)))
      if (found === undefined) return false
      const [other] = await tx.select({ id: accounts.id }).from(accounts).where(and(eq(accounts.isSuperuser, true), eq(accounts.isActive, true), ne(accounts.id, id))).limit(1)
      if (other === undefined) return 'last'
      return await write(tx, id, version, next)
    }, { isolationLevel: 'read committed' }).catch(taken)
  }
}

/** 23505: the unique index has this address already. Drizzle puts the driver's error behind one of its own. */
function taken (error: unknown): 'taken' {
  const { cause } = error as { cause?: { code?: unknown } }
  if (cause?.code === '23505') return 'taken'
  throw error
}

/** What `drizzle-kit generate` writes into a migration. */
export const createTable = sql`create table if not exists ${accounts} (
  id text primary key, email text not null, email_key text not null unique, password_hash text,
  is_active boolean not null, is_verified boolean not null, is_superuser boolean not null,
  created_at text not null, updated_at text not null, version integer not null, session_epoch integer not null,
  pending_tokens text not null, fields text not null
)`

export async function buildApp ({ url, ...settings }: Partial<FastifyUsersOptions> & { readonly url: string }): Promise<FastifyInstance> {
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 3000, query_timeout: 3000 })
  const app = Fastify()
  pool.on('error', (error) => { app.log.warn({ err: error }, 'PostgreSQL') })
  app.addHook('onClose', async () => { await pool.end() })

  const db = drizzle(pool)
  await db.execute(createTable)
  await app.register(fastifyUsers, {
    users: drizzleStore(db),
    // In production the secret must come from the environment, or a restart logs everybody out. This store keeps no sessions. For several processes give `sessions: redisSessions(redis)` and opaque(), or revocations of yours.
    strategy: jwt({ secret: process.env.AUTH_SECRET ?? randomBytes(32).toString('base64url'), lifetimeSeconds: 900, revocations: memoryRevocations() }),
    backends: [bearer()],
    routes: { register: true, me: true },
    ...settings
  })

  // Drizzle's queries and the plugin share the table. Read it as you like; change accounts through app.users.
  app.get('/count', { onRequest: app.authenticate() }, async () => ({ accounts: await db.$count(accounts) }))
  return app
}

if (process.argv[1] === import.meta.filename) {
  const { DATABASE_URL = 'postgres://postgres@127.0.0.1:5432/postgres' } = process.env
  const app = await buildApp({ url: DATABASE_URL })
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  const ann = `-H 'content-type: application/json' -d '${JSON.stringify({ email: `ann-${Date.now()}@example.com`, password: 'correct horse battery staple' })}'`
  console.log(`The table is learn_drizzle_accounts, and stays there. Paste these into another terminal:

  curl -i ${ann} ${url}/register     # 201
  TOKEN=$(curl -s ${ann} ${url}/login/bearer | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -i -H "authorization: Bearer $TOKEN" ${url}/users/me     # 200
  curl -i -H "authorization: Bearer $TOKEN" ${url}/count     # 200

Ctrl-C ends it.`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => app.close())
}
