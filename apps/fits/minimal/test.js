// Nothing but fastify and fastify-users: no optional package is needed, and the two are small.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, jwt, memory, opaque } from 'fastify-users'
import { ann, journey, run } from './shared/journey.mjs'
import { isInstalled, weigh } from './size.js'

const { peerDependenciesMeta } = JSON.parse(readFileSync('node_modules/fastify-users/package.json', 'utf8'))
const mails = []
const app = Fastify()
await app.register(fastifyUsers, {
  users: memory(),
  strategy: opaque(),
  backends: [cookie(), bearer(), bearer({ name: 'signed', strategy: jwt({ secret: 'c2VjcmV0IG9mIHRoaXMgYXBwIGFsb25lLCBhbmQgbm8gb3RoZXI', sessions: true }) })],
  routes: { register: true, verify: true, reset: true, me: true, deleteMe: true, sessions: true, users: true },
  mails: { mailer: { send: async (mail) => { mails.push(mail) } } }
})
app.get('/me', { preHandler: app.authenticate() }, async (request) => request.user)
await app.ready()

await run({
  'no optional package is there' () {
    deepEqual(Object.keys(peerDependenciesMeta).filter(isInstalled), [])
  },
  async 'somebody registers, and verifies the address' () {
    equal((await app.inject({ method: 'POST', url: '/register', payload: ann })).statusCode, 201)
    while (mails.length === 0) await new Promise(setImmediate)
    const [, token] = /#token=(\S+)/.exec(mails[0].text)
    equal((await app.inject({ method: 'POST', url: '/verify', payload: { token } })).statusCode, 200)
  },
  'by a bearer token': () => journey(app),
  'by a signed token': () => journey(app, { backend: 'signed' }),
  'by a cookie': () => journey(app, { backend: 'cookie' }),
  'what the install brings' () {
    const all = weigh('fastify', 'fastify-users')
    const without = weigh('fastify')
    console.log(`fastify and fastify-users: ${all.packages} packages, ${all.megabytes} MB; fastify alone: ${without.packages} packages, ${without.megabytes} MB`)
    ok(without.packages > 30 && without.megabytes > 3, 'the scales work')
    // Measured: 33 packages, 4.3 MB.
    ok(all.packages - without.packages <= 36, `${all.packages - without.packages} packages more than fastify`)
    ok(all.megabytes - without.megabytes <= 5, `${all.megabytes - without.megabytes} MB more than fastify`)
  }
})
await app.close()
