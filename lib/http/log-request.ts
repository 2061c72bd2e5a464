import type { FastifyRequest } from 'fastify'

/**
 * How a request to one of our routes is logged: as Fastify does it, but without the query string. Nothing of ours is read
 * from there, but a password or a token may have been sent there by mistake.
 */
function logRequest ({ method, url, host, ip, socket }: FastifyRequest): object {
  return { method, url: url.split('?', 1)[0], host, remoteAddress: ip, remotePort: socket.remotePort }
}

/** For the scope of our routes. Fastify's type asks for texts, where its own serializers give objects, as Pino wants. */
export const logSerializers = { req: logRequest as unknown as (value: unknown) => string }
