// What all servers share, so that they differ in authentication alone: users, response schema, and the talk with the parent.
//
// Every server, ours too, runs on the Fastify in bench/node_modules. fastify-users is imported from ../dist by its path: the
// built files name Fastify in types only, so no second Fastify is loaded, and `npm ci` needs no link to the folder above.
import { randomBytes, randomUUID } from 'node:crypto'
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

/** A credential for each user: by `send`, which makes `{ header, value }` of a token. */
export function credentialsOf (users, tokens, send) {
  return users.map(({ email }, i) => ({ ...send(tokens[i]), email }))
}

export const asBearer = (token) => ({ header: 'authorization', value: `Bearer ${token}` })

export const asCookie = (name) => (token) => ({ header: 'cookie', value: `${name}=${token}` })

/** Listens with Fastify; the rest is `serveAt`'s. */
export async function serve (app, credentials) {
  await app.listen({ host: '127.0.0.1', port: 0 })
  serveAt(app.server.address().port, credentials)
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

function heapInUse () {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
