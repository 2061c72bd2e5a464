import fp from 'fastify-plugin'
import fastifyUsers, { bearer, cookie, memory, opaque } from 'fastify-users'

// With fp, so that routes/ has app.authenticate().
export default fp(async (fastify) => {
  await fastify.register(fastifyUsers, {
    prefix: '/auth',
    users: memory(),
    strategy: opaque(),
    backends: [cookie(), bearer()],
    routes: { register: true }
  })
}, { name: 'users' })
