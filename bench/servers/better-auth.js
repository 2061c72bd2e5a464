// As the guide of better-auth to Fastify shows it: a catch-all route for its own, and `getSession` where somebody must be logged in.
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { getMigrations } from 'better-auth/db/migration'
import { fromNodeHeaders } from 'better-auth/node'
import Fastify from 'fastify'
import { SqliteDialect } from 'kysely'
import Database from 'libsql'
import { join } from 'node:path'
import { emails, schema, secret, serve, settings, visit } from '../serve.js'

const { store, cookieCache = false, folder, prefix } = settings
const password = 'correct horse battery staple'

const options = {
  secret,
  baseURL: 'http://127.0.0.1',
  database: store === 'memory' ? memoryAdapter({ user: [], session: [], account: [], verification: [] }) : openFile(),
  emailAndPassword: {
    enabled: true,
    // Cheap, and for the bench alone, as in all contenders.
    password: { hash: async (password) => password, verify: async ({ hash, password }) => hash === password }
  },
  // Hundreds of users are made before anything is measured.
  rateLimit: { enabled: false },
  // It speaks plain HTTP here.
  advanced: { useSecureCookies: false },
  // After five minutes, its default, the same cookies would be looked up each time.
  session: cookieCache ? { cookieCache: { enabled: true, maxAge: 3600 } } : {},
  telemetry: { enabled: false }
}
if (store === 'sqlite') await (await getMigrations(options)).runMigrations()

const auth = betterAuth(options)
const app = Fastify()

app.route({
  method: ['GET', 'POST'],
  url: '/api/auth/*',
  async handler (request, reply) {
    const response = await auth.handler(new Request(new URL(request.url, `http://${request.headers.host}`), {
      method: request.method,
      headers: fromNodeHeaders(request.headers),
      body: request.body === undefined ? undefined : JSON.stringify(request.body)
    }))
    reply.status(response.status)
    response.headers.forEach((value, key) => reply.header(key, value))
    return reply.send(response.body === null ? null : await response.text())
  }
})

app.get('/me', { schema }, async (request, reply) => {
  const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) })
  if (session === null) return reply.code(401).send({ error: 'Unauthorized' })
  const { id, email, emailVerified, createdAt, updatedAt } = session.user
  return { id, email, isActive: true, isVerified: emailVerified, isSuperuser: false, createdAt, updatedAt }
})

const responses = await visit(app, emails.map((email) => ({ method: 'POST', path: '/api/auth/sign-up/email', headers: { origin: 'http://127.0.0.1' }, body: { email, password, name: email } })))

// The token last: check.js changes a letter of what stands at the end.
await serve(app, responses.map(({ cookies }, i) => ({ header: 'cookie', value: cookies.map((cookie) => cookie.split(';')[0]).sort().join('; '), email: emails[i] })))

function openFile () {
  const database = new Database(join(folder, `${prefix}.db`))
  database.pragma('journal_mode = wal')
  return { dialect: new SqliteDialect({ database }), type: 'sqlite' }
}
