// Zod's compilers and its transform at the root, for the routes of the app. The plugin's own routes have theirs.
import { deepEqual, equal, match } from 'node:assert/strict'
import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import fastifyUsers, { bearer, cookie, memory, opaque } from 'fastify-users'
import { z } from 'zod'
import { ann, journey, run } from './shared/journey.mjs'

const app = Fastify()
app.setValidatorCompiler(validatorCompiler)
app.setSerializerCompiler(serializerCompiler)
await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Zod', version: '1.0.0' } }, transform: jsonSchemaTransform })
await app.register(fastifyUsers, { users: memory(), strategy: opaque(), backends: [cookie(), bearer()], routes: { register: true, me: true } })
app.get('/me', { preHandler: app.authenticate(), schema: { response: { 200: z.object({ email: z.email() }) } } }, async (request) => request.user)
app.post('/posts', { schema: { body: z.object({ title: z.string().min(3) }) } }, async ({ body }) => body)
await app.ready()

await run({
  async 'to register: a body that is checked by JSON schema' () {
    equal((await app.inject({ method: 'POST', url: '/register', payload: { ...ann, email: 7 } })).json().code, 'FST_ERR_VALIDATION')
    equal((await app.inject({ method: 'POST', url: '/register', payload: ann })).statusCode, 201)
  },
  async 'by a bearer token' () {
    deepEqual((await journey(app)).json(), { email: ann.email })
  },
  'by a cookie': () => journey(app, { backend: 'cookie' }),
  'one\'s own account': () => journey(app, { url: '/users/me' }),
  async 'a body that is checked by Zod' () {
    const reply = await app.inject({ method: 'POST', url: '/posts', payload: { title: 'x' } })
    equal(reply.statusCode, 400)
    match(reply.body, /body\/title/)
  },
  'one document' () {
    const { paths } = app.swagger()
    deepEqual(paths['/me'].get.security, [{ cookie: [] }, { bearer: [] }])
    equal(paths['/login/bearer'].post.operationId, 'login_bearer')
    equal(paths['/posts'].post.requestBody.content['application/json'].schema.properties.title.minLength, 3)
  }
})
await app.close()
