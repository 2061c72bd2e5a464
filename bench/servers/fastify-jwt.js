// As the README of @fastify/jwt shows it, and then the user, whom the token only names.
import fastifyCookie from '@fastify/cookie'
import fastifyJwt from '@fastify/jwt'
import Fastify from 'fastify'
import { asBearer, asCookie, claimsOf, credentialsOf, logInByHand, makeUsers, schema, secret, serve, settings } from '../serve.js'

const { transport, cache = false } = settings
const app = Fastify()
const users = makeUsers()
const byId = new Map(users.map((user) => [user.id, user]))

await app.register(fastifyJwt, {
  secret,
  ...(transport === 'cookie' ? { cookie: { cookieName: 'token', signed: false } } : {}),
  ...(cache ? { verify: { cache: true } } : {})
})
if (transport === 'cookie') await app.register(fastifyCookie)

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

const tokens = users.map((user) => app.jwt.sign(claimsOf(user, transport)))
await logInByHand(app, tokens)
await serve(app, credentialsOf(users, tokens, transport === 'cookie' ? asCookie('token') : asBearer))
