// A Fastify app whose users sign up, verify their address, log in with a cookie, with a bearer token or with a session that they
// can see and end, and reset their password, in front of one SQLite file. The links that would be mailed are printed.
// `npm run demo` builds and starts it; PORT says where (3000), Ctrl-C ends it.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, jwt, opaque, userSchema, type Mail } from 'fastify-users'
import { sqlite } from 'fastify-users/sql'
import { addPages } from './pages.js'

const demo = { email: 'demo@example.com', password: 'correct horse battery staple' }
const folder = await mkdtemp(join(tmpdir(), 'fastify-users-demo-'))
const app = Fastify({ logger: { level: 'warn' } })
// Hooks of this kind run from the last one to the first: behind the plugin's, which closes the file.
app.addHook('onClose', async () => { await rm(folder, { recursive: true, force: true }) })

// Before the routes, so that it sees them all.
await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'fastify-users quickstart', version: '1.0.0' } } })
await app.register(swaggerUi, { routePrefix: '/docs' })

await app.register(fastifyUsers, {
  users: await sqlite(join(folder, 'users.db')),
  // A real app takes this from its environment, or its users are logged out by each restart.
  strategy: jwt({ secret: process.env.AUTH_SECRET ?? randomBytes(32).toString('base64url'), lifetimeSeconds: 3600, sessions: true }),
  // Secure cookies do not travel over plain http in every client; on https, leave the option out.
  backends: [
    cookie({ cookieSecure: false }),
    bearer(),
    // Its sessions are rows of the same file. The access token is good for a quarter of an hour, the refresh token for two weeks.
    cookie({ name: 'session', cookieName: 'session', cookieSecure: false, strategy: opaque(), refresh: true })
  ],
  routes: { register: true, verify: true, reset: true, me: true, deleteMe: true, sessions: true, users: true },
  mails: { mailer: { async send (mail) { print(mail) } } }
})
addPages(app)

app.get('/me', {
  preHandler: app.authenticate(),
  schema: { operationId: 'who_am_i', summary: 'Who am I?', response: { 200: { description: 'The user.', ...userSchema() } } }
}, async (request, reply) => {
  reply.header('cache-control', 'no-store')
  return request.user
})

await app.ready()
await app.users.create({ ...demo, isVerified: true, isSuperuser: true })
const port = Number(process.env.PORT ?? 3000)
const url = await app.listen({ host: '127.0.0.1', port }).catch(async (error: NodeJS.ErrnoException) => {
  await app.close()
  if (error.code !== 'EADDRINUSE') throw error
  console.error(`Something else listens on port ${port}. Choose another one: PORT=${port + 1} npm run demo`)
  process.exit(1)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await app.close()
    console.log('\nBye.')
  })
}

/** In the place of a mail server: see accounts.ts for one. */
function print ({ to, subject, text }: Mail): void {
  console.log(`\nMail to ${to}: ${subject}\n  ${/\S+#token=\S+/.exec(text)?.[0] ?? '(no link)'}`)
}

const json = "-H 'content-type: application/json'"
const login = `${json} -d '${JSON.stringify(demo)}'`
const script = "-H 'x-requested-with: curl'"
const ann = `${json} -d '{"email":"ann@example.com","password":"staple battery horse"}'`
console.log(`fastify-users quickstart at ${url}: log in as ${demo.email} with the password "${demo.password}".
They are a superuser. Swagger UI: ${url}/docs

Paste these into another terminal. Without a credential:

  curl -i ${url}/me                                            # 401

With a cookie:

  curl -i -c jar.txt ${login} ${url}/login/cookie              # 200, Set-Cookie
  curl -i -b jar.txt ${url}/me                                 # 200, the user
  curl -i -b jar.txt -X POST ${script} ${url}/logout/cookie   # 200
  curl -i -b jar.txt ${url}/me                                 # 401: the old cookie is dead

With a bearer token:

  TOKEN=$(curl -s ${login} ${url}/login/bearer | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -i -H "authorization: Bearer $TOKEN" ${url}/me          # 200, the user
  curl -i -H "authorization: Bearer $TOKEN" ${url}/users       # 200, all users, for superusers
  curl -i -X POST -H "authorization: Bearer $TOKEN" ${url}/logout/bearer   # 200
  curl -i -H "authorization: Bearer $TOKEN" ${url}/me          # 401: the old token is dead

With sessions in the database and refresh tokens; a laptop and a phone:

  curl -i -c laptop.txt ${login} ${url}/login/session          # 200, two cookies
  curl -i -c phone.txt ${login} ${url}/login/session           # 200
  curl -i -b laptop.txt ${url}/sessions                        # 200, both sessions
  curl -i -b laptop.txt -c laptop.txt -X POST ${script} ${url}/refresh/session   # 200, two new cookies
  curl -i -b laptop.txt -X DELETE ${script} ${url}/sessions   # 204: all others have ended
  curl -i -b phone.txt ${url}/me                               # 401
  curl -i -b phone.txt -X POST ${script} ${url}/refresh/session   # 401: nor can it get another one
  curl -i -b laptop.txt ${url}/me                              # 200, the user

A new user; the links that would be mailed are printed here, and lead to small pages:

  curl -i ${ann} ${url}/register                               # 201, and a link to verify the address
  curl -i ${json} -d '{"email":"ann@example.com"}' ${url}/forgot-password   # 202, and a link to reset the password

Ctrl-C ends it.`)
