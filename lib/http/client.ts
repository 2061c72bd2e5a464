import type { FastifyRequest } from 'fastify'
import { longestUserAgent } from '../accounts/record.js'
import type { Client } from '../backend.js'

/** With `trustProxy` it is what a header says. */
const longestAddress = 64

/** From where a request comes, as its session will tell. Behind a proxy it is right if Fastify's `trustProxy` is. */
export function clientOf ({ ip, headers }: FastifyRequest): Client {
  // A socket may have no address, whatever the type says.
  return { ip: (ip as string | undefined)?.slice(0, longestAddress) ?? null, userAgent: headers['user-agent']?.slice(0, longestUserAgent) ?? null }
}
