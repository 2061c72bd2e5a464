// An app that uses @fastify/jwt for purposes of its own, and has other names for what this plugin adds.
import fastifyJwt from '@fastify/jwt'
import Fastify from 'fastify'
import fastifyUsers, { cookie, jwt, memory, type Authenticate, type BaseUser, type Guard, type Users } from 'fastify-users'
import { describe, expect, test } from 'tstyche'

declare module '@fastify/jwt' {
  interface FastifyJWT {
    payload: { invoice: number }
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    guard: Authenticate
    accounts: Users
  }
}

describe("an app's own @fastify/jwt", () => {
  const app = Fastify()
  app.register(fastifyJwt, { secret: 'a secret of the app, for its own links' })
  app.register(fastifyUsers, { users: memory(), strategy: jwt({ secret: process.env.AUTH_SECRET }), backends: [cookie()] })

  test('keeps the types that the app gave it', () => {
    expect(app.jwt.sign({ invoice: 7 })).type.toBe<string>()
    expect(app.jwt.sign({ bill: 7 })).type.toRaiseError("'bill' does not exist in type")
  })

  test('leaves the type of request.user to this plugin', () => {
    app.get('/me', { preHandler: app.authenticate() }, async (request, reply) => {
      expect(request.user).type.toBe<BaseUser>()
      expect(reply.jwtSign({ invoice: 7 })).type.toBe<Promise<string>>()
      return request.user
    })
  })
})

test('other names get their types from the app', () => {
  const app = Fastify()
  app.register(fastifyUsers, { users: memory(), strategy: jwt({ secret: process.env.AUTH_SECRET }), backends: [cookie()], decorators: { authenticate: 'guard', users: 'accounts' } })
  expect(app.guard({ verified: true })).type.toBe<Guard>()
  expect(app.accounts.get('id')).type.toBe<Promise<BaseUser | null>>()
})
