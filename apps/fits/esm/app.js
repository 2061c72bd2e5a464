import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, opaque } from 'fastify-users'
import { sqlite } from 'fastify-users/sql'

export async function buildApp () {
  const app = Fastify()
  await app.register(fastifyUsers, {
    users: await sqlite(':memory:'),
    strategy: opaque(),
    backends: [cookie(), bearer()]
  })
  app.get('/me', { preHandler: app.authenticate() }, async (request) => request.user)
  return app
}
