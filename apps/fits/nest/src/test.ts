import { deepEqual, equal } from 'node:assert/strict'
import type { FastifyInstance } from 'fastify'
import { ann, journey, run } from '../shared/journey.mjs'
import { buildApp } from './app.js'

const nest = await buildApp()
const app = nest.getHttpAdapter().getInstance() as unknown as FastifyInstance

await run({
  'to register': async () => {
    equal((await app.inject({ method: 'POST', url: '/register', payload: ann })).statusCode, 201)
  },
  'a guard of Nest, by a bearer token': () => journey(app),
  'by a cookie': () => journey(app, { backend: 'cookie' }),
  'a hook, by a bearer token': () => journey(app, { url: '/admin/me' }),
  'the plugin\'s own guard': () => journey(app, { url: '/users/me' }),
  'what each of them replies to a stranger': async () => {
    for (const url of ['/me', '/admin/me', '/users/me']) {
      const reply = await app.inject(url)
      deepEqual(reply.json(), { statusCode: 401, code: 'UNAUTHORIZED', error: 'Unauthorized', message: 'Authentication is required.' }, url)
      equal(reply.headers['www-authenticate'], 'Cookie realm="users", cookie-name="fastifyusersauth", Bearer realm="users"', url)
      equal(reply.headers['cache-control'], 'no-store', url)
    }
    equal((await app.inject('/nowhere')).statusCode, 404)
  },
  'what is wrong with a body of the plugin\'s': async () => {
    const reply = await app.inject({ method: 'POST', url: '/register', payload: { ...ann, email: 7 } })
    equal(reply.statusCode, 400)
    equal(reply.json<{ code: string }>().code, 'FST_ERR_VALIDATION')
  },
  'app.users in a service, and bodies of the app': async () => {
    deepEqual((await app.inject('/count')).json(), { users: 1 })
    deepEqual((await app.inject({ method: 'POST', url: '/echo', payload: { a: 1 } })).json(), { a: 1 })
    equal((await app.inject({ method: 'POST', url: '/echo', headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: 'a=1' })).body, '{"a":"1"}')
  }
})
await nest.close()
