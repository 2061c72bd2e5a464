// As the README of @fastify/jwt shows it, with @fastify/cookie, and then the user, whom the token only names.
import fastifyCookie from '@fastify/cookie'
import fastifyJwt from '@fastify/jwt'
import Fastify from 'fastify'
import { claimsOf, makeUsers, schema, secret, serve } from '../serve.js'

const app = Fastify()
const users = makeUsers()
const byId = new Map(users.map((user) => [user.id, user]))

await app.register(fastifyJwt, { secret, cookie: { cookieName: 'token', signed: false } })
await app.register(fastifyCookie)

app.decorate('authenticate', async function (request, reply) {
  try {
    await request.jwtVerify()
    const user = byId.get(request.user.sub)
    if (user === undefined) throw Object.assign(new Error('Unauthorized'), { statusCode: 401 })
    request.user = user
  } catch (err) {
    reply.send(err)
  }
})

app.get('/me', { onRequest: [app.authenticate], schema }, async (request) => request.user)

await serve(app, users.map((user) => ({
  header: 'cookie',
  value: `token=${app.jwt.sign(claimsOf(user, 'cookie'))}`,
  email: user.email
})))
