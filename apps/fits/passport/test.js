// @fastify/passport in one app with the plugin: for staff that logs in at another door, or while one moves from it.
import { equal, rejects } from 'node:assert/strict'
import { Authenticator } from '@fastify/passport'
import secureSession from '@fastify/secure-session'
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, memory, opaque } from 'fastify-users'
import { Strategy } from 'passport-local'
import { ann, cookieOf, journey, run } from './shared/journey.mjs'

const staff = { username: 'root', name: 'Root of staff' }
const users = (app) => app.register(fastifyUsers, { users: memory(), strategy: opaque(), backends: [cookie(), bearer()] })

function passportOf (options) {
  const passport = new Authenticator(options)
  passport.use('local', new Strategy((username, password, done) => { done(null, username === staff.username && password === 'of the staff' ? staff : false) }))
  passport.registerUserSerializer(async ({ username }) => username)
  passport.registerUserDeserializer(async () => staff)
  return {
    passport,
    async register (app) {
      await app.register(secureSession, { key: Buffer.alloc(32, 'k'), cookie: { path: '/' } })
      await app.register(passport.initialize())
      await app.register(passport.secureSession())
    }
  }
}

async function tryIn (order, passport, staffOf) {
  const app = Fastify()
  for (const register of order) await register(app)
  app.get('/me', { preHandler: app.authenticate() }, async (request) => request.user)
  app.post('/staff/login', { preValidation: passport.authenticate('local') }, async (request) => staffOf(request).name)
  app.get('/staff', async (request) => ({ name: staffOf(request)?.name ?? null, isAuthenticated: request.isAuthenticated() }))
  await app.ready()
  await app.users.create(ann)

  await journey(app)
  await journey(app, { backend: 'cookie' })

  const login = await app.inject({ method: 'POST', url: '/staff/login', payload: { username: 'root', password: 'of the staff' } })
  equal(login.body, staff.name)
  const asStaff = cookieOf(login)
  equal((await app.inject({ url: '/staff', headers: { cookie: asStaff } })).body, '{"name":"Root of staff","isAuthenticated":true}')
  equal((await app.inject({ url: '/me', headers: { cookie: asStaff } })).statusCode, 401, 'who is staff is no user')

  const asAnn = cookieOf(await app.inject({ method: 'POST', url: '/login/cookie', payload: ann }))
  equal((await app.inject({ url: '/staff', headers: { cookie: asAnn } })).body, '{"name":null,"isAuthenticated":false}', 'a user is no staff')
  const both = { cookie: `${asStaff}; ${asAnn}` }
  equal((await app.inject({ url: '/me', headers: both })).json().email, ann.email)
  equal((await app.inject({ url: '/staff', headers: both })).json().name, staff.name)
  await app.close()
}

await run({
  'under another name, registered before' () {
    const { passport, register } = passportOf({ userProperty: 'staff' })
    return tryIn([register, users], passport, (request) => request.staff)
  },
  'under another name, registered behind' () {
    const { passport, register } = passportOf({ userProperty: 'staff' })
    return tryIn([users, register], passport, (request) => request.staff)
  },
  'both as request.user, registered before' () {
    const { passport, register } = passportOf()
    return tryIn([register, users], passport, (request) => request.user)
  },
  async 'both as request.user, each in a scope of its own' () {
    const { passport, register } = passportOf()
    const app = Fastify()
    await app.register(async (scope) => {
      await users(scope)
      scope.get('/me', { onRequest: scope.authenticate() }, async ({ user }) => user)
      scope.addHook('onReady', async () => { await scope.users.create(ann) })
    })
    await app.register(async (scope) => {
      await register(scope)
      scope.post('/staff/login', { preValidation: passport.authenticate('local') }, async ({ user }) => user.name)
    })
    await app.ready()
    await journey(app)
    equal((await app.inject({ method: 'POST', url: '/staff/login', payload: { username: 'root', password: 'of the staff' } })).body, staff.name)
    await app.close()
  },
  async 'both as request.user, registered behind: Fastify says which name is taken' () {
    const app = Fastify()
    await users(app)
    await rejects(passportOf().register(app), { code: 'FST_ERR_DEC_ALREADY_PRESENT', message: "The decorator 'user' has already been added!" })
    await app.close()
  }
})
