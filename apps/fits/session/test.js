// Sessions of @fastify/session for who is not logged in, a basket say, beside those of the plugin.
import { equal } from 'node:assert/strict'
import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, memory, opaque } from 'fastify-users'
import { ann, cookieOf, journey, run } from './shared/journey.mjs'

const sessions = async (app) => {
  await app.register(fastifyCookie)
  await app.register(fastifySession, { secret: 'a secret of at least thirty-two letters', cookie: { secure: false }, saveUninitialized: false })
}
const users = (app) => app.register(fastifyUsers, { users: memory(), strategy: opaque(), backends: [cookie(), bearer()], routes: { sessions: true } })

async function tryIn (order) {
  const app = Fastify()
  for (const register of order) await register(app)
  app.get('/me', { preHandler: app.authenticate() }, async (request) => request.user)
  app.post('/basket', async ({ session }) => {
    session.things = (session.things ?? 0) + 1
    return session.things
  })
  await app.ready()
  await app.users.create(ann)

  await journey(app)
  await journey(app, { backend: 'cookie' })

  const basket = cookieOf(await app.inject({ method: 'POST', url: '/basket' }))
  const login = cookieOf(await app.inject({ method: 'POST', url: '/login/cookie', payload: ann, headers: { cookie: basket } }))
  const headers = { cookie: `${basket}; ${login}`, 'x-requested-with': 'test' }
  equal((await app.inject({ method: 'POST', url: '/basket', headers })).body, '2')
  equal((await app.inject({ url: '/me', headers })).statusCode, 200)
  equal((await app.inject({ method: 'POST', url: '/logout/cookie', headers })).statusCode, 200)
  equal((await app.inject({ url: '/me', headers })).statusCode, 401)
  equal((await app.inject({ method: 'POST', url: '/basket', headers })).body, '3', 'the basket is left')
  await app.close()
}

await run({
  'registered before the plugin': () => tryIn([sessions, users]),
  'registered behind it': () => tryIn([users, sessions])
})
