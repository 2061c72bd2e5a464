// What is misspelt, or of the wrong type, is an error before the app starts.
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import fastifyUsers, { bearer, cookie, jwt, memory, memoryRevocations } from 'fastify-users'
import type { FastifyUsersOptions, Guard, JwtAlgorithm, PasswordOptions, Strategy, UserStore } from 'fastify-users'
import { mysql, postgres, sqlite } from 'fastify-users/sql'
import { createPool } from 'mysql2/promise'
import { Pool } from 'pg'
import { describe, expect, test } from 'tstyche'

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
    expect(app.register(fastifyUsers, { users, strategy, backends, fields: { nickname: 'string' } })).type.toRaiseError("'nickname' does not exist in type 'ObjectSchema'")
    expect(app.register(fastifyUsers, { users, strategy, backends, fields: Type.Array(Type.String()) })).type.toRaiseError("Property 'properties' is missing in type 'TArray<TString>' but required in type 'ObjectSchema'")
    expect(app.register(fastifyUsers, { users, strategy, backends, hooks: { onAfterLogin: 'x' } })).type.toRaiseError("Type 'string' is not assignable to type")
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
