// Users in a store that others fill, too, logged in at two backends. Users are made of their number, so that several processes
// with users in memory know the same ones.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import Fastify from 'fastify'
import fastifyUsers, { bearer, jwt, memory, opaque } from '../../dist/index.js'
import { mysql, postgres, sqlite } from '../../dist/stores/sql/index.js'
import { redisSessions } from '../../dist/stores/redis/index.js'
import { asBearer, schema, secret, serve, settings, visit } from '../serve.js'
import { mariadbPool, postgresPool, redisClient } from '../stores.js'

const { store, prefix, folder, database, users: userCount, backends, password } = settings

const stores = {
  sqlite: async () => ({ users: await sqlite(join(folder, `${prefix}.db`), { tablePrefix: prefix }) }),
  postgres: async () => ({ users: await postgres(await postgresPool(), { tablePrefix: prefix }) }),
  mariadb: async () => ({ users: await mysql(await mariadbPool(database), { tablePrefix: prefix }) }),
  redis: async () => ({ users: memory(), sessions: redisSessions(await redisClient(), { prefix: `${prefix}:` }) })
}

const strategies = { opaque: () => opaque(), jwt: () => jwt({ secret }) }

/** It costs nothing, so that the rest of a log-in shows. */
const hasher = {
  hash: async (text) => `$none$${createHash('sha256').update(text).digest('hex')}`,
  verify: async (hash, text) => hash === await hasher.hash(text),
  needsRehash: () => false
}

const opened = await stores[store]()
const app = Fastify()
await app.register(fastifyUsers, {
  ...opened,
  backends: backends.map((name) => bearer({ name, strategy: strategies[name]() })),
  // All come from one address.
  throttle: false,
  passwords: { hasher }
})
app.get('/me', { preHandler: app.authenticate(), schema }, async (request) => request.user)

const users = await Promise.all(Array.from({ length: userCount }, (_, i) => addUser(i)))
const logins = backends.flatMap((backend) => users.map(({ email }) => ({ backend, email })))
const responses = await visit(app, logins.map(({ backend, email }) => ({ method: 'POST', path: `/login/${backend}`, body: { email, password } })))
await serve(app, responses.map(({ status, body }, i) => {
  if (status !== 200) throw new Error(`login failed: ${status}`)
  return { ...asBearer(body.access_token), ...logins[i] }
}))

/** Its id is anywhere among those of the others. */
async function addUser (i) {
  const id = createHash('sha256').update(`${prefix} ${i}`).digest('hex').replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')
  const email = `user-${i}@example.com`
  const now = new Date().toISOString()
  await opened.users.insert({
    id,
    email,
    emailKey: email,
    passwordHash: await hasher.hash(password),
    isActive: true,
    isVerified: false,
    isSuperuser: false,
    createdAt: now,
    updatedAt: now,
    version: 1,
    sessionEpoch: 0,
    pendingTokens: {},
    fields: {}
  })
  return { email }
}
