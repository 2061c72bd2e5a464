import { createHash, randomBytes } from 'node:crypto'
import t from 'tap'
import { bearer, type Backend, type Session, type Strategy } from '../lib/index.js'
import { importOptional } from '../lib/optional-package.js'
import { strategyContract, transportContract } from '../lib/testing/index.js'
import { appWith, ann, login } from './helpers/app.js'

/** As short as a strategy can be: random tokens, of which only digests are kept. */
function ticket (): Strategy {
  return {
    lifetimeSeconds: 600,
    start ({ clock }) {
      const sessions = new Map<string, Session & { readonly backend: string }>()
      const digest = (token: string): string => createHash('sha256').update(token).digest('hex')
      return {
        async issue ({ userId, epoch, backend, lifetimeSeconds }) {
          const token = randomBytes(32).toString('base64url')
          const session = { id: randomBytes(8).toString('hex'), userId, epoch, issuedAt: clock(), expiresAt: clock() + lifetimeSeconds * 1000 }
          sessions.set(digest(token), { ...session, backend })
          return { token, session }
        },
        async verify (token, name) {
          const found = sessions.get(digest(token))
          if (found === undefined || found.backend !== name || found.expiresAt <= clock()) return null
          const { backend, ...session } = found
          return { session }
        },
        async revoke ({ id }) {
          for (const [key, session] of sessions) if (session.id === id) sessions.delete(key)
        }
      }
    }
  }
}

/** As short as a transport can be: a header of its own. */
function header (): Backend<'header'> {
  return {
    name: 'header',
    strategy: ticket(),
    transport: {
      ambient: false,
      read: ({ headers }) => typeof headers['x-ticket'] === 'string' ? headers['x-ticket'] : null,
      write: (reply, { token, user }) => { reply.header('x-ticket', token); return { hello: user.email } },
      clear: () => ({ goodbye: true }),
      challenge: (error) => `Ticket realm="users"${error === undefined ? '' : `, error="${error}"`}`,
      securityScheme: () => ({ type: 'apiKey', in: 'header', name: 'x-ticket' }),
      loginSchema: () => ({ type: 'object' })
    }
  }
}

for (const { name, run } of strategyContract(ticket)) t.test(`ticket: ${name}`, run)
for (const { name, run } of transportContract(header, (reply) => ({ headers: { 'x-ticket': String(reply.headers['x-ticket']) } }))) t.test(`header: ${name}`, run)

t.test('a transport and a strategy of one\'s own, beside ours', async (t) => {
  const app = await appWith(t, { backends: [header(), bearer()] })
  const reply = await app.inject({ method: 'POST', url: '/login/header', payload: ann })
  t.strictSame(reply.json(), { hello: ann.email })
  const mine = { headers: { 'x-ticket': String(reply.headers['x-ticket']) } }
  t.equal((await app.inject({ ...mine, url: '/me' })).statusCode, 200)
  t.equal((await app.inject({ ...await login(app, 'bearer'), url: '/me' })).statusCode, 200, 'tried after one that answers later')
  t.equal((await app.inject({ url: '/me', headers: { 'x-ticket': 'x' } })).headers['www-authenticate'], 'Ticket realm="users", error="invalid_token", Bearer realm="users"')
  t.strictSame((await app.inject({ ...mine, method: 'POST', url: '/logout/header' })).json(), { goodbye: true })
  t.equal((await app.inject({ ...mine, url: '/me' })).statusCode, 401)
})

t.test('who changes the password goes on by the same transport, with another token', async (t) => {
  const app = await appWith(t, { backends: [header(), bearer()], routes: { me: true, deleteMe: true } })
  const enter = async () => ({ headers: { 'x-ticket': String((await app.inject({ method: 'POST', url: '/login/header', payload: ann })).headers['x-ticket']) } })
  const [mine, elsewhere] = [await enter(), await enter()]
  const byBearer = await login(app, 'bearer')
  const reply = await app.inject({ ...mine, method: 'PATCH', url: '/users/me', payload: { password: 'another long password', currentPassword: ann.password } })
  t.match(reply.json(), { hello: ann.email, email: ann.email })
  for (const old of [mine, elsewhere, byBearer]) t.equal((await app.inject({ ...old, url: '/me' })).statusCode, 401)
  const renewed = { headers: { 'x-ticket': String(reply.headers['x-ticket']) } }
  t.equal((await app.inject({ ...renewed, url: '/me' })).statusCode, 200)
  t.equal((await app.inject({ ...renewed, method: 'DELETE', url: '/users/me', payload: { currentPassword: 'another long password' } })).statusCode, 204)
  t.equal((await app.inject({ ...renewed, url: '/me' })).statusCode, 401)
})

t.test('a strategy that throws is a 503, and no reason to try the next', async (t) => {
  const broken: Backend = { ...header(), name: 'broken', strategy: { lifetimeSeconds: 60, start: () => ({ issue: () => { throw new Error('down') }, verify: () => { throw new Error('down') }, revoke: () => {} }) } }
  const app = await appWith(t, { backends: [broken, bearer()] })
  const { headers } = await login(app, 'bearer')
  t.equal((await app.inject({ url: '/me', headers: { ...headers, 'x-ticket': 'x' } })).statusCode, 503)
  t.equal((await app.inject({ url: '/me', headers: { ...headers } })).statusCode, 200)
  t.match((await app.inject({ method: 'POST', url: '/login/broken', payload: ann })).json(), { statusCode: 503, code: 'FST_USERS_UNAVAILABLE' })
})

t.test('an optional package that is missing says how to get it; a broken one says what it says', async (t) => {
  const notFound = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
  await t.rejects(importOptional('bcrypt', 'A hash is verified with', async () => await Promise.reject(notFound)), { code: 'FST_USERS_BAD_OPTIONS', message: 'A hash is verified with the package bcrypt, which is not installed: npm install bcrypt' })
  const broken = new Error('no binary for this platform')
  await t.rejects(importOptional('bcrypt', '', async () => await Promise.reject(broken)), broken)
})
