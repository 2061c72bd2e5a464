// What an app sees that has declared its fields and the names of its backends.
import { Type, type Static } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyRequest } from 'fastify'
import fastifyUsers, { bearer, cookie, jwt, memory } from 'fastify-users'
import type { AuditEvent, Auth, Backend, BackendName, BaseUser, Credential, FailedLogin, FastifyUsersOptions, Guard, GuardOptions, Hooks, Letter, NewUser, PasswordSubject, Registration, StoredUser, User, UserChanges, UserFields, UserPage, ValidatePassword } from 'fastify-users'
import { createUser, loginAs } from 'fastify-users/testing'
import { describe, expect, test } from 'tstyche'

const fields = Type.Object({ nickname: Type.String(), age: Type.Optional(Type.Integer()), plan: Type.String({ default: 'free' }) })

declare module 'fastify-users' {
  interface Register {
    fields: Static<typeof fields>
    defaults: 'plan' | 'no field'
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
      expect(request.user).type.toBe<BaseUser & { nickname: string, age?: number, plan: string }>()
      expect(request.user.nickname).type.toBe<string>()
      expect(request.user.age).type.toBe<number | undefined>()
      expect(request.user.id).type.toBe<string>()
      expect(request.user).type.not.toHaveProperty('passwordHash')
      expect(request.user.nick).type.toRaiseError("Property 'nick' does not exist on type 'User'")
      expect(request.auth?.user.nickname).type.toBe<string | undefined>()
    })
  })

  test('are as their schema says', () => {
    expect<UserFields>().type.toBe<{ nickname: string, age?: number, plan: string }>()
    expect<Auth['user']>().type.toBe<User>()
    expect<Credential['user']>().type.toBe<User>()
  })

  test('are what a new user needs', () => {
    expect(app.users.create).type.toBeCallableWith({ email: 'ann@example.com', nickname: 'Ann' })
    expect(app.users.create).type.toBeCallableWith({ email: 'ann@example.com', password: 'correct horse battery staple', nickname: 'Ann', age: 7, isVerified: true })
    expect(app.users.create).type.toBeCallableWith({ email: 'ann@example.com', nickname: 'Ann', plan: 'paid' })
    expect(app.users.create).type.toBeCallableWith({ email: 'ann@example.com', nickname: 'Ann', plan: undefined })
    expect(app.users.create({ email: 'ann@example.com', nickname: 'Ann', plan: 1 })).type.toRaiseError("Type 'number' is not assignable to type 'string'")
    expect(app.users.create({ email: 'ann@example.com' })).type.toRaiseError("Property 'nickname' is missing in type '{ email: string; }'")
    expect(app.users.create({ email: 'ann@example.com', nickname: 1 })).type.toRaiseError("Type 'number' is not assignable to type 'string'")
    expect(app.users.create({ email: 'ann@example.com', nickname: 'Ann', height: 1 })).type.toRaiseError("'height' does not exist in type 'NewUser'")
    expect<NewUser['nickname']>().type.toBe<string>()
  })

  test('are what a test gives a user, and the backend where it logs in', () => {
    expect(createUser(app, { nickname: 'Ann' })).type.toBe<Promise<User>>()
    expect(createUser(app, { nickname: 'Ann', plan: 'paid', isSuperuser: true })).type.toBe<Promise<User>>()
    expect(createUser(app)).type.toRaiseError('Expected 2 arguments, but got 1')
    expect(createUser(app, { isSuperuser: true })).type.toRaiseError("Property 'nickname' is missing")
    expect(loginAs).type.toBeCallableWith(app, { email: 'ann@example.com' }, { backend: 'api' as const })
    expect(loginAs).type.not.toBeCallableWith(app, { email: 'ann@example.com' }, { backend: 'bearer' as const })
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
    expect(app.users.verify('token')).type.toBe<Promise<User>>()
    expect(app.users.resetPassword('token', 'x')).type.toBe<Promise<User>>()
    expect(app.users.confirmEmailChange('token')).type.toBe<Promise<User>>()
    expect<UserPage['items'][number]>().type.toBe<User>()
  })

  test('are known to rules, letters and registrations, where they may be missing', () => {
    expect<Letter['user']>().type.toBe<User>()
    expect<Registration['email']>().type.toBe<string>()
    expect<Registration['nickname']>().type.toBe<string | undefined>()
    expect<Registration>().type.not.toHaveProperty('password')
    expect<PasswordSubject['nickname']>().type.toBe<string | undefined>()
    const validatePassword: ValidatePassword = (password, { nickname, age }) => {
      expect(age).type.toBe<number | undefined>()
      return nickname !== undefined && password.includes(nickname) ? 'The password must not hold your nickname.' : undefined
    }
    expect<FastifyUsersOptions['passwords']>().type.toBeAssignableFrom({ validatePassword })
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

test('hooks of accounts get the user, what goes with it, and the request if there is one', () => {
  const hooks: Required<Pick<Hooks, 'onBeforeRegister' | 'onAfterRegister' | 'onAfterUpdate' | 'onAfterPasswordChange' | 'onAfterEmailChange' | 'onAfterRequestVerify' | 'onAfterVerify' | 'onAfterForgotPassword' | 'onAfterResetPassword' | 'onAfterRequestEmailChange' | 'onBeforeDelete' | 'onAfterDelete'>> = {
    onBeforeRegister (registration, request) {
      expect(registration).type.toBe<Registration>()
      expect(registration.nickname).type.toBe<string | undefined>()
      expect(request).type.toBe<FastifyRequest | null>()
      return registration.email.endsWith('@example.com') ? undefined : 'Only for people of Example.'
    },
    async onAfterRegister (user, request) {
      expect(user).type.toBe<User>()
      expect(request?.ip).type.toBe<string | undefined>()
      expect(request.ip).type.toRaiseError("'request' is possibly 'null'")
    },
    onAfterUpdate (user, before, request) {
      expect(user.nickname === before.nickname).type.toBe<boolean>()
      expect(before).type.toBe<User>()
      expect(request).type.toBe<FastifyRequest | null>()
    },
    onAfterPasswordChange: (user, request) => { expect([user, request]).type.toBe<Array<User | FastifyRequest | null>>() },
    onAfterEmailChange: (user, oldEmail) => { expect([user.email, oldEmail]).type.toBe<string[]>() },
    async onAfterRequestVerify (user, token, request) {
      expect(token).type.toBe<string>()
      request?.log.info({ nickname: user.nickname })
    },
    onAfterVerify: (user) => user,
    onAfterForgotPassword: (_user, token) => { expect(token).type.toBe<string>() },
    onAfterResetPassword: (user, request) => { expect([user, request]).type.toBe<Array<User | FastifyRequest | null>>() },
    onAfterRequestEmailChange (user, newEmail, token, request) {
      expect([user.nickname, newEmail, token]).type.toBe<string[]>()
      expect(request).type.toBe<FastifyRequest | null>()
    },
    onBeforeDelete: async (user) => { if (user.nickname === 'Ann') throw new Error('Not her.') },
    onAfterDelete: (user) => { expect(user).type.toBe<User>() }
  }
  expect(app.register).type.toBeCallableWith(fastifyUsers, { users, strategy, backends: [cookie()], fields, hooks })
})

test('onBeforeRegister gives a reason or nothing: a mere yes or no is neither', () => {
  expect<Hooks['onBeforeRegister']>().type.toBeAssignableFrom(async () => {})
  expect<Hooks['onBeforeRegister']>().type.toBeAssignableFrom(async ({ email }: Registration) => email === '' ? 'Say who you are.' : undefined)
  expect<Hooks['onBeforeRegister']>().type.not.toBeAssignableFrom(() => false)
  expect<Hooks['onBeforeRegister']>().type.not.toBeAssignableFrom(async () => null)
  expect(app.register(fastifyUsers, { users, strategy, backends: [cookie()], hooks: { onBeforeRegister: ({ nickname }) => nickname !== 'root' } })).type.toRaiseError("Type 'boolean' is not assignable to type")
  expect(app.register(fastifyUsers, { users, strategy, backends: [cookie()], hooks: { onAfterRegistration () {} } })).type.toRaiseError("'onAfterRegistration' does not exist in type 'Hooks'")
})

test('an event of the audit names a backend', () => {
  expect<AuditEvent['backend']>().type.toBe<'cookie' | 'api' | null>()
})
