// What one writes when one needs a login: argon2 where it stands, an opaque token, two maps.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import argon2 from 'argon2'
import Fastify from 'fastify'
import { asBearer, makeUsers, schema, serve, settings, visit } from '../serve.js'

const { emails, password } = settings
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
const byEmail = new Map()
const byToken = new Map()
const body = { type: 'object', properties: { email: { type: 'string' }, password: { type: 'string' } }, required: ['email', 'password'] }

const app = Fastify()
app.decorateRequest('user', null)

app.post('/login', { schema: { body } }, async (request, reply) => {
  const { email, password } = request.body
  const user = byEmail.get(email)
  if (user === undefined || !await argon2.verify(user.passwordHash, password)) return reply.code(401).send({ error: 'Unauthorized' })
  const token = randomBytes(32).toString('base64url')
  byToken.set(token, user)
  return { token }
})

app.get('/me', {
  schema,
  onRequest (request, reply, done) {
    request.user = byToken.get(request.headers.authorization?.slice(7)) ?? null
    if (request.user === null) reply.code(401).send({ error: 'Unauthorized' })
    else done()
  }
}, async (request) => request.user)
app.get('/pool', async () => ({ bytes: (await readFile(import.meta.filename)).length }))

const users = makeUsers()
for (const [i, email] of emails.entries()) byEmail.set(email, { ...users[i], email, passwordHash: await argon2.hash(password, cost) })
const [login] = await visit(app, [{ method: 'POST', path: '/login', body: { email: emails[0], password } }])

await serve(app, [{ ...asBearer(login.body.token), email: emails[0] }])
