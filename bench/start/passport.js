// @fastify/passport with @fastify/secure-session, as its README shows it.
import { Authenticator } from '@fastify/passport'
import fastifySecureSession from '@fastify/secure-session'
import Fastify from 'fastify'
import { createHash } from 'node:crypto'
import { listen, secret, user } from './app.js'

const app = Fastify()
const passport = new Authenticator()
const users = new Map([[user.id, user]])

await app.register(fastifySecureSession, { key: createHash('sha256').update(secret).digest() })
await app.register(passport.initialize())
await app.register(passport.secureSession())
passport.registerUserSerializer(async (one) => one.id)
passport.registerUserDeserializer(async (id) => users.get(id) ?? null)
app.get('/me', {
  preHandler: (request, reply, done) => {
    if (!request.isAuthenticated()) return done(Object.assign(new Error('Unauthorized'), { statusCode: 401 }))
    done()
  }
}, async (request) => request.user)
await listen(app)
