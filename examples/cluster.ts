// Many processes, one app: two servers behind one port, users in PostgreSQL, sessions in Redis. A client logs in at one of them,
// is known to the other, and ends the session at one for both. `npm run example:cluster` builds and runs it; it goes through all
// steps by itself, and ends. DATABASE_URL and REDIS_URL say where the two are.
import cluster, { type Worker } from 'node:cluster'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import Fastify from 'fastify'
import fastifyUsers, { bearer, opaque } from 'fastify-users'
import { redisSessions } from 'fastify-users/redis'
import { postgres } from 'fastify-users/sql'
import { Redis } from 'ioredis'
import pg from 'pg'

const { DATABASE_URL = 'postgres://postgres@127.0.0.1:5432/postgres', REDIS_URL = 'redis://127.0.0.1:6379' } = process.env
const processes = 2

// Time-outs shorter than the 5 seconds after which a client is told 503: what hangs is given up, and its connection is free.
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 5, connectionTimeoutMillis: 3000, query_timeout: 3000 })
const redis = new Redis(REDIS_URL, { maxRetriesPerRequest: 1, commandTimeout: 3000 })
// A connection that is lost is made anew, and a command that fails tells so itself.
pool.on('error', () => {})
redis.on('error', () => {})

if (cluster.isPrimary) await lead()
else await serve(process.env.EXAMPLE_NAME as string)

/** A server. Nothing of it is needed to know a user but what PostgreSQL and Redis have. */
async function serve (name: string): Promise<void> {
  const app = Fastify()
  // Hooks of this kind run from the last one to the first: behind the plugin's own, which still needs the two.
  app.addHook('onClose', async () => {
    await pool.end()
    await redis.quit()
  })
  app.addHook('onSend', async (_request, reply) => { reply.header('x-process', process.pid) })

  await app.register(fastifyUsers, {
    // The tables are there: whoever deploys has made them.
    users: await postgres(pool, { tablePrefix: name, migrate: false }),
    sessions: redisSessions(redis, { prefix: `${name}:` }),
    strategy: opaque(),
    backends: [bearer()],
    routes: { register: true, me: true, sessions: true }
  })

  process.once('SIGTERM', async () => {
    await app.close()
    process.exit()
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
}

/** Starts the servers, is their client, and clears away what they leave behind. */
async function lead (): Promise<void> {
  const name = `fu_example_${randomBytes(4).toString('hex')}`
  const servers: Worker[] = []
  // Where one of the two is not there, it ends here, before there is anything to clear away.
  await Promise.all([pool.query('select 1'), redis.ping()])
  try {
    // Once, before any server starts: what `npx fastify-users migrate` does at deployment.
    await postgres(pool, { tablePrefix: name })

    // In turn, on every system.
    cluster.schedulingPolicy = cluster.SCHED_RR
    for (let count = 0; count < processes; count++) servers.push(cluster.fork({ EXAMPLE_NAME: name }))
    const ports = await Promise.all(servers.map(async (server) => {
      const [{ port }] = await once(server, 'listening', { signal: AbortSignal.timeout(30_000) }) as [{ port: number }]
      return port
    }))
    console.log(`Processes ${servers.map(({ process }) => process.pid).join(' and ')} share port ${ports[0]}.\n`)
    await walk(`http://127.0.0.1:${ports[0]}`)
  } finally {
    await Promise.all(servers.filter((server) => !server.isDead()).map(async (server) => {
      server.process.kill('SIGTERM')
      await once(server, 'exit')
    }))
    await pool.query(['', '_sessions', '_revocations', '_limits', '_migrations'].map((table) => `drop table if exists ${name}${table}`).join(';'))
    for await (const keys of redis.scanStream({ match: `${name}:*` })) if (keys.length > 0) await redis.del(...keys as string[])
    await pool.end()
    await redis.quit()
  }
}

/** What a client does, and who answers it. */
async function walk (url: string): Promise<void> {
  const ann = { email: 'ann@example.com', password: 'staple battery horse' }

  await call('POST', '/register', { body: ann })
  const phone = await logIn('phone')
  const laptop = await logIn('laptop')

  await everywhere('GET /users/me, by the phone', phone, '/users/me', 200)

  const { body } = await call('GET', '/sessions', { token: laptop })
  const other = (body.items as Array<{ id: string, userAgent: string, current: boolean }>).find(({ current }) => !current)
  console.log(`  … of which the laptop ends that of the ${other?.userAgent}:`)
  await call('DELETE', `/sessions/${other?.id}`, { token: laptop })

  await everywhere('GET /users/me, by the phone', phone, '/users/me', 401)
  await everywhere('GET /users/me, by the laptop', laptop, '/users/me', 200)

  async function logIn (device: string): Promise<string> {
    return (await call('POST', '/login/bearer', { body: ann, device })).body.access_token as string
  }

  /** Asks until every process has answered. */
  async function everywhere (what: string, token: string, path: string, expected: number): Promise<void> {
    const answers = new Map<string, number>()
    for (let attempt = 0; attempt < 100 && answers.size < processes; attempt++) {
      const { status, by } = await send(new URL(path, url), 'GET', { token })
      answers.set(by, status)
    }
    for (const [by, status] of answers) console.log(`process ${by}: ${what} → ${status}`)
    if (answers.size < processes || [...answers.values()].some((status) => status !== expected)) throw new Error(`not ${expected} everywhere`)
  }

  async function call (method: string, path: string, sent: Sent): ReturnType<typeof send> {
    const answer = await send(new URL(path, url), method, sent)
    console.log(`process ${answer.by}: ${method} ${path.replace(/(?<=\/sessions\/).+/, '…')} → ${answer.status}`)
    if (answer.status >= 400) throw new Error(JSON.stringify(answer.body))
    return answer
  }
}

interface Sent {
  readonly body?: object
  readonly token?: string
  readonly device?: string
}

/** Each request has a connection of its own, so that they go to the processes in turn. */
async function send (url: URL, method: string, { body, token, device }: Sent): Promise<{ status: number, by: string, body: Record<string, unknown> }> {
  const headers = {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(device === undefined ? {} : { 'user-agent': device })
  }
  const sent = request(url, { method, agent: false, headers })
  sent.end(body === undefined ? undefined : JSON.stringify(body))
  const [reply] = await once(sent, 'response') as [IncomingMessage]
  const { statusCode = 0, headers: { 'x-process': by } } = reply
  return { status: statusCode, by: String(by), body: statusCode === 204 ? {} : await json(reply) as Record<string, unknown> }
}
