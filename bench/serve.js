// What all servers share, so that they differ in authentication alone: users, response schema, and the talk with the parent.
//
// Every server, ours too, runs on the Fastify in bench/node_modules. fastify-users is imported from ../dist by its path: the
// built files name Fastify in types only, so no second Fastify is loaded, and `npm ci` needs no link to the folder above.
import { createHook } from 'node:async_hooks'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const userCount = 200

/** What a contender is `with`, and where it may keep things: `{ prefix, folder }`, of its own. */
export const settings = JSON.parse(process.argv[2] ?? '{}')

export const secret = randomBytes(48).toString('base64url')

/** fastify-users' own schema of a user, written out: importing it would load the plugin into the servers without it. */
const user = {
  type: 'object',
  properties: {
    id: { type: 'string', format: 'uuid' },
    email: { type: 'string', format: 'email' },
    isActive: { type: 'boolean' },
    isVerified: { type: 'boolean' },
    isSuperuser: { type: 'boolean' },
    createdAt: { type: 'string', format: 'date-time' },
    updatedAt: { type: 'string', format: 'date-time' }
  },
  required: ['id', 'email', 'isActive', 'isVerified', 'isSuperuser', 'createdAt', 'updatedAt']
}

export const schema = { response: { 200: user } }

export const emails = Array.from({ length: userCount }, (_, i) => `user-${String(i).padStart(4, '0')}@example.com`)

export function makeUsers () {
  const now = new Date().toISOString()
  return emails.map((email) => ({ id: randomUUID(), email, isActive: true, isVerified: false, isSuperuser: false, createdAt: now, updatedAt: now }))
}

/** What fastify-users puts into its tokens, so that all tokens are about as long. */
export function claimsOf (user, audience) {
  const iat = Math.floor(Date.now() / 1000)
  return { sub: user.id, jti: randomBytes(16).toString('base64url'), iat, exp: iat + 3600, aud: audience, epoch: 0 }
}

const login = {
  body: { type: 'object', properties: { email: { type: 'string' }, password: { type: 'string' } }, required: ['email', 'password'] },
  response: { 200: { type: 'object', properties: { token: { type: 'string' } }, required: ['token'] } }
}

/**
 * Gives each user a token by a route of the app's, as contenders do that log their users in. A server that has answered nothing but
 * `GET /me` would be faster than those: V8 has seen less in it.
 */
export async function logInByHand (app, tokens) {
  app.post('/login', { schema: login }, async ({ body }) => ({ token: tokens[emails.indexOf(body.email)] ?? '' }))
  await visit(app, emails.map((email) => ({ method: 'POST', path: '/login', body: { email, password: 'correct horse battery staple' } })))
}

/** A credential for each user: by `send`, which makes `{ header, value }` of a token. */
export function credentialsOf (users, tokens, send) {
  return users.map(({ email }, i) => ({ ...send(tokens[i]), email }))
}

export const asBearer = (token) => ({ header: 'authorization', value: `Bearer ${token}` })

export const asCookie = (name) => (token) => ({ header: 'cookie', value: `${name}=${token}` })

/**
 * Listens, and has the parent send these requests, one after the other: `{ path, method, headers, body }`. Not `app.inject()`: its requests and
 * responses are of other classes than those of real ones, and once V8 has seen both, each real one costs a fifth more.
 *
 * @returns `{ status, cookies, body }` of each response: the cookies as they were set, the body from JSON
 */
export async function visit (app, requests) {
  const port = await listen(app)
  const responses = once(process, 'message')
  process.send({ port, requests })
  return (await responses)[0]
}

/** Listens with Fastify, unless it does; the rest is `serveAt`'s. */
export async function serve (app, credentials) {
  serveAt(await listen(app), credentials)
}

async function listen (app) {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 })
  return app.server.address().port
}

/**
 * Tells the parent where somebody listens and with which credentials: `{ header, value, email }`, the value ending with the
 * token. Afterwards each message is answered with what the process has used so far; `'heap'` also with the bytes that are in use.
 */
export function serveAt (port, credentials = []) {
  process.on('disconnect', () => process.exit())
  process.on('message', (message) => {
    const heap = message === 'heap' ? { heap: heapInUse() } : {}
    process.send({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss(), ...heap })
  })
  process.send({ port, credentials, secret })
}

/**
 * One of the objects that `process.nextTick` makes at each call, kept for good. It makes them with computed keys, and V8 remembers their
 * shape only as long as there is one. If the garbage is collected while there is none, each further call goes the slow way, for ever
 * (seen in Node 20): which server that meets is a matter of luck, and costs it a tenth of its requests.
 */
export const tick = aTick()

function aTick () {
  let tick
  const hook = createHook({ init (_id, type, _trigger, resource) { if (type === 'TickObject') tick = resource } }).enable()
  process.nextTick(() => {})
  hook.disable()
  return tick
}

function heapInUse () {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
