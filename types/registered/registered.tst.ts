// What an app sees that has declared its fields and the names of its backends.
import { Type, type Static } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, jwt, memory } from 'fastify-users'
import type { Auth, Backend, BackendName, BaseUser, Credential, FailedLogin, FastifyUsersOptions, Guard, GuardOptions, Hooks, NewUser, StoredUser, User, UserChanges, UserFields } from 'fastify-users'
import { describe, expect, test } from 'tstyche'

const fields = Type.Object({ nickname: Type.String(), age: Type.Optional(Type.Integer()) })

declare module 'fastify-users' {
  interface Register {
    fields: Static<typeof fields>
    backend: 'cookie' | 'api'
  }
}

const app = Fastify()
const users = memory()
const strategy = jwt({ secret: process.env.AUTH_SECRET })

describe('the fields', () => {
  test('go into the options as the schema that their type came from', () => {
    expect(app.register).type.toBeCallableWith(fastifyUsers, { users, strategy, backends: [cookie(), bearer({ name: 'api' })], fields })
    expect<FastifyUsersOptions['fields']>().type.toBeAssignableFrom(fields)
    expect<FastifyUsersOptions['fields']>().type.not.toBeAssignableFrom(Type.String())
  })

  test('are in request.user', () => {
    app.get('/me', { preHandler: app.authenticate() }, async (request) => {
      expect(request.user).type.toBe<User>()
      expect(request.user).type.toBe<BaseUser & { nickname: string, age?: number }>()
      expect(request.user.nickname).type.toBe<string>()
      expect(request.user.age).type.toBe<number | undefined>()
      expect(request.user.id).type.toBe<string>()
      expect(request.user).type.not.toHaveProperty('passwordHash')
      expect(request.user.nick).type.toRaiseError("Property 'nick' does not exist on type 'User'")
      expect(request.auth?.user.nickname).type.toBe<string | undefined>()
    })
  })

  test('are as their schema says', () => {
    expect<UserFields>().type.toBe<{ nickname: string, age?: number }>()
    expect<Auth['user']>().type.toBe<User>()
    expect<Credential['user']>().type.toBe<User>()
  })

  test('are what a new user needs', () => {
    expect(app.users.create).type.toBeCallableWith({ email: 'ann@example.com', nickname: 'Ann' })
    expect(app.users.create).type.toBeCallableWith({ email: 'ann@example.com', password: 'correct horse battery staple', nickname: 'Ann', age: 7, isVerified: true })
    expect(app.users.create({ email: 'ann@example.com' })).type.toRaiseError("Property 'nickname' is missing in type '{ email: string; }'")
    expect(app.users.create({ email: 'ann@example.com', nickname: 1 })).type.toRaiseError("Type 'number' is not assignable to type 'string'")
    expect(app.users.create({ email: 'ann@example.com', nickname: 'Ann', height: 1 })).type.toRaiseError("'height' does not exist in type 'NewUser'")
    expect<NewUser['nickname']>().type.toBe<string>()
  })

  test('may be changed, and need not', () => {
    expect(app.users.update).type.toBeCallableWith('id', {})
    expect(app.users.update).type.toBeCallableWith('id', { email: 'bo@example.com' })
    expect(app.users.update).type.toBeCallableWith('id', { nickname: 'Bo' })
    expect(app.users.update).type.toBeCallableWith('id', { email: undefined, nickname: undefined })
    expect(app.users.update('id', { nickname: null })).type.toRaiseError("Type 'null' is not assignable to type 'string")
    expect(app.users.update('id', { nickmane: 'Bo' })).type.toRaiseError("'nickmane' does not exist in type 'UserChanges'")
    expect<UserChanges['nickname']>().type.toBe<string | undefined>()
  })

  test('come back from every method', () => {
    expect(app.users.create({ email: 'ann@example.com', nickname: 'Ann' })).type.toBe<Promise<User>>()
    expect(app.users.get('id')).type.toBe<Promise<User | null>>()
    expect(app.users.getByEmail('ann@example.com')).type.toBe<Promise<User | null>>()
    expect(app.users.update('id', { nickname: 'Bo' })).type.toBe<Promise<User>>()
    expect(app.users.authenticate('ann@example.com', 'x')).type.toBe<Promise<User | null>>()
  })

  test('are none of the concern of a store', () => {
    expect<StoredUser>().type.not.toHaveProperty('nickname')
    expect<StoredUser['fields']>().type.toBe<Readonly<Record<string, unknown>>>()
  })
})

describe("the backends' names", () => {
  test('are those declared', () => {
    expect<BackendName>().type.toBe<'cookie' | 'api'>()
    expect<Auth['backend']>().type.toBe<'cookie' | 'api'>()
    expect<FailedLogin['backend']>().type.toBe<'cookie' | 'api'>()
    expect<GuardOptions['backends']>().type.toBe<ReadonlyArray<'cookie' | 'api'> | undefined>()
  })

  test('are all that a guard takes', () => {
    expect(app.authenticate({ backends: ['cookie', 'api'] })).type.toBe<Guard>()
    expect(app.authenticate({ backends: ['api'] as const })).type.toBe<Guard>()
    expect(app.authenticate({ backends: ['nope'] })).type.toRaiseError(/Type '"nope"' is not assignable to type '"(cookie|api)" \| "(cookie|api)"'/)
    expect(app.authenticate({ backends: ['cookie', 'nope'] })).type.toRaiseError(/Type '"nope"' is not assignable to type '"(cookie|api)" \| "(cookie|api)"'/)
  })

  test('are all that the options take', () => {
    expect<FastifyUsersOptions['backends']>().type.toBe<ReadonlyArray<Backend<'cookie' | 'api'>>>()
    expect<Pick<FastifyUsersOptions, 'backends'>>().type.toBeAssignableFrom({ backends: [cookie(), bearer({ name: 'api' })] })
    expect(() => { const backends: FastifyUsersOptions['backends'] = [bearer({ name: 'other' })]; return backends }).type.toRaiseError(/Type '"other"' is not assignable to type '"(cookie|api)" \| "(cookie|api)"'/)
    expect(() => { const backends: FastifyUsersOptions['backends'] = [cookie(), bearer()]; return backends }).type.toRaiseError(/Type '"bearer"' is not assignable to type '"(cookie|api)" \| "(cookie|api)"'/)
    expect(app.register(fastifyUsers, { users, strategy, backends: [cookie()] })).type.not.toRaiseError()
    expect(app.register(fastifyUsers, { users, strategy, backends: [cookie(), bearer({ name: 'other' })] })).type.toRaiseError(/Type '"other"' is not assignable to type '"(cookie|api)" \| "(cookie|api)"'/)
    expect(app.register(fastifyUsers, { users, strategy, backends: [cookie(), bearer()] })).type.toRaiseError(/Type '"bearer"' is not assignable to type '"(cookie|api)" \| "(cookie|api)"'/)
  })
})

test('hooks get the user, and the name of the backend', () => {
  const hooks: Hooks = {
    onAfterLogin (user, request, reply) {
      expect(user).type.toBe<User>()
      expect(user.nickname).type.toBe<string>()
      expect(request.user.nickname).type.toBe<string>()
      return reply.redirect('/')
    },
    async onLoginFailed ({ reason, user, backend }, request) {
      expect(user).type.toBe<User | null>()
      expect(backend).type.toBe<'cookie' | 'api'>()
      request.log.info({ reason, nickname: user?.nickname })
    },
    onAfterLogout: (user) => {
      expect(user.nickname).type.toBe<string>()
    }
  }

  expect(app.register).type.toBeCallableWith(fastifyUsers, { users, strategy, backends: [cookie()], fields, hooks })
  app.register(fastifyUsers, {
    users,
    strategy,
    backends: [cookie()],
    hooks: {
      onAfterLogin (user, request, reply) {
        expect(user).type.toBe<User>()
        expect(request.headers.cookie).type.toBe<string | undefined>()
        expect(reply.statusCode).type.toBe<number>()
      }
    }
  })
})
