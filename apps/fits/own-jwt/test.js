// An app that signs links of its own with @fastify/jwt, beside the plugin, which uses it in a scope of its own.
import { equal, match, rejects } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fastifyJwt from '@fastify/jwt'
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, jwt, memory } from 'fastify-users'
import { ann, journey, run } from './shared/journey.mjs'

const secret = 'a secret of the app, for its own links'
const users = () => ({ users: memory(), strategy: jwt({ secret: 'c2VjcmV0IG9mIHRoaXMgYXBwIGFsb25lLCBhbmQgbm8gb3RoZXI' }), backends: [cookie(), bearer()] })

async function built (prepare, add = async () => {}) {
  const app = Fastify()
  await prepare(app)
  app.get('/me', { preHandler: app.authenticate() }, async (request) => request.user)
  await add(app)
  await app.ready()
  await app.users.create(ann)
  return app
}

/** The app's own token is none of ours, and ours is none of the app's. */
async function apart (app, { sign, url }) {
  const own = sign({ link: 7 })
  equal((await app.inject({ url, headers: { authorization: `Bearer ${own}` } })).body, '7')
  equal((await app.inject({ url: '/me', headers: { authorization: `Bearer ${own}` } })).statusCode, 401)
  const { access_token: ours } = (await app.inject({ method: 'POST', url: '/login/bearer', payload: ann })).json()
  equal((await app.inject({ url, headers: { authorization: `Bearer ${ours}` } })).statusCode, 401)
  await journey(app)
  await journey(app, { backend: 'cookie' })
  await app.close()
}

await run({
  async 'under another decoratorName, in either order' () {
    for (const isFirst of [true, false]) {
      const app = await built(async (app) => {
        if (isFirst) await app.register(fastifyJwt, { secret, decoratorName: 'link' })
        await app.register(fastifyUsers, users())
        if (!isFirst) await app.register(fastifyJwt, { secret, decoratorName: 'link' })
      }, async (app) => {
        app.get('/link', async (request) => String((await request.jwtVerify()).link))
      })
      await apart(app, { sign: app.jwt.sign, url: '/link' })
    }
  },
  async 'in a namespace, with another decoratorName' () {
    const app = await built(async (app) => {
      await app.register(fastifyUsers, users())
      await app.register(fastifyJwt, { secret, namespace: 'links', decoratorName: 'link' })
    }, async (app) => {
      app.get('/link', async (request) => String((await request.linksJwtVerify()).link))
    })
    await apart(app, { sign: app.jwt.links.sign, url: '/link' })
  },
  async 'under the same name, but registered before' () {
    const app = await built(async (app) => {
      await app.register(fastifyJwt, { secret })
      await app.register(fastifyUsers, users())
    }, async (app) => {
      app.get('/link', { preHandler: async (request) => { await request.jwtVerify() } }, async (request) => String(request.user.link))
    })
    await apart(app, { sign: app.jwt.sign, url: '/link' })
  },
  async 'beside the app.authenticate that its documentation makes' () {
    const prepared = async () => {
      const app = Fastify()
      await app.register(fastifyJwt, { secret, decoratorName: 'link' })
      app.decorate('authenticate', async (request) => { await request.jwtVerify() })
      return app
    }
    const refused = await prepared()
    await rejects(async () => await refused.register(fastifyUsers, users()), { code: 'FST_USERS_BAD_OPTIONS', message: /^options\.decorators\.authenticate must be another name: the app has app\.authenticate already/ })
    await refused.close()

    const app = await prepared()
    await app.register(fastifyUsers, { ...users(), decorators: { authenticate: 'loggedIn' } })
    app.get('/me', { preHandler: app.loggedIn() }, async (request) => request.user)
    app.get('/link', { preHandler: app.authenticate }, async (request) => String(request.link.link))
    await app.ready()
    await app.users.create(ann)
    await apart(app, { sign: app.jwt.sign, url: '/link' })
  },
  'under the same name, and registered behind: Fastify says which name is taken' () {
    // @fastify/jwt throws where nobody can catch it, so this takes a process of its own.
    for (const namespace of ['links', '']) {
      const { status, stderr } = spawnSync(process.execPath, ['behind.js', namespace], { encoding: 'utf8' })
      equal(status, 1)
      match(stderr, /FastifyError.*: The decorator 'user' has already been added!/)
    }
  }
})
