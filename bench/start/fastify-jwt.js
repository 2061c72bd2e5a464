// The two plugins as their READMEs show them, with a guard made by hand.
import fastifyCookie from '@fastify/cookie'
import fastifyJwt from '@fastify/jwt'
import Fastify from 'fastify'
import { listen, secret, user } from './app.js'

const app = Fastify()
const users = new Map([[user.id, user]])

await app.register(fastifyCookie)
await app.register(fastifyJwt, { secret, cookie: { cookieName: 'token', signed: false } })
app.get('/me', {
  onRequest: async (request) => {
    await request.jwtVerify()
    request.user = users.get(request.user.sub)
  }
}, async (request) => request.user)
await listen(app)
