// An app that is built by a bundler: imports are found by other rules, and must lead to the same types.
import { Type, type Static, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, errors, jwt } from 'fastify-users'
import type { Backend, BaseUser, Guard } from 'fastify-users'
import { sqlite } from 'fastify-users/sql'
import { userStoreContract } from 'fastify-users/testing'
import { expect, test } from 'tstyche'

const fields = Type.Object({ nickname: Type.String() })

declare module 'fastify-users' {
  interface Register {
    fields: Static<typeof fields>
    backend: 'cookie' | 'bearer'
  }
}

const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()

test('the plugin, and what it adds to the app', async () => {
  expect(app.register).type.toBeCallableWith(fastifyUsers, { users: await sqlite('users.db'), strategy: jwt({ secret: process.env.AUTH_SECRET }), backends: [cookie(), bearer()], fields })
  expect(bearer()).type.toBe<Backend<'bearer'>>()
  expect(app.authenticate()).type.toBe<Guard>()
  expect(app.authenticate({ backends: ['nope'] })).type.toRaiseError(/Type '"nope"' is not assignable to type '"(cookie|bearer)" \| "(cookie|bearer)"'/)
  expect(userStoreContract(() => sqlite(':memory:'))[0]?.name).type.toBe<string>()
})

test('the request', () => {
  app.post('/', { preHandler: app.authenticate(), schema: { body: Type.Object({ title: Type.String() }) } }, async (request) => {
    expect(request.user).type.toBe<BaseUser & { nickname: string }>()
    expect(request.body).type.toBe<{ title: string }>()
    return null
  })
})

test('the errors', () => {
  expect(new errors.UnauthorizedError().code).type.toBe<'UNAUTHORIZED'>()
  expect(new errors.UnauthorizedError().statusCode).type.toBe<401>()
})
