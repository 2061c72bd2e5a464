import fastifySwagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { createJsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import t from 'tap'
import { z } from 'zod'
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, memory, userSchema } from '../../lib/index.js'
import { appWith, options, type Prepare } from '../helpers/app.js'

interface Operation { security?: object[], responses: Record<string, { description: string }>, requestBody?: { content: Record<string, object> }, tags?: string[] }
interface Document { paths: Record<string, Record<string, Operation>>, components: { securitySchemes: Record<string, object> } }

const swagger = (options: object = {}): Prepare => async (app) => { await app.register(fastifySwagger, { openapi: { openapi: '3.1.0', info: { title: 'x', version: '1' } }, ...options }) }
const documentOf = (app: FastifyInstance): Document => app.swagger() as unknown as Document
const both = [{ cookie: [] }, { bearer: [] }]

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
  t.strictSame(Object.keys(get('/me').responses), ['200', '401', '403'])
  t.notOk('security' in get('/open'))
  t.strictSame(Object.keys(get('/open').responses), ['200'])
  t.strictSame(get('/optional').security, [...both, {}])
  t.strictSame(get('/bearer').security, [{ bearer: [] }])
  t.strictSame(Object.keys(get('/bearer').responses), ['200', '401'], 'nothing to forbid')
  t.match(get('/bearer'), { summary: 'Kept', responses: { 200: { content: { 'application/json': { schema: { properties: { email: { type: 'string' } } } } } } } })
  t.strictSame(Object.keys(get('/admin').responses), ['200', '401', '403'])
  t.strictSame(get('/own').security, [{ cookie: [] }], 'what the application says stands')
  t.equal(get('/own').responses['401']?.description, 'Mine.')
  for (const url of ['/scope/', '/scope/inner', '/scope/before']) t.strictSame(get(url).security, both, url)
  t.strictSame(get('/scope/narrow').security, [{ bearer: [] }], 'all guards must let a request pass')

  t.strictSame(post('/login/cookie').security, [])
  t.strictSame(Object.keys(post('/login/cookie').requestBody?.content ?? {}), ['application/json', 'application/x-www-form-urlencoded'])
  t.strictSame(Object.keys(post('/login/cookie').responses), ['200', '400', '403', '503'])
  t.strictSame(Object.keys(post('/login/bearer').responses), ['200', '400', '503'])
  t.match(post('/login/bearer').responses['400']?.description, /LOGIN_USER_NOT_VERIFIED/)
  t.strictSame(post('/logout/cookie').security, [{ cookie: [] }])
  t.strictSame(Object.keys(post('/logout/cookie').responses), ['200', '401', '403', '503'])
  t.strictSame(Object.keys(post('/logout/bearer').responses), ['200', '401', '503'])
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
    before: async (app) => {
      app.setValidatorCompiler(validatorCompiler).setSerializerCompiler(serializerCompiler)
      await swagger({ transform: createJsonSchemaTransform({}) })(app)
    },
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
