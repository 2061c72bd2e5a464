import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, jwt, memory } from 'fastify-users'
import { listen, secret, storedUser } from './app.js'

const app = Fastify()
const users = memory()
users.insert(storedUser)

await app.register(fastifyUsers, { users, strategy: jwt({ secret }), backends: [cookie(), bearer()] })
app.get('/me', { preHandler: app.authenticate() }, async (request) => request.user)
await listen(app)
