// As the guide of better-auth to Fastify shows it, with its own hashes, in memory.
import { readFile } from 'node:fs/promises'
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { fromNodeHeaders } from 'better-auth/node'
import Fastify from 'fastify'
import { schema, secret, serve, settings, visit } from '../serve.js'

const { emails, password } = settings
const auth = betterAuth({
  secret,
  baseURL: 'http://127.0.0.1',
  database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
  emailAndPassword: { enabled: true },
  // All clients have one address.
  rateLimit: { enabled: false },
  // `http:` here.
  advanced: { useSecureCookies: false },
  telemetry: { enabled: false }
})
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
app.get('/pool', async () => ({ bytes: (await readFile(import.meta.filename)).length }))

const responses = await visit(app, emails.map((email) => ({ method: 'POST', path: '/api/auth/sign-up/email', headers: { origin: 'http://127.0.0.1' }, body: { email, password, name: email } })))
const pairs = responses.at(-1).cookies.map((cookie) => cookie.split(';')[0])

await serve(app, [{ header: 'cookie', value: pairs.join('; '), email: emails.at(-1) }])
