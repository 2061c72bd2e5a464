// TypeBox for the routes of the app and for the fields of its users, with the compilers of its type provider.
import { deepEqual, equal } from 'node:assert/strict'
import { Type, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, memory, opaque, userSchema } from 'fastify-users'
import { ann, journey, run } from './shared/journey.mjs'

const fields = Type.Object({ nickname: Type.String({ minLength: 2 }), plan: Type.Union([Type.Literal('free'), Type.Literal('paid')], { default: 'free', readOnly: true }) })
const app = Fastify().setValidatorCompiler(TypeBoxValidatorCompiler)
await app.register(fastifyUsers, { users: memory(), strategy: opaque(), backends: [cookie(), bearer()], routes: { register: true, me: true }, fields })
app.get('/me', { preHandler: app.authenticate(), schema: { response: { 200: userSchema(fields) } } }, async (request) => request.user)
app.post('/posts', { schema: { body: Type.Object({ title: Type.String({ minLength: 3 }) }) } }, async ({ body }) => body)
await app.ready()

await run({
  async 'fields of the app\'s own' () {
    equal((await app.inject({ method: 'POST', url: '/register', payload: { ...ann, nickname: 'A' } })).statusCode, 400)
    const { id, createdAt, updatedAt, ...user } = (await app.inject({ method: 'POST', url: '/register', payload: { ...ann, nickname: 'Ann', plan: 'paid' } })).json()
    deepEqual(user, { email: ann.email, nickname: 'Ann', plan: 'free', isActive: true, isVerified: false, isSuperuser: false })
  },
  async 'by a bearer token' () {
    equal((await journey(app)).json().plan, 'free')
  },
  'by a cookie': () => journey(app, { backend: 'cookie' }),
  async 'a body that is checked by TypeBox' () {
    equal((await app.inject({ method: 'POST', url: '/posts', payload: { title: 'x' } })).statusCode, 400)
    equal((await app.inject({ method: 'POST', url: '/posts', payload: { title: 'xyz' } })).statusCode, 200)
  }
})
await app.close()
