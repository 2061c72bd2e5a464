/// <reference types="@fastify/jwt" preserve="true" />
import type { Auth } from './contracts/auth.js'
import type { Register, User } from './contracts/user.js'
import type { Users } from './accounts/users.js'
import type { Authenticate } from './http/guard.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Makes a guard: a hook for `onRequest` or `preHandler`, of a route or a whole scope. */
    authenticate: Register extends { authenticate: infer Own } ? Own : Authenticate
    /** The users, for scripts, tests and the application's own routes. */
    users: Register extends { users: infer Own } ? Own : Users
  }

  interface FastifyRequest {
    /** Who makes the request, and by which backend and session. `null` where no guard ran, or an optional one found nobody. */
    auth: Auth | null
  }
}

// `request.user` is declared by @fastify/jwt, once for all: an interface cannot declare it again with another type. What
// it leaves open is the type, and this is where it says so.
declare module '@fastify/jwt' {
  interface FastifyJWT {
    user: User
  }
}
