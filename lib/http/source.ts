import { finished } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Source } from '../accounts/accounts.js'
import type { Background } from '../background.js'

/** Tells the use cases where a request comes from. What they put off is begun when the reply has left, or the client has. */
export function createSourceOf (background: Background): (request: FastifyRequest, reply: FastifyReply) => Source {
  return (request, reply) => ({
    request,
    later: (work) => { finished(reply.raw, () => { background.run(work) }) }
  })
}
