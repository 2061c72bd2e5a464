// A guard for the whole folder.
export default async function (fastify) {
  fastify.addHook('onRequest', fastify.authenticate())
  fastify.get('/', async (request) => request.user)
  fastify.get('/secret', async (_request, reply) => reply.notFound())
}
