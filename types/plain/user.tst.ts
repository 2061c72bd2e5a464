// What an app sees that declares nothing: no `Register` in this program.
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, errors, fastifyUsers as named, jwt, memory, userSchema } from 'fastify-users'
import type { AuditEvent, AuditEventType, Auth, Authenticate, Backend, BackendName, BaseUser, FailedLogin, Guard, GuardOptions, ListQuery, NewUser, Session, User, UserChanges, UserPage, Users } from 'fastify-users'
import { describe, expect, test } from 'tstyche'

const app = Fastify()

describe('registration', () => {
  test('by the default export, and by name', () => {
    const options = { users: memory(), strategy: jwt({ secret: process.env.AUTH_SECRET }), backends: [cookie(), bearer()] }

    expect(app.register).type.toBeCallableWith(fastifyUsers, options)
    expect(app.register).type.toBeCallableWith(named, options)
    expect(app.register).type.toBeCallableWith(fastifyUsers, { ...options, prefix: '/auth', logLevel: 'warn' as const })
  })

  test('decorates the app', () => {
    expect(app.authenticate).type.toBe<Authenticate>()
    expect(app.users).type.toBe<Users>()
  })
})

describe('the request', () => {
  test('has a user without a cast', () => {
    app.get('/me', { preHandler: app.authenticate() }, async (request) => {
      expect(request.user).type.toBe<BaseUser>()
      expect(request.user.id).type.toBe<string>()
      expect(request.user.email).type.toBe<string>()
      expect(request.user.isActive).type.toBe<boolean>()
      expect(request.user.isVerified).type.toBe<boolean>()
      expect(request.user.isSuperuser).type.toBe<boolean>()
      expect(request.user.createdAt).type.toBe<string>()
      expect(request.user.updatedAt).type.toBe<string>()
      return request.user
    })
  })

  test('has no password hash, and nothing else that only a store knows', () => {
    app.get('/me', { preHandler: app.authenticate() }, async (request) => {
      expect(request.user).type.not.toHaveProperty('passwordHash')
      expect(request.user).type.not.toHaveProperty('password')
      expect(request.user).type.not.toHaveProperty('emailKey')
      expect(request.user).type.not.toHaveProperty('sessionEpoch')
      expect(request.user).type.not.toHaveProperty('version')
      expect(request.user).type.not.toHaveProperty('fields')
      expect(request.user.passwordHash).type.toRaiseError("Property 'passwordHash' does not exist on type 'BaseUser'")
    })
  })

  test('has a user that a handler cannot change', () => {
    app.get('/me', { preHandler: app.authenticate() }, async (request) => {
      expect(() => { request.user.isSuperuser = true }).type.toRaiseError("Cannot assign to 'isSuperuser' because it is a read-only property")
    })
  })

  test('tells how it was authenticated', () => {
    app.get('/me', { preHandler: app.authenticate({ optional: true }) }, async (request) => {
      expect(request.auth).type.toBe<Auth | null>()
      expect(request.auth?.user).type.toBe<BaseUser | undefined>()
      expect(request.auth?.backend).type.toBe<string | undefined>()
      expect(request.auth?.session).type.toBe<Session | undefined>()
      expect(request.auth?.session.expiresAt).type.toBe<number | undefined>()
      expect(request.auth.user).type.toRaiseError("'request.auth' is possibly 'null'")
    })
  })

  test('has the schema of its user at hand, for a reply', () => {
    app.get('/me', { preHandler: app.authenticate(), schema: { response: { 200: userSchema() } } }, async (request) => request.user)
    app.get('/you', { preHandler: app.authenticate(), schema: { response: { 200: { description: 'The user.', ...userSchema() } } } }, async (request) => request.user)
  })
})

describe('a user', () => {
  test('is a BaseUser', () => {
    expect<User>().type.toBe<BaseUser>()
  })

  test('is made of an address and what else is known', () => {
    expect(app.users.create).type.toBeCallableWith({ email: 'ann@example.com', password: 'correct horse battery staple' })
    expect(app.users.create).type.toBeCallableWith({ email: 'ann@example.com', password: null, isVerified: true, isActive: undefined })
    expect(app.users.create).type.toBeCallableWith({ email: 'ann@example.com', passwordHash: '$argon2id$…' })
    expect(app.users.create({ password: 'x' })).type.toRaiseError("Property 'email' is missing in type '{ password: string; }'")
    expect(app.users.create({ email: 'ann@example.com', passwort: 'x' })).type.toRaiseError("'passwort' does not exist in type 'NewUser'")
    expect(app.users.create({ email: 'ann@example.com', isVerified: 'yes' })).type.toRaiseError("Type 'string' is not assignable to type 'boolean | undefined'")
    expect(app.users.create({ email: 'ann@example.com', nickname: 'Ann' })).type.toRaiseError("'nickname' does not exist in type 'NewUser'")
    expect<NewUser['email']>().type.toBe<string>()
    expect<UserChanges['email']>().type.toBe<string | undefined>()
  })

  test('comes back from every method', () => {
    expect(app.users.create({ email: 'ann@example.com' })).type.toBe<Promise<BaseUser>>()
    expect(app.users.get('id')).type.toBe<Promise<BaseUser | null>>()
    expect(app.users.getByEmail('ann@example.com')).type.toBe<Promise<BaseUser | null>>()
    expect(app.users.update('id', {})).type.toBe<Promise<BaseUser>>()
    expect(app.users.update('id', { email: 'bo@example.com', isActive: false })).type.toBe<Promise<BaseUser>>()
    expect(app.users.remove('id')).type.toBe<Promise<boolean>>()
    expect(app.users.authenticate('ann@example.com', 'x')).type.toBe<Promise<BaseUser | null>>()
    expect(app.users.update('id', { emial: 'bo@example.com' })).type.toRaiseError("'emial' does not exist in type 'UserChanges'")
    expect(app.users.get(1)).type.toRaiseError("Argument of type 'number' is not assignable to parameter of type 'string'")
  })

  test('is one of many', async () => {
    expect(app.users.list()).type.toBe<Promise<UserPage>>()
    expect(app.users.list).type.toBeCallableWith({ limit: 10, cursor: undefined, email: '@example.com' })
    const { items, nextCursor } = await app.users.list({})
    expect(items).type.toBe<readonly User[]>()
    expect(nextCursor).type.toBe<string | null>()
    expect<keyof ListQuery>().type.toBe<'limit' | 'cursor' | 'email'>()
    // `null` is the end: who asks for the next page has asked whether there is one.
    expect(app.users.list({ cursor: nextCursor })).type.toRaiseError("Type 'string | null' is not assignable to type 'string | undefined'")
    expect(app.users.list({ limit: '10' })).type.toRaiseError("Type 'string' is not assignable to type 'number'")
    expect(app.users.list({ page: 2 })).type.toRaiseError("'page' does not exist in type 'ListQuery'")
  })

  test('may verify an address, and reset a password', () => {
    expect(app.users.requestVerify('ann@example.com')).type.toBe<Promise<void>>()
    expect(app.users.verify('token')).type.toBe<Promise<BaseUser>>()
    expect(app.users.forgotPassword('ann@example.com')).type.toBe<Promise<void>>()
    expect(app.users.resetPassword('token', 'correct horse battery staple')).type.toBe<Promise<BaseUser>>()
    expect(app.users.confirmEmailChange('token')).type.toBe<Promise<BaseUser>>()
    expect(app.users.revokeSessions('id')).type.toBe<Promise<boolean>>()
    expect(app.users.unlock('id')).type.toBe<Promise<boolean>>()
    expect(app.users.resetPassword('token')).type.toRaiseError('Expected 2-3 arguments, but got 1')
  })

  test('may be changed on behalf of a request', () => {
    app.post<{ Params: { id: string }, Body: { token: string } }>('/:id', async (request) => {
      expect(app.users.create).type.toBeCallableWith({ email: 'ann@example.com' }, request)
      expect(app.users.update).type.toBeCallableWith(request.params.id, {}, request)
      expect(app.users.remove).type.toBeCallableWith(request.params.id, request)
      expect(app.users.requestVerify).type.toBeCallableWith('ann@example.com', request)
      expect(app.users.verify).type.toBeCallableWith(request.body.token, request)
      expect(app.users.forgotPassword).type.toBeCallableWith('ann@example.com', request)
      expect(app.users.resetPassword).type.toBeCallableWith(request.body.token, 'x', request)
      expect(app.users.confirmEmailChange).type.toBeCallableWith(request.body.token, request)
      expect(app.users.revokeSessions).type.toBeCallableWith(request.params.id, request)
      return null
    })
    expect(app.users.remove('id', 'ann')).type.toRaiseError("Argument of type 'string' is not assignable to parameter of type 'FastifyRequest")
  })
})

describe('an event of the audit', () => {
  test('is of a known type', () => {
    expect<AuditEvent['type']>().type.toBe<AuditEventType>()
    expect<AuditEventType>().type.toBeAssignableFrom<'login' | 'logout' | 'register' | 'create' | 'update' | 'delete' | 'request-verify' | 'verify' | 'forgot-password' | 'reset-password' | 'reauthenticate' | 'password-change' | 'request-email-change' | 'confirm-email-change' | 'email-change' | 'revoke-sessions' | 'unlock'>()
    expect<AuditEventType>().type.not.toBeAssignableFrom<string>()
    expect<AuditEventType>().type.not.toBeAssignableFrom<'signup'>()
    expect<AuditEvent['backend']>().type.toBe<string | null>()
  })
})

describe("a backend's name", () => {
  test('is any string', () => {
    expect<BackendName>().type.toBe<string>()
    expect<FailedLogin['backend']>().type.toBe<string>()
    expect(app.authenticate).type.toBeCallableWith({ backends: ['x'] })
    expect(app.authenticate).type.toBeCallableWith({ backends: ['cookie', 'bearer'] as const })
    expect(app.authenticate({ backends: ['x'] })).type.toBe<Guard>()
    expect<GuardOptions['backends']>().type.toBe<readonly string[] | undefined>()
  })

  test('is kept by the functions that make backends', () => {
    expect(cookie()).type.toBe<Backend<'cookie'>>()
    expect(bearer()).type.toBe<Backend<'bearer'>>()
    expect(cookie({ name: 'web' })).type.toBe<Backend<'web'>>()
    expect(bearer({ name: 'api', lifetimeSeconds: 900 })).type.toBe<Backend<'api'>>()
    expect(bearer({ lifetimeSeconds: 900 })).type.toBe<Backend<'bearer'>>()
  })
})

describe('an error', () => {
  test('has its code and its status', () => {
    expect(new errors.UnauthorizedError().code).type.toBe<'UNAUTHORIZED'>()
    expect(new errors.EmailTakenError().code).type.toBe<'UPDATE_USER_EMAIL_ALREADY_EXISTS'>()
    expect(new errors.EmailTakenError().statusCode).type.toBe<400>()
    expect(new errors.UserAlreadyExistsError().code).type.toBe<'REGISTER_USER_ALREADY_EXISTS'>()
    expect(new errors.RegisterPasswordError().code).type.toBe<'REGISTER_INVALID_PASSWORD'>()
    expect(new errors.RegisterRefusedError().code).type.toBe<'REGISTER_REFUSED'>()
    expect(new errors.UpdatePasswordError().code).type.toBe<'UPDATE_USER_INVALID_PASSWORD'>()
    expect(new errors.BadCurrentPasswordError().code).type.toBe<'USER_BAD_CURRENT_PASSWORD'>()
    expect(new errors.VerifyBadTokenError().code).type.toBe<'VERIFY_USER_BAD_TOKEN'>()
    expect(new errors.AlreadyVerifiedError().code).type.toBe<'VERIFY_USER_ALREADY_VERIFIED'>()
    expect(new errors.ResetBadTokenError().code).type.toBe<'RESET_PASSWORD_BAD_TOKEN'>()
    expect(new errors.ResetPasswordError().code).type.toBe<'RESET_PASSWORD_INVALID_PASSWORD'>()
    expect(new errors.EmailChangeBadTokenError().code).type.toBe<'CHANGE_EMAIL_BAD_TOKEN'>()
    expect(new errors.UserNotFoundError().statusCode).type.toBe<404>()
    expect(new errors.LastSuperuserError().statusCode).type.toBe<409>()
    expect(new errors.UnavailableError().statusCode).type.toBe<503>()
    expect(errors.NoSuchError).type.toRaiseError("Property 'NoSuchError' does not exist on type")
  })

  test('is told from others', () => {
    app.setErrorHandler((error, _request, reply) => {
      if (error instanceof errors.UnauthorizedError) {
        expect(error.code).type.toBe<'UNAUTHORIZED'>()
        return reply.redirect('/login')
      }
      throw error
    })
  })
})
