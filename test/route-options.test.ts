import fastifySwagger from '@fastify/swagger'
import type { FastifyInstance, FastifyReply, FastifyRequest, InjectOptions, RouteOptions as OfFastify } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import t from 'tap'
import type { RouteName, RouteOptions, User } from '../lib/index.js'
import { withAdditions } from '../lib/route-options.js'
import { aPassword, everyRoute, fields, outcome, postOffice, send, stranger } from './helpers/accounts.js'
import { ann, appWith, login, type Prepare } from './helpers/app.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    rateLimit?: { max: number }
  }
}

/** Every route, with the name under which additions to it are given. */
const routes: ReadonlyArray<readonly [RouteName, string]> = [
  ['login', 'POST /login/cookie'], ['login', 'POST /login/bearer'], ['logout', 'POST /logout/cookie'], ['logout', 'POST /logout/bearer'],
  ['register', 'POST /register'], ['requestVerify', 'POST /request-verify-token'], ['verify', 'POST /verify'],
  ['forgotPassword', 'POST /forgot-password'], ['resetPassword', 'POST /reset-password'], ['changeEmail', 'POST /change-email'],
  ['getMe', 'GET /users/me'], ['updateMe', 'PATCH /users/me'], ['deleteMe', 'DELETE /users/me'],
  ['listUsers', 'GET /users'], ['createUser', 'POST /users'], ['getUser', 'GET /users/:id'], ['updateUser', 'PATCH /users/:id'], ['deleteUser', 'DELETE /users/:id'],
  ['sendResetLink', 'POST /users/:id/forgot-password']
]
const everything = { routes: everyRoute, confirmEmailChange: true, fields }

t.test('each route takes config, and other plugins see it', async (t) => {
  const seen = new Map<string, OfFastify['config']>()
  const names = [...new Set(routes.map(([name]) => name))]
  const routeOptions: RouteOptions = Object.fromEntries(names.map((name, index) => [name, { config: { rateLimit: { max: index } } }]))
  await appWith(t, { ...everything, routeOptions }, {
    // As @fastify/rate-limit does it.
    before: (app) => { app.addHook('onRoute', ({ method, url, config }) => { seen.set(`${String(method)} ${url}`, config) }) }
  })
  for (const [name, route] of routes) t.strictSame(seen.get(route)?.rateLimit, { max: names.indexOf(name) }, `${name}: ${route}`)
})

t.test('config is at hand in a hook, and leaves the door open to log in by', async (t) => {
  const configs: unknown[] = []
  const app = await appWith(t, {
    ...everything,
    routeOptions: { login: { config: { rateLimit: { max: 5 } }, onResponse: async (_request: FastifyRequest, reply: FastifyReply) => { configs.push(reply.routeOptions.config.rateLimit) } } }
  }, { routes: (app) => { app.addHook('onRequest', app.authenticate()) } })
  t.ok(await login(app, 'bearer'))
  t.strictSame(configs, [{ max: 5 }])
})

t.test('hooks of the app run behind the guard', async (t) => {
  const calls: string[] = []
  const note = (name: string) => async (request: FastifyRequest): Promise<void> => { calls.push(`${name} ${request.user?.email}`) }
  const names = ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'preSerialization', 'onSend', 'onResponse'] as const
  const added = Object.fromEntries(names.map((name) => [name, note(name)]))
  const app = await appWith(t, { ...everything, routeOptions: { getMe: { ...added, preHandler: [note('preHandler'), note('second')] }, listUsers: { preValidation: note('list') }, getUser: { preValidation: note('get') } } })
  const asAnn = await login(app, 'bearer')
  const known = ['preValidation', 'preHandler', 'second', 'preSerialization', 'onSend', 'onResponse'].map((name) => `${name} ${ann.email}`)

  t.equal(await outcome(app, asAnn, 'GET', '/users/me'), '200')
  t.strictSame(calls.splice(0), ['onRequest undefined', 'preParsing undefined', ...known])
  t.equal(await outcome(app, stranger, 'GET', '/users/me'), '401 UNAUTHORIZED')
  t.strictSame(calls.splice(0).filter((call) => /Validation|Handler|second/.test(call)), [], 'whom the guard refuses they do not see')
  t.equal(await outcome(app, asAnn, 'GET', '/users'), '403 FORBIDDEN')
  t.strictSame(calls, [], 'nor whom it forbids')

  await app.users.create({ email: 'root@example.com', password: aPassword('root'), isSuperuser: true })
  const asRoot = await login(app, 'bearer', { email: 'root@example.com', password: aPassword('root') })
  t.equal(await outcome(app, asRoot, 'GET', '/users'), '200')
  t.equal(await outcome(app, asRoot, 'GET', '/users/nobody'), '404 USER_NOT_FOUND')
  t.strictSame(calls, ['list root@example.com', 'get root@example.com'])
})

t.test('hooks of the app run behind the check for other sites, and may refuse', async (t) => {
  let calls = 0
  const onRequest = async (): Promise<void> => {
    calls++
    throw Object.assign(new Error('Slow down.'), { statusCode: 429, code: 'TOO_MANY' })
  }
  const app = await appWith(t, { ...everything, routeOptions: { login: { onRequest }, register: { onRequest } } })
  for (const [url, body] of [['/login/cookie', ann], ['/register', { email: 'bob@example.com', password: aPassword('only') }]] as const) {
    const from = (site: string): InjectOptions => ({ headers: { 'sec-fetch-site': site } })
    t.equal(await outcome(app, from('cross-site'), 'POST', url, body), '403 CROSS_SITE_REQUEST')
    t.equal(calls, 0)
    const reply = await send(app, from('same-origin'), 'POST', url, body)
    t.match(reply.json(), { statusCode: 429, code: 'TOO_MANY' })
    t.equal(reply.headers['set-cookie'], undefined)
    t.equal(calls, 1)
    calls = 0
  }
  t.equal(await app.users.getByEmail('bob@example.com'), null)
})

const compilers: Record<string, Prepare> = {
  'Fastify\'s own compilers': () => {},
  'Zod\'s compilers': (app) => { app.setValidatorCompiler(validatorCompiler).setSerializerCompiler(serializerCompiler) }
}

for (const [name, before] of Object.entries(compilers)) {
  t.test(`a member that the app adds to a body, under ${name}`, async (t) => {
    const seen: unknown[] = []
    const registrations: unknown[] = []
    const office = postOffice()
    const preHandler = async (request: FastifyRequest): Promise<void> => {
      const { captcha } = request.body as { captcha: string }
      seen.push(captcha)
      if (captcha !== 'right') throw Object.assign(new Error('Try once more.'), { statusCode: 400, code: 'BAD_CAPTCHA' })
    }
    const captcha = { body: { properties: { captcha: { type: 'string', minLength: 1 }, email: { type: 'number' } }, required: ['captcha'] } }
    const app = await appWith(t, {
      ...everything,
      ...office.options,
      hooks: { onBeforeRegister: (registration) => { registrations.push(registration) } },
      routeOptions: { register: { preHandler, schema: captcha }, forgotPassword: { preHandler, schema: captcha }, updateMe: { schema: { body: { properties: { captcha: {} } } } }, login: { schema: captcha } }
    }, { before })
    const bob = { email: 'bob@example.com', password: aPassword('only') }

    t.match((await send(app, stranger, 'POST', '/register', bob)).json(), { statusCode: 400, code: 'FST_ERR_VALIDATION', message: "body must have required property 'captcha'" })
    t.equal(await outcome(app, stranger, 'POST', '/register', { ...bob, captcha: 7 }), '400 FST_ERR_VALIDATION')
    t.equal(await outcome(app, stranger, 'POST', '/register', { captcha: 'right' }), '400 FST_ERR_VALIDATION', 'what the plugin asks for is still asked for')
    t.strictSame(seen, [])
    t.equal(await outcome(app, stranger, 'POST', '/register', { ...bob, captcha: 'wrong' }), '400 BAD_CAPTCHA')
    t.equal(await app.users.getByEmail(bob.email), null)

    const made = await send(app, stranger, 'POST', '/register', { ...bob, captcha: 'right', nickname: 'Bob' })
    t.equal(made.statusCode, 201, 'a name that is the plugin\'s own keeps the plugin\'s meaning')
    t.notOk('captcha' in made.json<object>())
    t.strictSame(seen.splice(0), ['wrong', 'right'])
    t.strictSame(registrations, [{ email: bob.email, nickname: 'Bob' }])
    t.strictSame(await app.users.getByEmail(bob.email), made.json())

    t.equal(await outcome(app, stranger, 'POST', '/forgot-password', { email: bob.email }), '400 FST_ERR_VALIDATION')
    t.equal(await outcome(app, stranger, 'POST', '/forgot-password', { email: bob.email, captcha: 'right' }), '202')
    t.ok(await office.token('reset-password', bob.email))

    t.equal(await outcome(app, stranger, 'POST', '/login/bearer', bob), '400 FST_ERR_VALIDATION')
    t.equal(await outcome(app, stranger, 'POST', '/login/bearer', { captcha: 'x', password: bob.password }), '400 FST_ERR_VALIDATION', 'one of two names is still needed')
    const { access_token: token } = (await send(app, stranger, 'POST', '/login/bearer', { ...bob, captcha: 'x' })).json<{ access_token: string }>()
    const changed = await send(app, { headers: { authorization: `Bearer ${token}` } }, 'PATCH', '/users/me', { captcha: 'right', nickname: 'Bobby' })
    t.strictSame(changed.json(), { ...made.json<User>(), nickname: 'Bobby', isVerified: false, updatedAt: changed.json<User>().updatedAt })
  })
}

t.test('what the app says of a route is in the document', async (t) => {
  const app = await appWith(t, {
    ...everything,
    routeOptions: {
      login: { schema: { description: 'Ask for a cookie banner first.', response: { 429: { description: 'Slow down.', type: 'object' } } } },
      register: { schema: { summary: 'Sign up', tags: ['people'], operationId: 'signUp', body: { properties: { captcha: { type: 'string' } }, required: ['captcha'] } } },
      sendResetLink: { schema: { body: { properties: { why: { type: 'string' } } } } },
      getMe: { schema: { hide: true } },
      updateMe: { schema: { deprecated: true } }
    }
  }, { before: async (app) => { await app.register(fastifySwagger, { openapi: { openapi: '3.1.0', info: { title: 'x', version: '1' } } }) } })
  const { paths } = app.swagger() as unknown as { paths: Record<string, Record<string, { responses: object, requestBody?: { content: Record<string, { schema: { type: string, required: string[], properties: object } }> } }>> }

  for (const backend of ['cookie', 'bearer']) t.match(paths[`/login/${backend}`]?.post, { operationId: `login_${backend}`, tags: ['auth'], description: 'Ask for a cookie banner first.', responses: { 200: {}, 400: {}, 429: { description: 'Slow down.' } } })
  const signUp = paths['/register']?.post
  t.match(signUp, { summary: 'Sign up', tags: ['people'], operationId: 'signUp', responses: { 201: {}, 400: {}, 403: {}, 503: {} } })
  const body = signUp?.requestBody?.content['application/json']?.schema
  t.strictSame(body?.required, ['email', 'password', 'captcha'])
  t.strictSame(Object.keys(body?.properties ?? {}), ['captcha', 'nickname', 'email', 'password'])
  const { type, required, properties } = paths['/users/{id}/forgot-password']?.post?.requestBody?.content['application/json']?.schema ?? {}
  t.strictSame({ type, required, properties }, { type: 'object', required: [], properties: { why: { type: 'string' } } }, 'a body where there was none')
  t.equal(paths['/users/me']?.get, undefined)
  t.match(paths['/users/me']?.patch, { deprecated: true, operationId: 'update_me' })
})

t.test('nothing added is nothing changed', async (t) => {
  const hook = async (): Promise<void> => {}
  t.strictSame(withAdditions({ preHandler: hook, config: {}, schema: { body: {} } }), { preHandler: hook, config: {}, schema: { body: {}, response: {} } })
  const { preHandler, onSend } = withAdditions({ preHandler: hook }, { preHandler: [hook, hook], onSend: hook } as never) as Partial<Record<'preHandler' | 'onSend', unknown[]>>
  t.strictSame([preHandler?.length, onSend?.length], [3, 1])
  const app: FastifyInstance = await appWith(t, { ...everything, routeOptions: { getMe: { preHandler: undefined, config: undefined, schema: { summary: undefined, body: undefined, response: undefined } }, updateMe: { schema: undefined }, getUser: undefined } })
  t.equal(withAdditions({ schema: { summary: 'Kept' } as object }, { schema: { summary: undefined } }).schema?.summary, 'Kept')
  t.equal(await outcome(app, await login(app, 'bearer'), 'GET', '/users/me'), '200')
})
