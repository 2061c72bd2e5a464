import type { FastifyRequest } from 'fastify'
import type { Auth } from '../contracts/auth.js'

const held = Symbol('fastify-users: auth')

interface Holder extends FastifyRequest {
  [held]?: Auth | null
}

/**
 * The decorator `request.auth`. Fastify gives plain values to each request by computed keys, guarded or not, which V8 does at once where
 * there is one, as `user` is, and slowly where there are two. An accessor stands on the prototype.
 */
export const requestAuth = {
  getter (this: Holder): Auth | null {
    return this[held] ?? null
  },
  setter (this: Holder, auth: Auth | null): void {
    this[held] = auth
  }
}
