import { finished } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Source } from '../accounts/accounts.js'
import type { Background } from '../background.js'
import { ClientGoneError } from '../errors.js'

/** Tells the use cases where a request comes from. What they put off is begun when the reply has left, or the client has. */
export function createSourceOf (background: Background): (request: FastifyRequest, reply: FastifyReply) => Source {
  return (request, reply) => {
    let hasLeft = false

    return {
      request,
      get gone () { return goneOf(reply) },
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

/** Not `request.signal`: that is aborted as soon as the body is read, because node:http closes the request then, and not the reply. */
function goneOf ({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController()
  const abort = (): void => { if (!raw.writableEnded) controller.abort(new ClientGoneError()) }
  // Gone already: it will not be told again.
  if (raw.destroyed) abort()
  else raw.once('close', abort)
  return controller.signal
}
