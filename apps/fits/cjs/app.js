const Fastify = require('fastify')
const fastifyUsers = require('fastify-users')
const { bearer, cookie, memory, opaque } = require('fastify-users')

module.exports = async function buildApp () {
  const app = Fastify()
  await app.register(fastifyUsers, {
    users: memory(),
    strategy: opaque(),
    backends: [cookie(), bearer()]
  })
  app.get('/me', { preHandler: app.authenticate() }, async (request) => request.user)
  return app
}
