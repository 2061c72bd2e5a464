// A guard beside other checks, by @fastify/auth: a user or an API key, a user and an opening hour.
import { createHash, timingSafeEqual } from 'node:crypto'
import fastifyAuth from '@fastify/auth'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import fastifyUsers, { bearer, cookie, memory, opaque, type FastifyUsersOptions } from 'fastify-users'

export interface Settings extends Partial<FastifyUsersOptions> {
  /** The key of another program: long, random, and out of the source code. */
  readonly apiKey: string
  readonly now?: () => Date
}

export async function buildApp ({ apiKey, now = () => new Date(), ...settings }: Settings): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(fastifyUsers, {
    users: memory(),
    strategy: opaque(),
    backends: [cookie({ cookieSecure: process.env.NODE_ENV === 'production' }), bearer()],
    ...settings
  })
  await app.register(fastifyAuth)

  async function hasApiKey (request: FastifyRequest): Promise<void> {
    const { 'x-api-key': key } = request.headers
    if (typeof key !== 'string' || !same(key, apiKey)) throw refused(401, 'an API key is needed')
  }

  async function duringOpeningHours (): Promise<void> {
    const hour = now().getUTCHours()
    if (hour < 8 || hour >= 18) throw refused(403, 'open from 8 to 18 o\'clock UTC')
  }

  const loggedIn = app.authenticate()

  // One of them is enough. If none passes, the client is told what the last one says: 401 with the challenges of the backends.
  app.get('/report', { onRequest: app.auth([hasApiKey, loggedIn]) }, async ({ auth }) => ({ for: auth?.user.email ?? 'a program' }))

  // All of them, in this order.
  app.post('/orders', { onRequest: app.auth([loggedIn, duringOpeningHours], { relation: 'and' }) }, async ({ user }, reply) => {
    reply.code(201)
    return { by: user.email }
  })

  // A user during opening hours, or a program at any time.
  app.get('/stock', { onRequest: app.auth([[loggedIn, duringOpeningHours], hasApiKey]) }, async () => ({ apples: 7 }))

  // Two hooks are an "and", too, and need no plugin. The OpenAPI document sees the guard only here.
  app.post('/returns', { onRequest: [loggedIn, duringOpeningHours] }, async ({ user }) => ({ by: user.email }))
  return app
}

function refused (statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode })
}

/** Takes as long whatever the texts are: digests have one length. */
function same (one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}

if (process.argv[1] === import.meta.filename) {
  const apiKey = process.env.API_KEY ?? 'only-for-this-example'
  const app = await buildApp({ apiKey, now: () => new Date('2027-01-04T12:00:00Z') })
  const ann = { email: 'ann@example.com', password: 'correct horse battery staple' }
  await app.users.create(ann)
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  console.log(`In this example it is always noon. Paste these into another terminal:

  curl -i ${url}/report     # 401
  curl -i -H 'x-api-key: ${apiKey}' ${url}/report     # 200, for a program
  curl -i -c jar.txt -H 'content-type: application/json' -d '${JSON.stringify(ann)}' ${url}/login/cookie     # 200
  curl -i -b jar.txt ${url}/report     # 200, for ann@example.com
  curl -i -b jar.txt -X POST -H 'x-requested-with: curl' ${url}/orders     # 201
  curl -i -X POST -H 'x-api-key: ${apiKey}' ${url}/orders     # 401: an order needs a user

Ctrl-C ends it.`)
}
