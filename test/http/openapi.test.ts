import fastifySwagger from '@fastify/swagger'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { FastifyInstance } from 'fastify'
import { createJsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import t from 'tap'
import { z } from 'zod'
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, memory, opaque, userSchema, type NewUser } from '../../lib/index.js'
import { aPassword, everyRoute, fields, outcome, postOffice, send, stranger } from '../helpers/accounts.js'
import { ann, appWith, login, options, sameOrigin, type Prepare } from '../helpers/app.js'
import { everything } from '../helpers/route-table.js'

interface JsonBody { content: { 'application/json': { schema: { properties: Record<string, { readOnly?: boolean }>, required?: string[] } } } }
interface Operation { operationId?: string, summary?: string, security?: object[], responses: Record<string, { description: string }>, requestBody?: { content: Record<string, object> }, parameters?: Array<{ name: string, in: string }>, tags?: string[] }
interface Document { paths: Record<string, Record<string, Operation>>, components: { securitySchemes: Record<string, object> } }

const swagger = (options: object = {}): Prepare => async (app) => { await app.register(fastifySwagger, { openapi: { openapi: '3.1.0', info: { title: 'x', version: '1' } }, ...options }) }
const documentOf = (app: FastifyInstance): Document => app.swagger() as unknown as Document
const both = [{ cookie: [] }, { bearer: [] }]
/** With what is answered wherever the input cannot be read. */
const andUnreadable = (method: string, statuses: readonly string[]): string[] => [...new Set([...statuses, '400', ...method === 'get' ? [] : ['413', '415']])].sort()

t.test('the document says what the guards ask for', async (t) => {
  const app = await appWith(t, { backends: [cookie(), bearer({ requireVerified: true })] }, {
    before: swagger(),
    routes: async (app) => {
      app.get('/open', async () => 'x')
      app.get('/optional', { preHandler: app.authenticate({ optional: true }) }, async () => 'x')
      app.get('/bearer', { onRequest: [app.authenticate({ backends: ['bearer'] })], schema: { summary: 'Kept', response: { 200: userSchema() } } }, async ({ user }) => user)
      app.get('/admin', { preHandler: [async () => {}, app.authenticate({ superuser: true })] }, async () => 'x')
      app.get('/own', { preHandler: app.authenticate(), schema: { security: [{ cookie: [] }], response: { 401: { description: 'Mine.', type: 'null' } } } as object }, async () => 'x')
      await app.register(async (scope) => {
        scope.get('/before', async () => 'x')
        scope.addHook('onRequest', scope.authenticate())
        scope.get('/', async () => 'x')
        await scope.register(async (inner) => {
          inner.get('/inner', async () => 'x')
          inner.get('/narrow', { preHandler: inner.authenticate({ backends: ['bearer'] }) }, async () => 'x')
        })
      }, { prefix: '/scope' })
    }
  })
  const { paths, components } = documentOf(app)
  const get = (url: string): Operation => paths[url]?.get as Operation
  const post = (url: string): Operation => paths[url]?.post as Operation

  t.strictSame(components.securitySchemes, {
    cookie: { type: 'apiKey', in: 'cookie', name: 'fastifyusersauth' },
    bearer: { type: 'oauth2', flows: { password: { tokenUrl: '/login/bearer', scopes: {} } } }
  })
  t.strictSame(get('/me').security, both)
  t.strictSame(Object.keys(get('/me').responses), ['200', '400', '401', '403', '503'])
  t.notOk('security' in get('/open'))
  t.strictSame(Object.keys(get('/open').responses), ['200'])
  t.strictSame(get('/optional').security, [...both, {}])
  t.strictSame(get('/bearer').security, [{ bearer: [] }])
  t.strictSame(Object.keys(get('/bearer').responses), ['200', '400', '401', '503'], 'nothing to forbid')
  t.match(get('/bearer'), { summary: 'Kept', responses: { 200: { content: { 'application/json': { schema: { properties: { email: { type: 'string' } } } } } } } })
  t.strictSame(Object.keys(get('/admin').responses), ['200', '400', '401', '403', '503'])
  t.strictSame(get('/own').security, [{ cookie: [] }], 'what the application says stands')
  t.equal(get('/own').responses['401']?.description, 'Mine.')
  for (const url of ['/scope/', '/scope/inner', '/scope/before']) t.strictSame(get(url).security, both, url)
  t.strictSame(get('/scope/narrow').security, [{ bearer: [] }], 'all guards must let a request pass')

  t.strictSame(post('/login/cookie').security, [])
  t.strictSame(Object.keys(post('/login/cookie').requestBody?.content ?? {}), ['application/json', 'application/x-www-form-urlencoded'])
  t.strictSame(Object.keys(post('/login/cookie').responses), andUnreadable('post', ['200', '400', '403', '503']))
  t.strictSame(Object.keys(post('/login/bearer').responses), andUnreadable('post', ['200', '400', '503']))
  t.match(post('/login/bearer').responses['400']?.description, /LOGIN_USER_NOT_VERIFIED/)
  t.strictSame(post('/logout/cookie').security, [{ cookie: [] }])
  t.strictSame(Object.keys(post('/logout/cookie').responses), andUnreadable('post', ['200', '401', '403', '503']))
  t.strictSame(Object.keys(post('/logout/bearer').responses), andUnreadable('post', ['200', '401', '503']))
})

/** What each route answers, beside those of login and logout, and who may call it. */
const accountRoutes: Record<string, readonly [string, string[], 'open' | 'guarded']> = {
  'post /register': ['register', ['201', '400', '403', '503'], 'open'],
  'post /request-verify-token': ['request_verify_token', ['202', '403', '503'], 'open'],
  'post /verify': ['verify', ['200', '400', '403', '503'], 'open'],
  'post /forgot-password': ['forgot_password', ['202', '403', '503'], 'open'],
  'post /reset-password': ['reset_password', ['200', '400', '403', '503'], 'open'],
  'post /change-email': ['change_email', ['200', '400', '403', '503'], 'open'],
  'get /users/me': ['get_me', ['200', '401', '403', '503'], 'guarded'],
  'patch /users/me': ['update_me', ['200', '400', '401', '403', '503'], 'guarded'],
  'delete /users/me': ['delete_me', ['204', '400', '401', '403', '409', '503'], 'guarded'],
  'get /users': ['list_users', ['200', '401', '403', '503'], 'guarded'],
  'post /users': ['create_user', ['201', '400', '401', '403', '503'], 'guarded'],
  'get /users/{id}': ['get_user', ['200', '401', '403', '404', '503'], 'guarded'],
  'patch /users/{id}': ['update_user', ['200', '400', '401', '403', '404', '409', '503'], 'guarded'],
  'delete /users/{id}': ['delete_user', ['204', '401', '403', '404', '409', '503'], 'guarded'],
  'post /users/{id}/forgot-password': ['send_reset_link', ['202', '401', '403', '404', '503'], 'guarded']
}

const zod: Prepare = async (app) => {
  app.setValidatorCompiler(validatorCompiler).setSerializerCompiler(serializerCompiler)
  await swagger({ transform: createJsonSchemaTransform({}) })(app)
}

for (const [name, before] of Object.entries({ 'Fastify\'s own compilers': swagger(), 'Zod\'s compilers and transform': zod })) {
  t.test(`all routes of accounts, under ${name}`, async (t) => {
    const app = await appWith(t, { routes: everyRoute, confirmEmailChange: true, fields: { ...fields, required: ['nickname', 'plan'] } }, { before, seed: false })
    const { paths } = documentOf(app)
    const operation = (route: string): Operation => {
      const [method, url] = route.split(' ') as [string, string]
      return paths[url]?.[method] as Operation
    }
    const bodyOf = (route: string) => (operation(route).requestBody as JsonBody).content['application/json'].schema
    const answerOf = (route: string, status: string) => (operation(route).responses[status] as unknown as JsonBody).content['application/json'].schema

    for (const [route, [operationId, responses, guard]] of Object.entries(accountRoutes)) {
      const { summary, tags, security, ...found } = operation(route)
      t.equal(found.operationId, operationId, route)
      t.ok(summary)
      t.strictSame(tags, ['auth'])
      t.strictSame(security, guard === 'open' ? [] : both)
      t.strictSame(Object.keys(found.responses), andUnreadable(route.split(' ')[0] as string, responses))
      t.ok(Object.values(found.responses).every(({ description }) => description !== 'Default Response'))
    }
    const ids = Object.values(paths).flatMap((methods) => Object.values(methods).flatMap(({ operationId }) => operationId ?? []))
    t.ok(ids.length >= Object.keys(accountRoutes).length + 4)
    t.equal(new Set(ids).size, ids.length, 'no two operations have one id')

    t.strictSame(bodyOf('post /register').required, ['email', 'password', 'nickname'])
    t.strictSame(Object.keys(bodyOf('post /register').properties), ['nickname', 'email', 'password'], 'what is read-only cannot be sent')
    t.strictSame(Object.keys(bodyOf('patch /users/me').properties), ['nickname', 'email', 'password', 'currentPassword'])
    t.strictSame(Object.keys(bodyOf('post /users').properties), ['nickname', 'plan', 'email', 'password', 'isActive', 'isVerified', 'isSuperuser'])
    t.strictSame(bodyOf('post /users').required, ['email', 'nickname'])
    t.equal(bodyOf('post /users').properties.plan?.readOnly, false, 'but by a superuser')
    t.strictSame(Object.keys(bodyOf('patch /users/{id}').properties), ['nickname', 'plan', 'email', 'isActive', 'isVerified', 'isSuperuser'])
    const user = ['nickname', 'plan', 'id', 'email', 'isActive', 'isVerified', 'isSuperuser', 'createdAt', 'updatedAt']
    for (const [route, status] of [['post /register', '201'], ['get /users/me', '200'], ['patch /users/me', '200'], ['post /verify', '200'], ['post /users', '201'], ['get /users/{id}', '200']] as const) {
      t.strictSame(Object.keys(answerOf(route, status).properties), user, route)
    }
    t.strictSame(Object.keys(answerOf('get /users', '200').properties), ['items', 'nextCursor'])
    t.strictSame(operation('get /users').parameters?.map(({ name, in: where }) => `${where} ${name}`), ['query limit', 'query cursor', 'query email'])
    t.strictSame(operation('get /users/{id}').parameters?.map(({ name, in: where }) => `${where} ${name}`), ['path id'])
    t.match(operation('patch /users/{id}').responses['409']?.description, /LAST_SUPERUSER/)

    const asRoot = await app.users.create({ email: 'root@example.com', password: aPassword('root'), isSuperuser: true, nickname: 'Root' } as NewUser)
      .then(async ({ email }) => await login(app, 'bearer', { email, password: aPassword('root') }))
    t.equal(await outcome(app, asRoot, 'GET', '/users?limit=2'), '200', 'and they work')
    t.equal(await outcome(app, asRoot, 'GET', '/users?limit=two'), '400 FST_ERR_VALIDATION')
    t.equal(await outcome(app, stranger, 'POST', '/register', { email: 'bob@example.com', password: aPassword('only'), nickname: 'Bob' }), '201')
  })
}

t.test('the document holds by its own rules, and whatever is sent, the answer stands in it', async (t) => {
  const app = await appWith(t, { ...everything('opaque'), routes: { ...everyRoute, sessions: true }, fields }, { before: swagger() })
  await app.users.update((await app.users.getByEmail(ann.email))?.id as string, { isVerified: true, isSuperuser: true })
  await app.users.create({ email: 'bob@example.com', password: aPassword('only'), isVerified: true } as NewUser)
  const document = documentOf(app)
  t.strictSame(await new Validator().validate(document as unknown as Record<string, unknown>), { valid: true })

  const big = JSON.stringify({ email: 'x'.repeat(20_000) })
  const seen = new Map<string, number>()
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [name, { responses, tags }] of Object.entries(methods)) {
      // What a body of the app's own routes must be is for the app to say.
      if (tags?.includes('auth') !== true) continue
      const method = name.toUpperCase() as 'GET' | 'POST' | 'PATCH' | 'DELETE'
      const url = path.replace('{id}', '019a0000-0000-7000-8000-000000000000')
      // Another one each time: some of these log out, or end sessions.
      const as = async (email: string, password: string, backend = 'bearer') => await login(app, backend, { email, password })
      const withBody = (headers: Record<string, string>, payload: string) => app.inject({ method, url, payload, headers: { ...sameOrigin, ...headers } })
      const replies = [
        await send(app, stranger, method, url),
        await send(app, { headers: { authorization: 'Bearer none' } }, method, url),
        await send(app, { headers: { cookie: 'fastifyusersauth=one; fastifyusersauth=two' } }, method, url),
        await app.inject({ ...await as(ann.email, ann.password, 'cookie'), method, url, headers: { 'sec-fetch-site': 'cross-site' } }),
        await send(app, await as('bob@example.com', aPassword('only')), method, url),
        await send(app, await as(ann.email, ann.password), method, `${url}?limit=two&cursor=x`, method === 'GET' ? undefined : {}),
        ...method === 'GET'
          ? []
          : [
              await send(app, await as(ann.email, ann.password), method, url, '{'),
              await withBody({ 'content-type': 'application/json' }, big),
              await withBody({ 'content-type': 'text/csv' }, 'a,b'),
              await withBody({ 'content-type': 'application/json; charset=latin1' }, '{}')
            ]
      ]
      for (const { statusCode } of replies) {
        seen.set(String(statusCode), (seen.get(String(statusCode)) ?? 0) + 1)
        t.ok(String(statusCode) in responses, `${method} ${url} answers ${statusCode}`)
      }
    }
  }
  for (const status of ['200', '204', '400', '401', '403', '404', '413', '415']) t.ok(seen.has(status), `${status} was among the answers`)
})

t.test('who conceals accounts says 202 of to register, and nothing else', async (t) => {
  const app = await appWith(t, { routes: everyRoute, concealAccounts: true }, { before: swagger() })
  t.strictSame(Object.keys(documentOf(app).paths['/register']?.post?.responses ?? {}), andUnreadable('post', ['202', '400', '403', '503']))
})

t.test('where no credential is sent by itself, no route says that another site may be refused', async (t) => {
  const app = await appWith(t, { routes: everyRoute, backends: [bearer()] }, { before: swagger() })
  const { paths } = documentOf(app)
  t.strictSame(Object.keys(paths['/register']?.post?.responses ?? {}), andUnreadable('post', ['201', '400', '503']))
  t.strictSame(Object.keys(paths['/users/me']?.get?.responses ?? {}), ['200', '400', '401', '503'])
  t.strictSame(Object.keys(paths['/users']?.get?.responses ?? {}), ['200', '400', '401', '403', '503'], 'but a superuser is still asked for')
})

t.test('a guard on the whole app shuts no route of ours, in the document or for those who come', async (t) => {
  const office = postOffice()
  const app = await appWith(t, { ...office.options, routes: everyRoute, confirmEmailChange: true }, { before: swagger(), routes: (app) => { app.addHook('onRequest', app.authenticate({ superuser: true })) } })
  const { paths } = documentOf(app)
  for (const [route, [, , guard]] of Object.entries(accountRoutes)) {
    const [method, url] = route.split(' ') as [string, string]
    t.strictSame(paths[url]?.[method]?.security, guard === 'open' ? [] : both, route)
  }
  const bob = { email: 'bob@example.com', password: aPassword('first') }
  for (const credential of [stranger, await login(app, 'bearer'), { headers: { authorization: 'Bearer x' } }]) {
    const { email, password } = { ...bob, email: `${Math.random()}@example.com` }
    t.equal(await outcome(app, credential, 'POST', '/register', { email, password }), '201')
    await office.token('verify-address', email)
    t.equal(await outcome(app, credential, 'POST', '/request-verify-token', { email }), '202')
    t.equal(await outcome(app, credential, 'POST', '/verify', { token: await office.token('verify-address', email) }), '200')
    t.equal(await outcome(app, credential, 'POST', '/forgot-password', { email }), '202')
    t.equal(await outcome(app, credential, 'POST', '/reset-password', { token: await office.token('reset-password', email), password: aPassword('second') }), '200')
    const own = await login(app, 'bearer', { email, password: aPassword('second') })
    t.equal(await outcome(app, own, 'GET', '/users/me'), '200', 'one\'s own account is one\'s own')
    t.equal(await outcome(app, own, 'PATCH', '/users/me', { email: `new-${email}`, currentPassword: aPassword('second') }), '200')
    t.equal(await outcome(app, credential, 'POST', '/change-email', { token: await office.token('confirm-email-change', `new-${email}`) }), '200')
  }
  for (const [method, url] of [['GET', '/users/me'], ['PATCH', '/users/me'], ['DELETE', '/users/me'], ['GET', '/users'], ['POST', '/users'], ['GET', '/users/x']] as const) t.equal(await outcome(app, stranger, method, url), '401 UNAUTHORIZED', `${method} ${url} is still guarded`)
})

t.test('a guard on the whole app leaves the login open, in the document too', async (t) => {
  const app = await appWith(t, {}, { before: swagger(), routes: (app) => { app.addHook('onRequest', app.authenticate()); app.get('/x', async () => 'x') } })
  const { paths } = documentOf(app)
  t.strictSame(paths['/login/cookie']?.post?.security, [])
  t.strictSame(paths['/x']?.get?.security, both)
  t.strictSame(paths['/logout/bearer']?.post?.security, [{ bearer: [] }])
})

t.test('in an app of Zod\'s compilers and transform', async (t) => {
  const app = await appWith(t, {}, {
    before: zod,
    routes: (app) => { app.get('/zod', { preHandler: app.authenticate(), schema: { response: { 200: z.object({ a: z.string() }) } } }, async () => ({ a: 'b' })) }
  })
  const { paths, components } = documentOf(app)
  t.strictSame(Object.keys(components.securitySchemes), ['cookie', 'bearer'])
  t.strictSame(paths['/zod']?.get?.security, both)
  t.match(paths['/zod']?.get?.responses, { 200: { content: { 'application/json': { schema: { properties: { a: { type: 'string' } } } } } } })
  t.match(paths['/login/bearer']?.post?.requestBody, { content: { 'application/json': { schema: { required: ['password'] } } } })
  t.equal((await app.inject('/zod')).statusCode, 401)
})

t.test('sibling registrations each have schemes of their own, and the application\'s stand', async (t) => {
  const app = Fastify()
  t.after(async () => { await app.close() })
  await swagger({ openapi: { info: { title: 'x', version: '1' }, components: { securitySchemes: { cookie: { type: 'http', scheme: 'basic' } } } } })(app)
  for (const prefix of ['/shop', '/admin']) {
    await app.register(async (scope) => {
      await scope.register(fastifyUsers, { ...options({ users: memory(), backends: [cookie(), bearer({ name: prefix.slice(1) })] }), prefix })
      scope.get(`${prefix}/me`, { preHandler: scope.authenticate() }, async ({ user }) => user)
    })
  }
  await app.ready()
  const { paths, components } = documentOf(app)
  t.match(components.securitySchemes, { cookie: { type: 'http', scheme: 'basic' }, cookie_2: { type: 'apiKey' }, shop: { flows: { password: { tokenUrl: '/shop/login/shop' } } }, admin: { type: 'oauth2' } })
  t.strictSame(paths['/admin/me']?.get?.security, [{ cookie_2: [] }, { admin: [] }])
})

t.test('in Swagger 2.0, which is what @fastify/swagger writes unless told otherwise', async (t) => {
  const header = bearer({ name: 'header' })
  const plain = { ...header, transport: { ...header.transport, securityScheme: () => ({ type: 'http', scheme: 'bearer' }) } }
  const app = await appWith(t, { backends: [cookie(), bearer(), plain] }, { before: async (app) => { await app.register(fastifySwagger) } })
  const document = app.swagger() as unknown as Document & { securityDefinitions: object }
  t.strictSame(document.securityDefinitions, {
    cookie: { type: 'apiKey', in: 'header', name: 'Cookie' },
    bearer: { type: 'oauth2', flow: 'password', tokenUrl: '/login/bearer', scopes: {} },
    header: { type: 'apiKey', in: 'header', name: 'Authorization' }
  })
  t.strictSame(document.paths['/me']?.get?.security, [...both, { header: [] }])
})

t.test('without @fastify/swagger, schemas and hooks are left alone', async (t) => {
  let schema: unknown = 'none'
  const app = await appWith(t, {}, {
    routes: (app) => {
      app.addHook('onRoute', (route) => { if (route.url === '/x') schema = route.schema })
      app.get('/x', { preHandler: app.authenticate() }, async () => 'x')
    }
  })
  t.equal(schema, undefined)
  t.equal((await app.inject('/x')).statusCode, 401)
})

t.test('@fastify/swagger after the plugin: the log says what is missing', async (t) => {
  const lines: string[] = []
  await appWith(t, {}, { server: { logger: { level: 'warn', stream: { write: (line: string) => { lines.push(line) } } } }, routes: swagger() })
  t.match(lines.join(''), /register @fastify\/swagger before it/)
})

t.test('queries: clients that are made of the document hand over a number, and what is sent is text', async (t) => {
  const app = await appWith(t, { strategy: opaque(), routes: { ...everyRoute, sessions: true } }, { before: swagger() })
  const { paths } = documentOf(app)
  for (const url of ['/users', '/sessions', '/users/{id}/sessions']) {
    const limit = paths[url]?.get?.parameters?.find(({ name }) => name === 'limit')
    t.match(limit, { in: 'query', schema: { type: 'integer', minimum: 1, maximum: 100, default: 50 } }, url)
  }
  t.equal(await outcome(app, await login(app, 'bearer'), 'GET', '/sessions?limit=1'), '200')
})
