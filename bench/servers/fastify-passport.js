// As the README of @fastify/passport shows it: the session names the user, a deserializer finds them, and a hook asks whether
// somebody is logged in. With @fastify/secure-session the session is in an encrypted cookie, with @fastify/session in memory.
import { Authenticator } from '@fastify/passport'
import fastifyCookie from '@fastify/cookie'
import fastifySecureSession from '@fastify/secure-session'
import fastifySession from '@fastify/session'
import Fastify from 'fastify'
import { randomBytes } from 'node:crypto'
import { makeUsers, schema, secret, serve, settings, visit } from '../serve.js'

const app = Fastify()
const passport = new Authenticator()
const users = makeUsers()
const byId = new Map(users.map((user) => [user.id, user]))

if (settings.session === 'cookie') {
  await app.register(fastifySecureSession, { key: randomBytes(32) })
} else {
  await app.register(fastifyCookie)
  // `secure: false`, because it speaks plain HTTP here. The other two are what it advises against keeping sessions of nobody, and
  // against a cookie in every response.
  await app.register(fastifySession, { secret, cookie: { secure: false }, saveUninitialized: false, rolling: false })
}
await app.register(passport.initialize())
await app.register(passport.secureSession())
passport.registerUserSerializer(async (user) => user.id)
passport.registerUserDeserializer(async (id) => byId.get(id) ?? null)

app.get('/login', async (request) => {
  await request.logIn(byId.get(request.query.id))
  return {}
})

app.get('/me', {
  preValidation: async (request, reply) => {
    if (!request.isAuthenticated()) return reply.code(401).send({ error: 'Unauthorized' })
  },
  schema
}, async (request) => request.user)

const responses = await visit(app, users.map(({ id }) => ({ path: `/login?id=${id}` })))

await serve(app, responses.map(({ cookies: [cookie] }, i) => ({ header: 'cookie', value: cookie.split(';')[0], email: users[i].email })))
