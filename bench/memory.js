// What a process keeps in its memory for each of many things: bytes on the heap, after garbage collection.
// `npm run build && node --expose-gc bench/memory.js`; it takes some 20 s. Requests come over HTTP: those of app.inject() leave
// more behind than what is counted here.
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto'
import { Agent, get } from 'node:http'
import Fastify from 'fastify'
import fastifyUsers, { bearer, jwt, memory, memorySessions, opaque } from '../dist/index.js'

const count = 4000
const secret = randomBytes(48).toString('base64url')
const userAgent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131'.slice(0, 110)
const password = 'quince jelly on toast'

const rows = [
  ['a JWT whose signature was checked', await verifiedTokens()],
  ['an opaque token that was checked', await opaqueTokens()],
  ['the same with cacheSeconds, and the user of the token', await opaqueTokens(5)],
  ['a session in memorySessions()', await sessions()],
  ['a user in memory()', await users()]
]
console.log(['| kept | bytes each |', '| --- | --: |', ...rows.map(([name, bytes]) => `| ${name} | ${Math.round(bytes)} |`)].join('\n'))

async function verifiedTokens () {
  const store = memory()
  const user = storedUser(0)
  store.insert(user)
  return await whenAsked({ users: store, strategy: jwt({ secret }) }, async () => Array.from({ length: count }, () => signed(user.id)))
}

async function opaqueTokens (cacheSeconds) {
  const options = { users: memory(), strategy: opaque(), ...cacheSeconds === undefined ? {} : { cacheSeconds } }
  return await whenAsked(options, async (app) => {
    const tokens = []
    for (let i = 0; i < count; i++) {
      const email = `user-${i}@example.com`
      await app.users.create({ email, password })
      const response = await app.inject({ method: 'POST', url: '/login/bearer', payload: { email, password } })
      tokens.push(response.json().access_token)
    }
    return tokens
  })
}

/** How much more there is when each token has been asked with twice, for at the second time it is kept. The tokens themselves are there before. */
async function whenAsked (options, makeTokens) {
  const app = Fastify()
  await app.register(fastifyUsers, { ...options, backends: [bearer()], passwords: { memoryCost: 8, timeCost: 1 } })
  app.get('/me', { preHandler: app.authenticate() }, async () => 'ok')
  const tokens = await makeTokens(app)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { port } = app.server.address()
  const ask = (token) => new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/me', agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.resume().once('end', () => response.statusCode === 200 ? resolve() : reject(new Error(`answered ${response.statusCode}`)))
    }).once('error', reject)
  })
  const [first, ...others] = tokens
  for (let i = 0; i < 2000; i++) await ask(first)
  const bytes = await grown(async () => { for (const token of [...others, ...others]) await ask(token) })
  agent.destroy()
  await app.close()
  return bytes / others.length
}

async function sessions () {
  const store = memorySessions()
  const now = Date.now()
  return await grown(() => {
    for (let i = 0; i < count; i++) {
      const data = { backend: 'cookie', epoch: 0, authenticatedAt: now, endsAt: now + 1e9, idleMs: null, accessExpiresAt: now + 1e6, accessDigest: digest(), refresh: null, ip: `10.0.${i >> 8}.${i & 255}`, userAgent: `${userAgent}${i}` }
      store.insert({ id: digest(), userId: randomUUID(), createdAt: now, lastSeenAt: now, expiresAt: now + 1e9, version: 0, data })
    }
    return store
  }) / count
}

async function users () {
  const store = memory()
  return await grown(() => {
    for (let i = 0; i < count; i++) store.insert(storedUser(i))
    return store
  }) / count
}

/** What `work` returns is held on to until its memory is counted. */
async function grown (work) {
  const before = used()
  const kept = await work()
  const bytes = used() - before
  return kept === null ? NaN : bytes
}

function used () {
  for (let i = 0; i < 4; i++) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function storedUser (i) {
  const now = new Date().toISOString()
  const email = `user-${i}@example.com`
  return { id: randomUUID(), email, emailKey: email, isActive: true, isVerified: true, isSuperuser: false, createdAt: now, updatedAt: now, passwordHash: `$argon2id$v=19$m=19456,t=2,p=1$${randomBytes(16).toString('base64')}$${digest()}`, version: 0, sessionEpoch: 0, pendingTokens: {}, fields: {} }
}

function signed (sub) {
  const iat = Math.floor(Date.now() / 1000)
  const claims = { sub, jti: randomBytes(16).toString('base64url'), iat, exp: iat + 3600, aud: 'bearer', epoch: 0 }
  const text = [{ alg: 'HS256', typ: 'access+jwt' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

function digest () {
  return createHash('sha256').update(randomBytes(32)).digest('base64url')
}
