import { finished } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Source } from '../accounts/accounts.js'
import type { Background } from '../background.js'

/** Tells the use cases where a request comes from. What they put off is begun when the reply has left, or the client has. */
export function createSourceOf (background: Background): (request: FastifyRequest, reply: FastifyReply) => Source {
  return (request, reply) => {
    let hasLeft = false

    return {
      request,
      later (work) {
        // Work that leads to more work: to wait for what is past could be for ever, and `drain` would not know of it.
        if (hasLeft) return background.run(work)
        finished(reply.raw, () => {
          hasLeft = true
          background.run(work)
        })
      }
    }
  }
}
