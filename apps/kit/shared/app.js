import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, opaque } from 'fastify-users'

/** A backend whose transport the app has written itself. */
export const header = {
  name: 'header',
  transport: {
    ambient: false,
    read: ({ headers }) => headers['x-ticket'] ?? null,
    write: (reply, { token }) => {
      reply.header('x-ticket', token)
      return {}
    },
    clear: () => ({}),
    challenge: () => 'Ticket realm="users"',
    securityScheme: () => ({ type: 'apiKey', in: 'header', name: 'x-ticket' }),
    loginSchema: () => ({ type: 'object' })
  }
}

export async function buildApp (settings) {
  const app = Fastify()
  await app.register(fastifyUsers, {
    strategy: opaque({ lifetimeSeconds: 3600 }),
    backends: [cookie(), bearer(), header],
    routes: { reset: true },
    ...settings
  })
  app.route({ method: ['GET', 'POST'], url: '/me', preHandler: app.authenticate(), handler: async (request) => request.user })
  app.get('/admin', { preHandler: app.authenticate({ superuser: true }) }, async () => 'ok')
  return app
}
