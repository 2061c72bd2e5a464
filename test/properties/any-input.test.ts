import fc from 'fast-check'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { memory } from '../../lib/index.js'
import { aPassword, postOffice } from '../helpers/accounts.js'
import { ann, appWith } from '../helpers/app.js'
import { holds } from '../helpers/properties.js'
import { everything, noteRoutes } from '../helpers/route-table.js'
import { byBearer, byCookie, logIn, statusOf } from '../helpers/sessions.js'

/** Whatever is sent to whatever route: no fault of the server, nobody logged in, and the next request is answered. */

const latin1 = fc.array(fc.nat(255), { maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
/** What parsers of headers look at. */
const syntax = fc.array(fc.constantFrom('fastifyusersauth', 'fastifyusersauth_refresh', 'fu-session', 'fu-refresh', 'eyJhbGciOiJub25lIn0', 'Bearer', 'bearer', '=', ';', ',', ' ', '\t', '"', '%', '%25', '%00', '.', '..', '\\', '\r', '\n', '\0', 'é', 'x', '__proto__', 'charset', 'utf-8', 'application/json', 'boundary'), { maxLength: 12 }).map((parts) => parts.join(''))
const text = fc.oneof(latin1, syntax, fc.string({ unit: 'binary', maxLength: 40 }), fc.stringMatching(/^[A-Za-z0-9_.~+/=-]{0,60}$/))

const names = ['email', 'username', 'password', 'token', 'refresh_token', 'currentPassword', 'nickname', 'plan', 'isActive', 'isVerified', 'isSuperuser', 'remember', '__proto__', 'constructor']
const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), text, fc.emailAddress(), fc.constantFrom(ann.email, ann.password, aPassword('root'), '', 0, null))
const members = fc.array(fc.tuple(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: text }), value), { maxLength: 6 })
const json = fc.oneof(
  members.map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`),
  fc.json({ maxDepth: 4 }),
  text,
  fc.nat(3000).map((depth) => '['.repeat(depth) + ']'.repeat(depth))
)
const form = fc.oneof(members.map((members) => members.map(([name, value]) => `${encodeURIComponent(name.toWellFormed())}=${encodeURIComponent(String(value).toWellFormed())}`).join('&')), text)
const body = fc.oneof(json.map((text) => Buffer.from(text)), form.map((text) => Buffer.from(text)), fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)), fc.constant(Buffer.alloc(20_000, '[')))
const contentType = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('application/json', 'application/x-www-form-urlencoded') }, { weight: 1, arbitrary: text }, { weight: 1, arbitrary: text.map((more) => `application/json${more}`) }, { weight: 1, arbitrary: fc.constantFrom('text/plain', 'multipart/form-data; boundary=x', 'application/json; charset=utf-16', 'application/xml') })

const headers = fc.record({
  authorization: fc.oneof(text, text.map((token) => `Bearer ${token}`), fc.string({ unit: 'binary' }).map((token) => `bearer  ${token}`)),
  cookie: fc.oneof(text, text.map((token) => `fastifyusersauth=${token}`), text.map((token) => `a=b; fastifyusersauth_refresh=${token};c`), fc.tuple(text, text).map(([one, other]) => `fastifyusersauth=${one};${other}`)),
  'content-type': contentType,
  'sec-fetch-site': fc.oneof(fc.constantFrom('same-origin', 'none', 'cross-site', ''), text),
  origin: text,
  referer: text,
  host: text,
  'x-requested-with': text,
  'content-encoding': fc.constantFrom('gzip', 'identity', ''),
  'x-forwarded-for': text,
  'user-agent': text
}, { requiredKeys: [] })

interface Attack {
  readonly route: string
  readonly params: readonly string[]
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
}

interface Scene {
  readonly app: FastifyInstance
  readonly attack: fc.Arbitrary<Attack>
  readonly isServing: () => Promise<boolean>
}

async function setScene (t: Test, strategy: string): Promise<Scene> {
  let table: ReadonlySet<string> = new Set()
  const app = await appWith(t, { ...everything(strategy), users: memory(), ...postOffice().options }, { before: (app) => { table = noteRoutes(app) } })
  const { id } = await app.users.create({ email: 'victim@example.com', password: aPassword('victim') })
  const keeper = { email: 'keeper@example.com', password: aPassword('keeper') }
  await app.users.create({ ...keeper, isVerified: true })
  const [{ access: token }, { access: inCookie }] = [await logIn(app, byBearer, keeper), await logIn(app, byCookie, keeper)]

  return {
    app,
    attack: fc.record({
      route: fc.constantFrom(...table),
      params: fc.array(fc.oneof(text, fc.constantFrom(id, 'me')), { minLength: 2, maxLength: 2 }),
      query: fc.oneof(fc.constant(''), text, fc.tuple(fc.constantFrom('limit', 'cursor', 'email', 'access_token'), text).map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`)),
      headers,
      body: fc.option(body, { nil: undefined, freq: 8 })
    }),
    isServing: async () => await statusOf(app, byBearer, token) === 200 && await statusOf(app, byCookie, inCookie) === 200
  }
}

async function launch (app: FastifyInstance, { route, params, query, headers, body }: Attack, credential: InjectOptions = {}): Promise<LightMyRequestResponse> {
  const [method, path] = route.split(' ') as [NonNullable<InjectOptions['method']>, string]
  const [one, other] = params.map((param) => encodeURIComponent(param.toWellFormed()))
  const url = path.replace(':id', `${one}`).replace(':session', `${other}`)
  return await app.inject({ ...credential, method, url: query === '' ? url : `${url}?${query}`, headers: { ...headers, ...credential.headers }, ...(body === undefined ? {} : { payload: body }) })
}

/** What is wrong with a reply to a stranger. */
function faultOf (reply: LightMyRequestResponse, { route }: Attack): string | null {
  if (reply.statusCode >= 500) return `status ${reply.statusCode}`
  if (reply.headers['set-cookie'] !== undefined) return 'a cookie'
  if (/"(?:access|refresh)_token":/.test(reply.body)) return 'a token'
  if (reply.statusCode < 300 && !open.has(route)) return `${route} let a stranger in`
  return /node_modules|\bat .*:\d+:\d+/.test(reply.body) ? 'a stack' : null
}

/** The routes that answer strangers by 2xx; a login, a refresh or a mailed token is not to be guessed. */
const open = new Set(['POST /register', 'POST /forgot-password', 'POST /request-verify-token'])

for (const strategy of ['jwt', 'jwt with sessions', 'opaque']) {
  t.test(strategy, async (t) => {
    const { app, attack, isServing } = await setScene(t, strategy)

    holds(t, `any request of a stranger, ${strategy}`, 600, fc.asyncProperty(attack, async (attack) => {
      const fault = faultOf(await launch(app, attack), attack)
      if (fault !== null) throw new Error(fault)
      return await isServing()
    }))

    const root = { email: 'root@example.com', password: aPassword('root') }
    await app.users.create({ email: 'deputy@example.com', isSuperuser: true })
    holds(t, `any request of a superuser, ${strategy}`, 300, fc.asyncProperty(attack, fc.constantFrom(byBearer, byCookie), async (attack, way) => {
      if (await app.users.getByEmail(root.email) === null) await app.users.create({ ...root, isSuperuser: true, isVerified: true })
      const { id } = await app.users.getByEmail(root.email) as { id: string }
      await app.users.update(id, { isSuperuser: true, isActive: true, isVerified: true, password: root.password })
      const { access } = await logIn(app, way, root)
      const { authorization, cookie, 'sec-fetch-site': site, ...headers } = attack.headers
      const reply = await launch(app, { ...attack, headers }, way.withAccess(access))
      if (reply.statusCode >= 500) throw new Error(`status ${reply.statusCode}`)
      return await isServing()
    }))
  })
}

t.test('over a socket', async (t) => {
  const { app, isServing } = await setScene(t, 'opaque')
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const line = fc.tuple(fc.constantFrom('Authorization', 'Cookie', 'Content-Type', 'Host', 'Origin', 'Content-Length', 'Transfer-Encoding', 'X'), text).map(([name, value]) => `${name}: ${value}`)
  const head = fc.tuple(fc.constantFrom('GET /users/me', 'POST /login/cookie', 'POST /refresh/cookie', 'DELETE /sessions', 'HEAD /users'), fc.array(line, { maxLength: 6 })).map(([start, lines]) => [`${start} HTTP/1.1`, 'Host: localhost', ...lines, '', ''].join('\r\n'))

  holds(t, 'any bytes over a socket', 300, fc.asyncProperty(fc.oneof(fc.tuple(head, body).map(([head, body]) => Buffer.concat([Buffer.from(head, 'latin1'), body])), fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))), async (bytes) => {
    const socket = connect({ host: '127.0.0.1', port })
    let reply = ''
    socket.setEncoding('latin1').on('data', (more) => { reply += String(more) })
    // A reset is an answer, too.
    socket.on('error', () => {})
    socket.end(bytes)
    if (!socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(10_000) })
    if (/^HTTP\/1\.1 (?:2|5)\d\d/m.test(reply) || /^set-cookie/im.test(reply)) throw new Error(reply)
    return await isServing()
  }))
})
