import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { bearer, cookie, jwt, memory, opaque } from '../../dist/index.js'
import { createApp, logIn } from '../fastify-users.js'
import { asBearer, makeUsers, schema, secret, serve, settings } from '../serve.js'
import { postgresPool, redisClient } from '../stores.js'

const { transport = 'bearer', strategy = 'jwt', store = 'memory', route = 'guarded', cacheSeconds = 0, prefix, folder } = settings

const strategies = {
  jwt: () => jwt({ secret }),
  ES256: () => jwt({ keys: [{ algorithm: 'ES256', privateKey: generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }).privateKey }] }),
  opaque: () => opaque()
}

const stores = {
  memory: async () => ({ users: memory() }),
  async sqlite () {
    const { sqlite } = await import('../../dist/stores/sql/index.js')
    return { users: await sqlite(join(folder, `${prefix}.db`)) }
  },
  async postgres () {
    const { postgres } = await import('../../dist/stores/sql/index.js')
    return { users: await postgres(await postgresPool(), { tablePrefix: prefix }) }
  },
  async redis () {
    const { redisSessions } = await import('../../dist/stores/redis/index.js')
    return { users: memory(), sessions: redisSessions(await redisClient(), { prefix: `${prefix}:` }) }
  }
}

const transports = {
  bearer: { backend: bearer, read: ({ body }) => asBearer(body.access_token) },
  cookie: { backend: cookie, read: ({ cookies: [cookie] }) => ({ header: 'cookie', value: cookie.split(';')[0] }) }
}

const routes = {
  guarded: (app) => app.get('/me', { preHandler: app.authenticate(), schema }, async (request) => request.user),
  optional: (app) => app.get('/me', { preHandler: app.authenticate({ optional: true }), schema }, async (request) => request.user ?? anybody),
  unguarded: (app) => app.get('/me', { schema }, async () => anybody)
}

const [anybody] = makeUsers()
const { backend, read } = transports[transport]

const app = await createApp({
  ...await stores[store](),
  strategy: strategies[strategy](),
  backends: [backend()],
  cacheSeconds
})
routes[route](app)

await serve(app, await logIn(app, transport, read))
