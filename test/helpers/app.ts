import { randomBytes } from 'node:crypto'
import Fastify, { type FastifyInstance, type FastifyServerOptions, type InjectOptions } from 'fastify'
import type { Test } from 'tap'
import fastifyUsers, { bearer, cookie, jwt, memory, type FastifyUsersOptions } from '../../lib/index.js'

/** A secret of this run alone. */
export const secret = randomBytes(32).toString('base64url')

/** Cheap hashes, where what they cost is not what is tested. All come from one address, more at once than one client may. */
export const cheap = { memoryCost: 8, timeCost: 1, queuePerClient: 10_000 } as const

export const ann = { email: 'ann@example.com', password: 'correct horse battery staple' } as const

/** `CACHE_SECONDS=60 npm test` has all apps remember what they look up, which no test may notice. */
const cacheSeconds = Number(process.env.CACHE_SECONDS ?? 0)

/** Options that work, but for those given. Tests try more at once than anybody may: limits are on where they are the subject. */
export function options (given: Partial<FastifyUsersOptions> = {}): FastifyUsersOptions {
  return { users: memory(), strategy: jwt({ secret }), backends: [cookie(), bearer()], passwords: cheap, throttle: false, cacheSeconds, ...given }
}

/** Sets up an app before the plugin comes. */
export type Prepare = (app: FastifyInstance) => unknown

/** An app with the plugin, a guarded `/me`, and (unless `seed` is false) the user Ann; closed when the test ends. */
export async function appWith (t: Test, given: Partial<FastifyUsersOptions> = {}, { server = {}, before = () => {}, routes = () => {}, seed = true }: { server?: FastifyServerOptions, before?: Prepare, routes?: Prepare, seed?: boolean } = {}): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.after(async () => { await app.close() })
  await before(app)
  await app.register(fastifyUsers, options(given))
  app.route({ method: ['GET', 'POST'], url: '/me', preHandler: app.authenticate(), handler: async (request) => request.user })
  await routes(app)
  await app.ready()
  if (seed) await app.users.create(ann)
  return app
}

/** Why an app does not start. */
export async function refusal (given: Partial<Record<keyof FastifyUsersOptions | string, unknown>>): Promise<string> {
  const app = Fastify()
  try {
    await app.register(fastifyUsers, { ...options(), ...given } as FastifyUsersOptions)
    await app.ready()
    return 'it starts'
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`
  } finally {
    await app.close()
  }
}

/** What a page of the app itself sends along, as browsers do. */
export const sameOrigin = { 'sec-fetch-site': 'same-origin' } as const

/** Logs in, and gives what to send from then on. */
export async function login (app: FastifyInstance, backend: string, who: { email: string, password: string } = ann, url = `/login/${backend}`): Promise<InjectOptions> {
  const reply = await app.inject({ method: 'POST', url, payload: { email: who.email, password: who.password }, headers: sameOrigin })
  if (reply.statusCode !== 200) throw new Error(`${reply.statusCode} ${reply.body}`)
  const [set] = reply.cookies
  if (set !== undefined) return { cookies: { [set.name]: set.value }, headers: sameOrigin }
  return { headers: { authorization: `Bearer ${(reply.json() as { access_token: string }).access_token}` } }
}
