import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, jwt } from 'fastify-users'
import { sqlite } from 'fastify-users/sql'
import { listen, secret, storedUser } from './app.js'

const app = Fastify()
const users = await sqlite(':memory:')
users.insert(storedUser)

await app.register(fastifyUsers, { users, strategy: jwt({ secret }), backends: [cookie(), bearer()] })
app.get('/me', { preHandler: app.authenticate() }, async (request) => request.user)
await listen(app)
