// fastify-users as its documentation makes it, with the costs that it has by default.
import { readFile } from 'node:fs/promises'
import Fastify from 'fastify'
import fastifyUsers, { bearer, jwt, memory } from '../../dist/index.js'
import { nodeRsArgon2 } from '../../dist/crypto/node-rs-argon2.js'
import { asBearer, schema, secret, serve, settings, visit } from '../serve.js'

const { emails, password, library } = settings
const app = Fastify()
await app.register(fastifyUsers, {
  users: memory(),
  strategy: jwt({ secret }),
  backends: [bearer()],
  // All come from one address, more at once than anybody may.
  throttle: false,
  passwords: { queuePerClient: 100, ...library === 'argon2' ? {} : { hasher: nodeRsArgon2 } }
})
app.get('/me', { preHandler: app.authenticate(), schema }, async (request) => request.user)
app.get('/pool', async () => ({ bytes: (await readFile(import.meta.filename)).length }))

for (const email of emails) await app.users.create({ email, password })
const [{ body }] = await visit(app, [{ method: 'POST', path: '/login/bearer', body: { email: emails[0], password } }])

await serve(app, [{ ...asBearer(body.access_token), email: emails[0] }])
