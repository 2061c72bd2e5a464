// Joi's compiler at the root, for the routes of the app. The plugin's own routes have theirs.
import { equal, match } from 'node:assert/strict'
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, memory, opaque } from 'fastify-users'
import Joi from 'joi'
import { ann, journey, run } from './shared/journey.mjs'

const app = Fastify()
app.setValidatorCompiler(({ schema }) => (data) => schema.validate(data))
await app.register(fastifyUsers, { users: memory(), strategy: opaque(), backends: [cookie(), bearer()], routes: { register: true, me: true, users: true } })
app.get('/me', { preHandler: app.authenticate() }, async (request) => request.user)
app.post('/posts', { preHandler: app.authenticate({ optional: true }), schema: { body: Joi.object({ title: Joi.string().min(3) }) } }, async ({ body }) => body)
await app.ready()

await run({
  async 'to register: a body that is checked by JSON schema' () {
    equal((await app.inject({ method: 'POST', url: '/register', payload: { ...ann, email: 7 } })).json().code, 'FST_ERR_VALIDATION')
    equal((await app.inject({ method: 'POST', url: '/register', payload: ann })).statusCode, 201)
  },
  'by a bearer token': () => journey(app),
  'by a cookie': () => journey(app, { backend: 'cookie' }),
  'one\'s own account': () => journey(app, { url: '/users/me' }),
  async 'a body that is checked by Joi' () {
    const reply = await app.inject({ method: 'POST', url: '/posts', payload: { title: 'x' } })
    equal(reply.statusCode, 400)
    match(reply.body, /at least 3 characters/)
    equal((await app.inject({ method: 'POST', url: '/posts', payload: { title: 'xyz' } })).statusCode, 200)
  }
})
await app.close()
