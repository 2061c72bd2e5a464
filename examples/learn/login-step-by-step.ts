// A login with an HttpOnly cookie: first by hand, to see what it needs, then the same with fastify-users.
// Start it by `npm run learn -- login-step-by-step`, then paste the curl lines that it prints.
import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import fastifyCookie from '@fastify/cookie'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import fastifyUsers, { cookie, memory, opaque, type FastifyUsersOptions } from 'fastify-users'

const production = process.env.NODE_ENV === 'production'
const ann = { email: 'ann@example.com', password: 'correct horse battery staple' }

export async function buildApp (settings: Partial<FastifyUsersOptions> = {}): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(fastifyUsers, {
    users: memory(), // In a real app: await sqlite('users.db')
    strategy: opaque({ lifetimeSeconds: 3600 }),
    backends: [cookie({ cookieName: production ? '__Host-session' : 'session', cookieSecure: production })],
    ...settings
  })
  app.get('/me', { onRequest: app.authenticate() }, async ({ user }) => ({ email: user.email }))
  await app.users.create(ann)

  await app.register(loginByHand, { prefix: '/by-hand' })
  return app
}

const hash = promisify(scrypt) as (password: string, salt: Buffer, bytes: number) => Promise<Buffer>
const digest = (id: string): string => createHash('sha256').update(id).digest('base64url')
const text = { type: 'string', minLength: 1, maxLength: 200 }
const body = { type: 'object', required: ['email', 'password'], properties: { email: text, password: text } }

async function loginByHand (app: FastifyInstance): Promise<void> {
  await app.register(fastifyCookie)

  // 1. A slow hash is stored, with a salt, and never the password.
  const salt = randomBytes(16)
  const users = new Map([[ann.email, { salt, hash: await hash(ann.password, salt, 32) }]])
  const nobody = { salt, hash: randomBytes(32) }

  // 2. Sessions live on the server. Only the digest of an id is kept: who reads the list cannot log in with it.
  const sessions = new Map<string, { email: string, expiresAt: number }>()

  // 3. No script reads the cookie, no other site sends it along when it changes something, and no neighbour can plant it.
  const name = production ? '__Host-by-hand' : 'by-hand'
  const attributes = { path: '/', httpOnly: true, secure: production, sameSite: 'lax', maxAge: 3600 } as const

  // 4. What another site has caused is refused, login and logout included. Browsers say where a request comes from.
  app.addHook('onRequest', async ({ method, headers }, reply) => {
    if (method === 'GET' || ['same-origin', 'none', undefined].includes(headers['sec-fetch-site'] as string | undefined)) return
    return await reply.code(403).send({ message: 'This request comes from another site.' })
  })

  app.post<{ Body: { email: string, password: string } }>('/login', { schema: { body } }, async (request, reply) => {
    const { email, password } = request.body
    // 5. An unknown address takes as long as a wrong password, and gets the same answer.
    const user = users.get(email) ?? nobody
    const matches = timingSafeEqual(await hash(password, user.salt, 32), user.hash)
    if (!matches || user === nobody) return await reply.code(400).send({ message: 'Wrong address or password.' })

    // 6. Each login gets a new id that nobody can guess. The session that was there before ends.
    sessions.delete(digest(request.cookies[name] ?? ''))
    const id = randomBytes(32).toString('base64url')
    sessions.set(digest(id), { email, expiresAt: Date.now() + attributes.maxAge * 1000 })
    reply.setCookie(name, id, attributes)
    return { email }
  })

  // 7. The server decides how long a session lives. The cookie's Max-Age is no more than a hint to the browser.
  function whoIs ({ cookies }: FastifyRequest): string | undefined {
    const session = sessions.get(digest(cookies[name] ?? ''))
    return session !== undefined && session.expiresAt > Date.now() ? session.email : undefined
  }

  app.get('/me', async (request, reply) => {
    const email = whoIs(request)
    return email === undefined ? await reply.code(401).send({ message: 'Log in first.' }) : { email }
  })

  // 8. A logout ends the session on the server. To delete the cookie alone would leave a copy of it good.
  app.post('/logout', async (request, reply) => {
    sessions.delete(digest(request.cookies[name] ?? ''))
    reply.clearCookie(name, attributes)
    return {}
  })
}

if (process.argv[1] === import.meta.filename) {
  const app = await buildApp()
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  const login = `-H 'content-type: application/json' -d '${JSON.stringify(ann)}'`
  console.log(`Paste these into another terminal, line by line. By hand:

  curl -i ${url}/by-hand/me     # 401
  curl -i -c hand.txt ${login} ${url}/by-hand/login     # 200, Set-Cookie
  curl -i -b hand.txt ${url}/by-hand/me     # 200, ann@example.com
  curl -i -b hand.txt -X POST ${url}/by-hand/logout     # 200
  curl -i -b hand.txt ${url}/by-hand/me     # 401: curl still has the cookie, but the session has ended

With fastify-users:

  curl -i ${url}/me     # 401
  curl -i -c jar.txt ${login} ${url}/login/cookie     # 200, Set-Cookie
  curl -i -b jar.txt ${url}/me     # 200, ann@example.com
  curl -i -b jar.txt -X POST -H 'x-requested-with: curl' ${url}/logout/cookie     # 200
  curl -i -b jar.txt ${url}/me     # 401

Ctrl-C ends it.`)
}
