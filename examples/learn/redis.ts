// Sessions and limits in Redis, users in SQL: what each of them keeps, what happens when Redis is away, and what it may forget.
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { bearer, opaque, type FastifyUsersOptions, type UserStore } from 'fastify-users'
import { redisRateLimits, redisSessions } from 'fastify-users/redis'
import { sqlite } from 'fastify-users/sql'
import { Redis } from 'ioredis'

export interface Settings extends Partial<FastifyUsersOptions> {
  readonly users: UserStore
  readonly url?: string
  /** What all keys begin with. */
  readonly keyPrefix?: string
}

export async function buildApp ({ url = 'redis://127.0.0.1:6379', keyPrefix: prefix = 'learn-redis:', ...settings }: Settings): Promise<FastifyInstance> {
  // Gives up within seconds, so that a client is told 503 and does not wait.
  const redis = new Redis(url, { maxRetriesPerRequest: 1, connectTimeout: 3000, commandTimeout: 3000 })
  const app = Fastify()
  // A connection that is lost is made anew. Without a listener each attempt would be written to the console.
  redis.on('error', (error) => { app.log.warn({ err: error }, 'Redis') })
  // Before the plugin: these hooks run from the last one to the first, and the plugin still has work to finish.
  app.addHook('onClose', async () => { redis.disconnect() })

  await app.register(fastifyUsers, {
    strategy: opaque({ idleSeconds: 3600 }),
    // Asked at each guarded request.
    sessions: redisSessions(redis, { prefix }),
    // Written to at each login.
    limits: redisRateLimits(redis, { prefix }),
    backends: [bearer()],
    routes: { register: true, me: true, sessions: true },
    ...settings
  })

  app.get('/hello', { onRequest: app.authenticate() }, async ({ user }) => `Hello ${user.email}`)
  return app
}

if (process.argv[1] === import.meta.filename) {
  const { REDIS_URL, KEY_PREFIX, DATABASE = ':memory:' } = process.env
  const app = await buildApp({ users: await sqlite(DATABASE), ...(REDIS_URL && { url: REDIS_URL }), ...(KEY_PREFIX && { keyPrefix: KEY_PREFIX }) })
  await app.users.create({ email: 'ann@example.com', password: 'correct horse battery staple' })
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  const ann = `-H 'content-type: application/json' -d '${JSON.stringify({ email: 'ann@example.com', password: 'correct horse battery staple' })}'`
  console.log(`Paste these into another terminal, line by line:

  TOKEN=$(curl -s ${ann} ${url}/login/bearer | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -i -H "authorization: Bearer $TOKEN" ${url}/hello     # 200
  curl -i -H "authorization: Bearer $TOKEN" ${url}/sessions     # 200
  curl -i -X DELETE -H "authorization: Bearer $TOKEN" ${url}/sessions     # 204, all others
  curl -i -X POST -H "authorization: Bearer $TOKEN" ${url}/logout/bearer     # 200
  curl -i -H "authorization: Bearer $TOKEN" ${url}/hello     # 401

Ctrl-C ends it.`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => app.close())
}
