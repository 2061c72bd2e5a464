import type { FastifyInstance } from 'fastify'
import { bearer, cookie, type FastifyUsersOptions } from '../../lib/index.js'
import { everyRoute, fields } from './accounts.js'
import { strategies } from './sessions.js'

/** Options that add every route there is. Plain `jwt()` has neither sessions to list nor refresh tokens. */
export function everything (strategy: string, lifetimeSeconds = 3600): Partial<FastifyUsersOptions> {
  const sessions = strategy !== 'jwt'
  const common = { lifetimeSeconds, refresh: sessions, requireVerified: true }
  return {
    strategy: (strategies[strategy] as NonNullable<typeof strategies[string]>)(),
    backends: [cookie(common), bearer(common)],
    routes: { ...everyRoute, sessions },
    confirmEmailChange: true,
    fields
  }
}

/** Notes each route that an app gets from now on, as `GET /users/:id`; HEAD routes, which Fastify makes, too. */
export function noteRoutes (app: FastifyInstance): Set<string> {
  const table = new Set<string>()
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) table.add(`${one} ${url}`)
  })
  return table
}
