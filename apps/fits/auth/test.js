// A guard among others in @fastify/auth.
import { equal } from 'node:assert/strict'
import fastifyAuth from '@fastify/auth'
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, memory, opaque } from 'fastify-users'
import { ann, journey, run } from './shared/journey.mjs'

const app = Fastify()
await app.register(fastifyAuth)
await app.register(fastifyUsers, { users: memory(), strategy: opaque(), backends: [cookie(), bearer()] })

async function withKey ({ headers }) {
  if (headers['x-api-key'] !== 'of the console') throw Object.assign(new Error('No key'), { statusCode: 401 })
}
const who = async ({ auth }) => auth?.user.email ?? 'console'
app.get('/any', { preHandler: app.auth([withKey, app.authenticate()]) }, who)
app.get('/all', { preHandler: app.auth([withKey, app.authenticate()], { relation: 'and' }) }, who)
app.get('/nested', { preHandler: app.auth([[withKey, app.authenticate({ verified: true })], app.authenticate({ superuser: true })]) }, who)
await app.ready()
await app.users.create(ann)
await app.users.create({ ...ann, email: 'root@example.com', isSuperuser: true })

const key = { 'x-api-key': 'of the console' }
const headersOf = async (email) => {
  const login = await app.inject({ method: 'POST', url: '/login/bearer', payload: { ...ann, email } })
  return { authorization: `Bearer ${login.json().access_token}` }
}

await run({
  'a user, where a key would do': () => journey(app, { url: '/any' }),
  'the same by a cookie': () => journey(app, { url: '/any', backend: 'cookie' }),
  async 'a key, where a user would do' () {
    equal((await app.inject({ url: '/any', headers: key })).body, 'console')
  },
  async 'both, where both are wanted' () {
    const user = await headersOf(ann.email)
    equal((await app.inject({ url: '/all', headers: { ...user, ...key } })).body, ann.email)
    equal((await app.inject({ url: '/all', headers: user })).statusCode, 401)
    equal((await app.inject({ url: '/all', headers: key })).statusCode, 401)
  },
  async 'a superuser, or a key and a verified user' () {
    const user = await headersOf(ann.email)
    equal((await app.inject({ url: '/nested', headers: { ...user, ...key } })).statusCode, 403)
    equal((await app.inject({ url: '/nested', headers: await headersOf('root@example.com') })).body, 'root@example.com')
  }
})
await app.close()
