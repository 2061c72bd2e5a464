// What is misspelt, or of the wrong type, is an error before the app starts.
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import fastifyUsers, { bearer, cookie, jwt, memory, memoryRateLimits, memoryRevocations } from 'fastify-users'
import type { AuditEvent, FastifyUsersOptions, Guard, JwtAlgorithm, MailOptions, PasswordOptions, RouteAdditions, RouteGroups, RouteName, RouteOptions, Strategy, ThrottleOptions, UserStore } from 'fastify-users'
import { mysql, postgres, sqlite } from 'fastify-users/sql'
import { createPool } from 'mysql2/promise'
import { Pool } from 'pg'
import { describe, expect, test } from 'tstyche'

declare module 'fastify' {
  // As @fastify/rate-limit declares it.
  interface FastifyContextConfig {
    rateLimit?: { max: number, timeWindow: string }
  }
}

const app = Fastify()
const users = memory()
const strategy = jwt({ secret: process.env.AUTH_SECRET })
const backends = [cookie(), bearer()]

describe('the options of the plugin', () => {
  test('need users and backends', () => {
    expect<FastifyUsersOptions>().type.toBeAssignableFrom({ users, backends })
    expect(app.register(fastifyUsers, { strategy, backends })).type.toRaiseError("Property 'users' is missing in type")
    expect(app.register(fastifyUsers, { users, strategy })).type.toRaiseError("Property 'backends' is missing in type")
    expect(app.register(fastifyUsers)).type.toRaiseError("is missing the following properties from type 'FastifyUsersOptions': users, backends")
    expect(app.register(fastifyUsers, {})).type.toRaiseError("Argument of type '{}' is not assignable to parameter of type 'FastifyRegisterOptions<FastifyUsersOptions>'")
  })

  test('are all there may be', () => {
    expect(app.register(fastifyUsers, { users, strategy, backends, prefix: '/auth', fields: Type.Object({ nickname: Type.String() }), passwords: { memoryCost: 65536 }, trustedOrigins: ['https://app.example.com'], hooks: {}, decorators: { authenticate: 'guard', users: 'accounts' }, clock: () => 0, logLevel: 'warn' })).type.not.toRaiseError()
    expect(app.register(fastifyUsers, { users, strategy: undefined, backends, fields: undefined, passwords: undefined, trustedOrigins: undefined, hooks: undefined, decorators: undefined, clock: undefined })).type.not.toRaiseError()
  })

  test('are spelt as they are', () => {
    expect(app.register(fastifyUsers, { users, strategy, backends, trustedOrigin: [] })).type.toRaiseError("'trustedOrigin' does not exist in type")
    expect(app.register(fastifyUsers, { users, strategy, backends, passwords: { memorycost: 65536 } })).type.toRaiseError("'memorycost' does not exist in type 'PasswordOptions'")
    expect(app.register(fastifyUsers, { users, strategy, backends, hooks: { onLogin () {} } })).type.toRaiseError("'onLogin' does not exist in type 'Hooks'")
    expect(app.register(fastifyUsers, { users, strategy, backends, decorators: { user: 'accounts' } })).type.toRaiseError("'user' does not exist in type")
    expect(() => { const passwords: PasswordOptions = { timecost: 2 }; return passwords }).type.toRaiseError("'timecost' does not exist in type 'PasswordOptions'")
  })

  test('have values of their types', () => {
    expect(app.register(fastifyUsers, { users: 'users.db', strategy, backends })).type.toRaiseError("Type 'string' is not assignable to type 'UserStore'")
    // A promise of a store is none.
    expect(app.register(fastifyUsers, { users: sqlite('users.db'), strategy, backends })).type.toRaiseError("Type 'Promise<SqlUserStore>' is missing the following properties from type 'UserStore'")
    expect(app.register(fastifyUsers, { users, strategy, backends: cookie() })).type.toRaiseError(/Type 'Backend<"cookie">' is missing the following properties from type 'readonly Backend<string>\[\]'/)
    expect(app.register(fastifyUsers, { users, strategy, backends: [cookie] })).type.toRaiseError("is not assignable to type 'Backend<string>'")
    expect(app.register(fastifyUsers, { users, strategy: process.env.AUTH_SECRET, backends })).type.toRaiseError("Type 'string' is not assignable to type 'Strategy'")
    expect(app.register(fastifyUsers, { users, strategy, backends, trustedOrigins: 'https://app.example.com' })).type.toRaiseError("Type 'string' is not assignable to type 'readonly string[]'")
    // TypeBox says `required: undefined` where all is optional.
    expect(app.register).type.toBeCallableWith(fastifyUsers, { users, strategy, backends, fields: Type.Object({ role: Type.Optional(Type.String()) }) })
    expect(app.register(fastifyUsers, { users, strategy, backends, fields: { nickname: 'string' } })).type.toRaiseError("'nickname' does not exist in type 'ObjectSchema'")
    expect(app.register(fastifyUsers, { users, strategy, backends, fields: Type.Array(Type.String()) })).type.toRaiseError("Property 'properties' is missing in type 'TArray<TString>' but required in type 'ObjectSchema'")
    expect(app.register(fastifyUsers, { users, strategy, backends, hooks: { onAfterLogin: 'x' } })).type.toRaiseError("Type 'string' is not assignable to type")
  })
})

describe('routes', () => {
  test('are groups that are switched on', () => {
    expect(app.register).type.toBeCallableWith(fastifyUsers, { users, strategy, backends, routes: { register: true, verify: true, reset: true, me: true, deleteMe: false, users: undefined }, concealAccounts: true, confirmEmailChange: false })
    expect<keyof RouteGroups>().type.toBeAssignableFrom<'register' | 'verify' | 'reset' | 'me' | 'deleteMe' | 'users'>()
    expect<keyof RouteGroups>().type.not.toBeAssignableFrom<RouteName>()
    expect<FastifyUsersOptions['routes']>().type.toBe<RouteGroups | undefined>()
  })

  test('of a wrong name, or a wrong value, are an error', () => {
    expect(app.register(fastifyUsers, { users, strategy, backends, routes: { registration: true } })).type.toRaiseError("'registration' does not exist in type 'RouteGroups'")
    expect(app.register(fastifyUsers, { users, strategy, backends, routes: { login: true } })).type.toRaiseError("'login' does not exist in type 'RouteGroups'")
    expect(app.register(fastifyUsers, { users, strategy, backends, routes: { register: 'yes' } })).type.toRaiseError("Type 'string' is not assignable to type 'boolean")
    expect(app.register(fastifyUsers, { users, strategy, backends, concealAccounts: 'true' })).type.toRaiseError("Type 'string' is not assignable to type 'boolean")
    expect(app.register(fastifyUsers, { users, strategy, backends, confirmEmailChanges: true })).type.toRaiseError("'confirmEmailChanges' does not exist in type")
  })

  test('take hooks, config and schema', () => {
    expect(app.register).type.toBeCallableWith(fastifyUsers, {
      users,
      strategy,
      backends,
      routeOptions: {
        login: { config: { rateLimit: { max: 5, timeWindow: '1 minute' } }, onRequest: app.authenticate({ optional: true }) },
        register: { preHandler: [async () => {}, app.authenticate()], schema: { summary: 'Sign up', body: { properties: { captcha: { type: 'string' } }, required: ['captcha'] }, response: { 429: { type: 'object' } } } },
        sendResetLink: undefined,
        getMe: { config: undefined, preHandler: undefined, schema: { hide: undefined, body: undefined } }
      }
    })
    const routeOptions: RouteOptions = {
      forgotPassword: {
        preHandler: async (request, reply) => {
          expect(request.ip).type.toBe<string>()
          expect(reply.statusCode).type.toBe<number>()
        }
      }
    }
    expect<FastifyUsersOptions['routeOptions']>().type.toBeAssignableFrom(routeOptions)
    expect<RouteName>().type.toBeAssignableFrom<
      'login' | 'logout' | 'register' | 'requestVerify' | 'verify' | 'forgotPassword' | 'resetPassword' | 'changeEmail' |
      'getMe' | 'updateMe' | 'deleteMe' | 'listUsers' | 'createUser' | 'getUser' | 'updateUser' | 'deleteUser' | 'sendResetLink'
    >()
    expect<RouteName>().type.not.toBeAssignableFrom<string>()
    expect<keyof RouteOptions>().type.toBe<RouteName>()
  })

  test('of a wrong name take nothing, nor do others take what is none of theirs', () => {
    expect(app.register(fastifyUsers, { users, strategy, backends, routeOptions: { signup: {} } })).type.toRaiseError("'signup' does not exist in type 'RouteOptions'")
    expect(app.register(fastifyUsers, { users, strategy, backends, routeOptions: { '/login/cookie': {} } })).type.toRaiseError("does not exist in type 'RouteOptions'")
    expect(() => { const additions: RouteAdditions = { handler: async () => null }; return additions }).type.toRaiseError("'handler' does not exist in type 'RouteAdditions'")
    expect(() => { const additions: RouteAdditions = { preHandlers: [] }; return additions }).type.toRaiseError("'preHandlers' does not exist in type 'RouteAdditions'")
    expect(() => { const additions: RouteAdditions = { schema: { querystring: {} } }; return additions }).type.toRaiseError("'querystring' does not exist in type")
    expect(() => { const additions: RouteAdditions = { preHandler: 'x' }; return additions }).type.toRaiseError("Type 'string' is not assignable to type")
  })
})

describe('mails', () => {
  test('are all there may be', () => {
    expect<MailOptions>().type.toBeAssignableFrom({
      mailer: { async send () {} },
      baseUrl: 'https://example.com',
      appName: 'Example',
      verifyPath: '/verify',
      resetPath: '/reset',
      emailChangePath: '/change',
      verifySeconds: 3600,
      resetSeconds: 600,
      compose: () => undefined,
      concurrency: 2,
      queueLimit: 10,
      retryDelaysMs: [1000] as const,
      attemptTimeoutMs: 5000
    })
    expect<FastifyUsersOptions>().type.toBeAssignableFrom({ users, backends, mails: { baseUrl: process.env.BASE_URL, mailer: undefined, appName: undefined } })
    expect<keyof MailOptions>().type.toBe<'mailer' | 'baseUrl' | 'appName' | 'verifyPath' | 'resetPath' | 'emailChangePath' | 'verifySeconds' | 'resetSeconds' | 'compose' | 'concurrency' | 'queueLimit' | 'retryDelaysMs' | 'attemptTimeoutMs'>()
  })

  test('are spelt as they are, and of their types', () => {
    expect(app.register(fastifyUsers, { users, strategy, backends, mails: { baseURL: 'https://example.com' } })).type.toRaiseError("'baseURL' does not exist in type 'MailOptions'")
    expect(app.register(fastifyUsers, { users, strategy, backends, mails: { verifySeconds: '1h' } })).type.toRaiseError("Type 'string' is not assignable to type 'number'")
    expect(app.register(fastifyUsers, { users, strategy, backends, mails: { baseUrl: new URL('https://example.com') } })).type.toRaiseError("Type 'URL' is not assignable to type 'string'")
    expect(app.register(fastifyUsers, { users, strategy, backends, mails: { mailer: 'smtp://localhost' } })).type.toRaiseError("Type 'string' is not assignable to type 'Mailer'")
  })
})

describe('passwords', () => {
  test('have rules', () => {
    expect<PasswordOptions>().type.toBeAssignableFrom({ minLength: 12, maxLength: 256, validatePassword: () => undefined, breaches: { fetch, url: 'https://example.com/range/', timeoutMs: 500 } })
    expect<PasswordOptions>().type.toBeAssignableFrom({ minLength: undefined, maxLength: undefined, validatePassword: undefined, breaches: undefined })
    expect(() => { const passwords: PasswordOptions = { breaches: true }; return passwords }).type.toRaiseError("Type 'boolean' is not assignable to type 'BreachOptions'")
    expect(() => { const passwords: PasswordOptions = { breaches: {} }; return passwords }).type.toRaiseError("Property 'fetch' is missing in type")
    expect(() => { const passwords: PasswordOptions = { minlength: 12 }; return passwords }).type.toRaiseError("'minlength' does not exist in type 'PasswordOptions'")
  })
})

describe('audit', () => {
  test('is told of events, each of a known type', () => {
    expect(app.register).type.toBeCallableWith(fastifyUsers, { users, strategy, backends, audit: (event: AuditEvent) => { console.log(event) } })
    expect(app.register).type.toBeCallableWith(fastifyUsers, { users, strategy, backends, audit: async (event: AuditEvent) => { console.log(event) } })
    const audit: NonNullable<FastifyUsersOptions['audit']> = ({ type, outcome, reason, userId, actorId, backend, ip, userAgent, at }) => {
      expect(outcome).type.toBe<'success' | 'failure'>()
      expect([reason, userId, actorId, backend, ip, userAgent]).type.toBe<Array<string | null>>()
      expect(at).type.toBe<string>()
      expect<typeof type>().type.toBeAssignableFrom('reset-password' as const)
      expect(type === 'passwordChange').type.toRaiseError('This comparison appears to be unintentional')
    }
    expect<FastifyUsersOptions['audit']>().type.toBeAssignableFrom(audit)
  })

  test('holds no secret and no address', () => {
    expect<keyof AuditEvent>().type.toBe<'type' | 'outcome' | 'reason' | 'userId' | 'actorId' | 'backend' | 'ip' | 'userAgent' | 'at'>()
  })

  test('cannot be changed by who is told', () => {
    expect((event: AuditEvent) => { event.outcome = 'success' }).type.toRaiseError("Cannot assign to 'outcome' because it is a read-only property")
  })
})

describe('the options of a guard', () => {
  test('are all there may be', () => {
    expect(app.authenticate()).type.toBe<Guard>()
    expect(app.authenticate({})).type.toBe<Guard>()
    expect(app.authenticate({ optional: true, verified: true, superuser: false, backends: ['cookie'] })).type.toBe<Guard>()
    expect(app.authenticate({ optional: undefined, verified: undefined, superuser: undefined, backends: undefined })).type.toBe<Guard>()
  })

  test('are spelt as they are, and of their types', () => {
    expect(app.authenticate({ verifed: true })).type.toRaiseError("'verifed' does not exist in type 'GuardOptions'")
    expect(app.authenticate({ optional: 'false' })).type.toRaiseError("Type 'string' is not assignable to type 'boolean | undefined'")
    expect(app.authenticate({ backends: 'cookie' })).type.toRaiseError("Type 'string' is not assignable to type 'readonly string[]'")
    expect(app.authenticate('cookie')).type.toRaiseError(/Type '"cookie"' has no properties in common with type 'GuardOptions'/)
  })
})

describe('the options of cookie()', () => {
  test('are all there may be', () => {
    expect(cookie).type.toBeCallableWith({
      name: 'web',
      lifetimeSeconds: 3600,
      rememberSeconds: 30 * 24 * 3600,
      strategy,
      requireVerified: true,
      cookieName: '__Host-session',
      cookiePath: '/',
      cookieDomain: 'example.com',
      cookieSecure: true,
      cookieHttpOnly: true,
      cookieSameSite: 'strict',
      cookiePartitioned: true
    })
    expect(cookie).type.toBeCallableWith({ name: undefined, strategy: undefined, cookieDomain: process.env.COOKIE_DOMAIN, cookieSameSite: undefined })
  })

  test('are spelt as they are', () => {
    expect(cookie({ cookieSamesite: 'lax' })).type.toRaiseError(/'cookieSamesite' does not exist in type 'CookieOptions<"cookie">'/)
    expect(cookie({ secure: false })).type.toRaiseError(/'secure' does not exist in type 'CookieOptions<"cookie">'/)
    expect(cookie({ name: 'web', lifetime: 3600 })).type.toRaiseError(/'lifetime' does not exist in type 'CookieOptions<"web">'/)
    expect(cookie({ realm: 'users' })).type.toRaiseError(/'realm' does not exist in type 'CookieOptions<"cookie">'/)
  })

  test('have values of their types', () => {
    expect(cookie({ cookieSameSite: 'Lax' })).type.toRaiseError(/^Type '"Lax"' is not assignable to type '.*'\. Did you mean '"lax"'\?$/)
    expect(cookie({ cookieSameSite: false })).type.toRaiseError(/^Type 'false' is not assignable to type '.*"lax".*'\.$/)
    expect(cookie({ lifetimeSeconds: '1h' })).type.toRaiseError("Type 'string' is not assignable to type 'number'")
    expect(cookie({ cookieSecure: 'auto' })).type.toRaiseError("Type 'string' is not assignable to type 'boolean | undefined'")
    expect(cookie({ name: 1 })).type.toRaiseError("Type 'number' is not assignable to type 'string'")
    expect(cookie('web')).type.toRaiseError("has no properties in common with type 'CookieOptions<")
  })
})

describe('the options of bearer()', () => {
  test('are all there may be', () => {
    expect(bearer).type.toBeCallableWith({ name: 'api', lifetimeSeconds: 900, strategy, requireVerified: true, realm: 'api' })
    expect(bearer).type.toBeCallableWith({ name: undefined, lifetimeSeconds: undefined, realm: process.env.REALM })
  })

  test('are spelt as they are, and of their types', () => {
    expect(bearer({ relam: 'api' })).type.toRaiseError(/'relam' does not exist in type 'BearerOptions<"bearer">'/)
    expect(bearer({ rememberSeconds: 900 })).type.toRaiseError(/'rememberSeconds' does not exist in type 'BearerOptions<"bearer">'/)
    expect(bearer({ lifetimeSeconds: '1h' })).type.toRaiseError("Type 'string' is not assignable to type 'number'")
  })
})

describe('the options of jwt()', () => {
  test('take a secret that may be unset', () => {
    expect(process.env.AUTH_SECRET).type.toBe<string | undefined>()
    expect(jwt({ secret: process.env.AUTH_SECRET })).type.toBe<Strategy>()
    expect(jwt).type.toBeCallableWith({ secret: Buffer.alloc(32) })
  })

  test('take keys', () => {
    expect(jwt).type.toBeCallableWith({
      keys: [
        { kid: '2', algorithm: 'EdDSA', privateKey: process.env.PRIVATE_KEY },
        { kid: '1', algorithm: 'RS256', publicKey: process.env.PUBLIC_KEY },
        { secret: process.env.AUTH_SECRET }
      ],
      lifetimeSeconds: 900,
      issuer: 'https://example.com',
      audience: 'example',
      leewaySeconds: 5,
      revocations: memoryRevocations()
    })
    expect<JwtAlgorithm>().type.not.toBeAssignableFrom('none' as const)
    expect(jwt({ keys: [{ algorithm: 'none' }] })).type.toRaiseError(/^Type '"none"' is not assignable to type '.*"HS256".*'/)
    expect(jwt({ keys: [{ algorithm: 'HS256', key: 'x' }] })).type.toRaiseError("'key' does not exist in type 'JwtKey'")
    expect(jwt({ keys: { algorithm: 'HS256', secret: 'x' } })).type.toRaiseError("'algorithm' does not exist in type 'readonly JwtKey[]'")
  })

  test('are spelt as they are, and of their types', () => {
    expect(jwt()).type.toRaiseError('Expected 1 arguments, but got 0')
    expect(jwt({ secret: process.env.AUTH_SECRET, algorithm: 'HS256' })).type.toRaiseError("'algorithm' does not exist in type 'JwtOptions'")
    expect(jwt({ secret: process.env.AUTH_SECRET, expiresIn: '1h' })).type.toRaiseError("'expiresIn' does not exist in type 'JwtOptions'")
    expect(jwt({ secret: process.env.AUTH_SECRET, lifetimeSeconds: '1h' })).type.toRaiseError("Type 'string' is not assignable to type 'number'")
    expect(jwt({ secret: null })).type.toRaiseError("Type 'null' is not assignable to type")
    expect(jwt(process.env.AUTH_SECRET)).type.toRaiseError("Argument of type 'string | undefined' is not assignable to parameter of type 'JwtOptions'")
  })
})

describe('the stores', () => {
  test('are user stores', () => {
    expect(memory()).type.toBe<UserStore>()
    expect<Awaited<ReturnType<typeof sqlite>>>().type.toBeAssignableTo<UserStore>()
    expect<Awaited<ReturnType<typeof postgres>>>().type.toBeAssignableTo<UserStore>()
    expect<Awaited<ReturnType<typeof mysql>>>().type.toBeAssignableTo<UserStore>()
  })

  test('take the pools of pg and mysql2', () => {
    expect(postgres).type.toBeCallableWith(new Pool(), { tablePrefix: 'accounts' })
    expect(mysql).type.toBeCallableWith(createPool({}), { migrate: false })
    expect(postgres('postgres://localhost')).type.toRaiseError("Argument of type 'string' is not assignable to parameter of type 'PostgresPool'")
    expect(mysql(new Pool())).type.toRaiseError("Argument of type 'Pool' is not assignable to parameter of type 'MysqlPool'")
  })

  test('go into the options as soon as they are open', async () => {
    expect(app.register).type.toBeCallableWith(fastifyUsers, { users: await sqlite('users.db'), strategy, backends, fields: Type.Object({ nickname: Type.String() }) })
    expect(app.register).type.toBeCallableWith(fastifyUsers, { users: await sqlite(':memory:', { tablePrefix: 'accounts', migrate: false }), strategy, backends })
    expect(sqlite).type.toBeCallableWith('users.db', { tablePrefix: process.env.TABLE_PREFIX, migrate: undefined })
    expect(sqlite('users.db', { tabelPrefix: 'accounts' })).type.toRaiseError("'tabelPrefix' does not exist in type 'SqlStoreOptions'")
  })
})

describe('the plugin goes into', () => {
  const options: FastifyUsersOptions = { users, strategy, backends }

  test('an app with a type provider', () => {
    const typebox = Fastify().withTypeProvider<TypeBoxTypeProvider>()
    const zod = Fastify().withTypeProvider<ZodTypeProvider>()
    expect(typebox.register).type.toBeCallableWith(fastifyUsers, options)
    expect(zod.register).type.toBeCallableWith(fastifyUsers, options)
    expect(typebox.users).type.toBe(app.users)
    expect(zod.users).type.toBe(app.users)
  })

  test('an app with a logger of its own', () => {
    const logged = Fastify({ loggerInstance: {} as FastifyBaseLogger & { audit (line: string): void } })
    expect(logged.log.audit).type.toBeCallableWith('started')
    expect(logged.register).type.toBeCallableWith(fastifyUsers, options)
    logged.get<{ Params: { id: string } }>('/:id', { preHandler: logged.authenticate() }, async (request) => {
      expect(request.params).type.toBe<{ id: string }>()
      return request.user
    })
  })

  test('an app on HTTP/2, or HTTPS', () => {
    const http2 = Fastify({ http2: true })
    const https = Fastify({ https: {} })
    const secure = Fastify({ http2: true, https: { allowHTTP1: true } })
    expect(http2.register).type.toBeCallableWith(fastifyUsers, options)
    expect(https.register).type.toBeCallableWith(fastifyUsers, options)
    expect(secure.register).type.toBeCallableWith(fastifyUsers, options)
    http2.addHook('onRequest', http2.authenticate())
    http2.get<{ Params: { id: string } }>('/:id', { preHandler: http2.authenticate() }, async (request) => {
      expect(request.params).type.toBe<{ id: string }>()
      return request.user
    })
    https.get<{ Params: { id: string } }>('/:id', { preHandler: [https.authenticate()] }, async (request) => {
      expect(request.params).type.toBe<{ id: string }>()
      return request.user
    })
  })

  test('a scope, a function that gets the app, and a promise', () => {
    app.register(async (scope) => { await scope.register(fastifyUsers, options) })
    const addUsers = async (target: FastifyInstance): Promise<void> => { await target.register(fastifyUsers, options) }
    expect(addUsers).type.toBeCallableWith(app)
    expect(app.register).type.toBeCallableWith(import('fastify-users'), options)
  })
})

describe('limits', () => {
  test('are a part of what they are by default, or off', () => {
    expect<ThrottleOptions>().type.toBeAssignableFrom({ login: { perClient: { attempts: 20 }, perAccount: { attempts: 5, seconds: 600 }, inARow: false }, refresh: false } as const)
    expect<FastifyUsersOptions['throttle']>().type.toBeAssignableFrom<false>()
    expect<FastifyUsersOptions['throttle']>().type.not.toBeAssignableFrom<true>()
    expect<ThrottleOptions>().type.not.toBeAssignableFrom<{ logon: false }>()
    expect<NonNullable<ThrottleOptions['verify']>>().type.not.toBeAssignableFrom<{ perAccount: false }>()
    expect<FastifyUsersOptions['limits']>().type.toBeAssignableFrom(memoryRateLimits())
  })
})
