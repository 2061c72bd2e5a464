// Users and sessions in PostgreSQL: a pool with time-outs, tables that are made at deployment, a health check, and a clean end.
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { bearer, opaque, type FastifyUsersOptions } from 'fastify-users'
import { postgres } from 'fastify-users/sql'
import pg from 'pg'

export interface Settings extends Partial<FastifyUsersOptions> {
  readonly url?: string
  /** The name of the users' table; those of sessions and limits begin with it. */
  readonly tablePrefix?: string
}

/** An account of the database that may create tables does this once, before a new release of the app starts. */
export async function migrate ({ url, tablePrefix }: Settings): Promise<void> {
  const pool = new pg.Pool({ connectionString: url })
  try {
    await postgres(pool, { tablePrefix })
  } finally {
    await pool.end()
  }
}

export async function buildApp ({ url, tablePrefix, ...settings }: Settings = {}): Promise<FastifyInstance> {
  // Times below the 5 seconds after which a client is told 503: what hangs is given up, and its connection is free.
  const pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 3000, query_timeout: 3000 })
  const app = Fastify()
  // An idle connection that is lost is made anew. Without a listener it would end the process.
  pool.on('error', (error) => { app.log.warn({ err: error }, 'PostgreSQL') })
  // Before the plugin: these hooks run from the last one to the first, and the plugin still has work to finish.
  app.addHook('onClose', async () => { await pool.end() })

  await app.register(fastifyUsers, {
    // Only looks whether the tables are those of this release.
    users: await postgres(pool, { tablePrefix, migrate: false }),
    // The store of the users keeps the sessions, too, and counts the attempts.
    strategy: opaque(),
    backends: [bearer()],
    routes: { register: true, me: true, sessions: true },
    ...settings
  })

  // For the load balancer, and outside of every guard: can this process serve?
  app.get('/ready', async (request, reply) => {
    try {
      await pool.query('select 1')
      return 'ok'
    } catch (error) {
      request.log.warn({ err: error }, 'not ready')
      return await reply.code(503).send('not ready')
    }
  })

  // Your own tables beside ours, over the same pool: ask by the id.
  app.get('/age', { onRequest: app.authenticate() }, async ({ user }) => {
    const { rows: [row] } = await pool.query<{ days: number }>('select current_date - $1::timestamptz::date as days', [user.createdAt])
    return { days: row?.days }
  })
  return app
}

if (process.argv[1] === import.meta.filename) {
  const { DATABASE_URL = 'postgres://postgres@127.0.0.1:5432/postgres', TABLE_PREFIX = 'learn_postgres' } = process.env
  const settings = { url: DATABASE_URL, tablePrefix: TABLE_PREFIX }
  await migrate(settings)
  const app = await buildApp(settings)
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  const ann = `-H 'content-type: application/json' -d '${JSON.stringify({ email: `ann-${Date.now()}@example.com`, password: 'correct horse battery staple' })}'`
  console.log(`The tables are ${TABLE_PREFIX}, ${TABLE_PREFIX}_sessions and others, and stay there. Paste these into another terminal:

  curl -i ${url}/ready     # 200
  curl -i ${ann} ${url}/register     # 201
  curl -i ${ann} ${url}/register     # 400, the address is taken
  TOKEN=$(curl -s ${ann} ${url}/login/bearer | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -i -H "authorization: Bearer $TOKEN" ${url}/age     # 200
  curl -i -H "authorization: Bearer $TOKEN" ${url}/sessions     # 200

Start it again: who has registered is still there, and the token still good.
Ctrl-C ends it.`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => app.close())
}
