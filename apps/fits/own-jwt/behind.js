import fastifyJwt from '@fastify/jwt'
import Fastify from 'fastify'
import fastifyUsers, { bearer, memory, opaque } from 'fastify-users'

const [,, namespace] = process.argv
const app = Fastify()
await app.register(fastifyUsers, { users: memory(), strategy: opaque(), backends: [bearer()] })
await app.register(fastifyJwt, { secret: 'a secret of the app, for its own links', ...namespace === '' ? {} : { namespace } })
