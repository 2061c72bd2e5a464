import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { WebSocket, type WebSocketServer } from 'ws'
import { cheapHashes } from '../../lib/testing/index.js'
import { loadTutorial } from '../helpers/tutorial.js'
import { createUser, loginAs, password } from '../helpers/tutorial-users.js'
import { noShell, tryTutorial } from '../helpers/try-tutorial.js'

t.test('several-backends', async (t) => {
  const app = await open(t, 'several-backends')
  const ann = await createUser(app, { isVerified: true })
  const root = await createUser(app, { isVerified: true, isSuperuser: true })
  const opens = async (headers: Record<string, string>) => Object.fromEntries(await Promise.all([['GET', '/account'], ['GET', '/admin'], ['POST', '/admin/maintenance'], ['POST', '/api/notes'], ['GET', '/me']]
    .map(async ([method = '', url = '']) => [`${method} ${url}`, (await app.inject({ method: method as 'GET', url, headers })).statusCode])))

  const site = await loginAs(app, root, 'site')
  t.strictSame(await opens(site), { 'GET /account': 200, 'GET /admin': 401, 'POST /admin/maintenance': 401, 'POST /api/notes': 401, 'GET /me': 200 })
  const admin = await loginAs(app, root, 'admin')
  t.strictSame(await opens(admin), { 'GET /account': 401, 'GET /admin': 200, 'POST /admin/maintenance': 200, 'POST /api/notes': 401, 'GET /me': 200 })
  t.strictSame(await opens(await loginAs(app, root, 'api')), { 'GET /account': 401, 'GET /admin': 401, 'POST /admin/maintenance': 401, 'POST /api/notes': 201, 'GET /me': 200 })
  t.strictSame(await opens(await loginAs(app, ann, 'admin')), { 'GET /account': 401, 'GET /admin': 403, 'POST /admin/maintenance': 403, 'POST /api/notes': 401, 'GET /me': 200 })

  t.equal((await app.inject({ method: 'POST', url: '/admin/maintenance', headers: { ...admin, 'sec-fetch-site': 'cross-site' } })).json<{ code: string }>().code, 'CROSS_SITE_REQUEST')
  t.strictSame((await app.inject({ url: '/me', headers: { cookie: `${admin.cookie}; ${site.cookie}` } })).json(), { email: root.email, by: 'site' })
  await t.rejects(loginAs(app, await createUser(app), 'admin'), /LOGIN_BAD_CREDENTIALS|NOT_VERIFIED/, 'the address is to be verified')

  t.equal((await app.inject({ method: 'POST', url: '/logout/admin', headers: admin })).statusCode, 200)
  t.strictSame([(await app.inject({ url: '/admin', headers: admin })).statusCode, (await app.inject({ url: '/account', headers: site })).statusCode], [401, 200])

  await t.test('its lines', { skip: noShell }, async (t) => {
    const printed = await tryTutorial(t, 'several-backends')
    t.match(printed, /^set-cookie: site=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax\r$/m)
    t.match(printed, /^set-cookie: admin=[\w.-]+; Max-Age=900; Path=\/; HttpOnly; SameSite=Strict\r$/m)
  })
})

t.test('single-page-app', async (t) => {
  const page = 'https://app.example.com'
  const app = await open(t, 'single-page-app', { pages: [page] })
  const ann = await createUser(app)
  const { cookie = '' } = await loginAs(app, ann)
  const preflight = (origin: string) => app.inject({ method: 'OPTIONS', url: '/notes', headers: { origin, 'access-control-request-method': 'POST' } })
  const note = (headers: Record<string, string>) => app.inject({ method: 'POST', url: '/notes', headers: { cookie, ...headers } })

  const { headers, statusCode } = await preflight(page)
  t.equal(statusCode, 204)
  t.match(headers, { 'access-control-allow-origin': page, 'access-control-allow-credentials': 'true', 'access-control-allow-methods': 'GET, POST, PATCH, DELETE' })
  t.equal((await preflight('https://evil.example')).headers['access-control-allow-origin'], undefined)

  t.equal((await note({ origin: page, 'sec-fetch-site': 'same-site' })).statusCode, 201)
  for (const origin of ['https://evil.example', 'https://app.example.com.evil.example', 'http://app.example.com', 'null']) {
    const reply = await note({ origin, 'sec-fetch-site': 'cross-site' })
    t.equal(reply.json<{ code: string }>().code, 'CROSS_SITE_REQUEST', origin)
    t.equal(reply.headers['access-control-allow-origin'], undefined)
  }

  const far = await open(t, 'single-page-app', { pages: [page], crossSite: true })
  await createUser(far, { email: 'ann@example.com' })
  const login = await far.inject({ method: 'POST', url: '/login/cookie', headers: { origin: page, 'sec-fetch-site': 'cross-site' }, payload: { email: 'ann@example.com', password } })
  t.match(login.headers['set-cookie'], /; Path=\/; HttpOnly; Secure; SameSite=None; Partitioned$|; Path=\/; HttpOnly; Secure; Partitioned; SameSite=None$/)

  await t.test('its lines', { skip: noShell }, (t) => tryTutorial(t, 'single-page-app'))
})

t.test('behind-a-proxy', async (t) => {
  const { buildProxy } = await loadTutorial('behind-a-proxy') as unknown as { buildProxy (app: { port: number }): import('node:http').Server }
  const app = await open(t, 'behind-a-proxy')
  await app.listen({ host: '127.0.0.1', port: 0 })
  const proxy = buildProxy({ port: (app.server.address() as AddressInfo).port }).listen(0, '127.0.0.1')
  t.after(() => { proxy.close() })
  await once(proxy, 'listening')
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const { email } = await createUser(app)
  const call = (path: string, password: string) => fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.9' }, body: JSON.stringify({ email, password }) })

  t.strictSame(await (await fetch(`${url}/shop/whoami`, { headers: { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'http' } })).json(), { ip: '127.0.0.1', protocol: 'https', host: url.slice('http://'.length) })
  t.equal((await fetch(`${url}/whoami`)).status, 404)

  const login = await call('/shop/login/cookie', password)
  const cookies = login.headers.getSetCookie()
  t.match(cookies[0], /^fastifyusersauth=[\w.-]+; Max-Age=900; Path=\/shop; HttpOnly; Secure; SameSite=Lax$/)
  t.match(cookies[1], /^fastifyusersauth_refresh=[\w.-]+; Max-Age=\d+; Path=\/shop\/refresh\/cookie; HttpOnly; Secure; SameSite=Lax$/)
  const refreshed = await fetch(`${url}/shop/refresh/cookie`, { method: 'POST', headers: { cookie: cookies[1]?.replace(/;.*/, '') ?? '', 'x-requested-with': 'test' } })
  t.equal(refreshed.status, 200)

  const statuses = []
  for (let count = 0; count < 4; count++) statuses.push((await call('/shop/login/cookie', 'wrong horse')).status)
  t.strictSame(statuses, [400, 400, 400, 429], 'all of them come from one client, whatever it says')
  const guess = (remoteAddress: string, forwarded: string) => app.inject({ method: 'POST', url: '/login/cookie', remoteAddress, headers: { 'x-forwarded-for': forwarded }, payload: { email: 'nobody@example.com', password: 'wrong horse' } })
  t.equal((await guess('127.0.0.1', '203.0.113.9')).statusCode, 400, 'whom the proxy names is another client')
  const outside = []
  for (let count = 0; count < 4; count++) outside.push((await guess('198.51.100.7', `203.0.113.${count}`)).statusCode)
  t.strictSame(outside, [400, 400, 400, 429], 'who is no proxy names nobody')

  await t.test('an app that ends in the midst of a reply', async (t) => {
    const rude = createServer((socket) => {
      socket.once('data', () => { socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf') })
      socket.on('error', () => {})
    })
    rude.on('connection', (socket) => { rude.once('end it', () => { socket.resetAndDestroy() }) })
    await once(rude.listen(0, '127.0.0.1'), 'listening')
    t.after(() => { rude.close() })
    const proxy = buildProxy({ port: (rude.address() as AddressInfo).port }).listen(0, '127.0.0.1')
    t.after(() => { proxy.close() })
    await once(proxy, 'listening')

    const reply = await fetch(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/shop/`)
    t.equal(reply.status, 200)
    rude.emit('end it')
    await t.rejects(reply.text(), 'the client is told that there is more')
  })

  await t.test('its lines', { skip: noShell }, async (t) => {
    t.match(await tryTutorial(t, 'behind-a-proxy'), /"ip":"127\.0\.0\.1","protocol":"https"/)
  })
})

t.test('websocket', async (t) => {
  const app = await open(t, 'websocket')
  await app.listen({ host: '127.0.0.1', port: 0 })
  const host = `127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const ann = await createUser(app, { email: 'ann@example.com' })

  /** Opens a socket, or tells the status of the refusal. */
  async function connect (headers: Record<string, string>): Promise<WebSocket | number> {
    const socket = new WebSocket(`ws://${host}/echo`, { headers })
    t.after(() => { socket.terminate() })
    return await new Promise((resolve, reject) => {
      socket.once('open', () => { resolve(socket) })
      socket.once('unexpected-response', (_request, { statusCode = 0 }) => { resolve(statusCode) })
      socket.once('error', reject)
    })
  }

  async function opened (headers: Record<string, string>): Promise<WebSocket> {
    const socket = await connect(headers)
    if (typeof socket === 'number') throw new Error(`refused by ${socket}`)
    return socket
  }

  async function echo (socket: WebSocket, text: string): Promise<string> {
    const answer = once(socket, 'message')
    socket.send(text)
    return String((await answer)[0])
  }

  const { cookie = '' } = await loginAs(app, ann)
  const { authorization = '' } = await loginAs(app, ann, 'bearer')

  t.equal(await connect({}), 401)
  t.equal(await connect({ cookie: 'fastifyusersauth=forged' }), 401)
  t.equal(await connect({ cookie, origin: 'https://evil.example' }), 403)
  t.equal(await connect({ cookie, origin: 'null' }), 403)
  t.equal(await connect({ cookie, origin: `http://localhost:${host.split(':')[1] ?? ''}` }), 403, 'another name of this machine is another origin')

  const page = await opened({ cookie, origin: `http://${host}` })
  t.equal(await echo(page, 'hello'), 'ann@example.com: hello')
  const program = await opened({ authorization })
  const other = await opened({ authorization: (await loginAs(app, await createUser(app), 'bearer')).authorization ?? '' })
  t.equal(await echo(await opened({ authorization, origin: 'https://evil.example' }), 'hello'), 'ann@example.com: hello', 'no page can send a bearer token')

  // The sockets of one session, and none else.
  let closed = once(page, 'close')
  await app.inject({ method: 'POST', url: '/logout/cookie', headers: { cookie, 'x-requested-with': 'test' } })
  t.match((await closed).map(String), ['4401', 'logged out'])
  t.equal(await echo(program, 'still here'), 'ann@example.com: still here')

  closed = once(program, 'close')
  await app.users.update(ann.id, { isActive: false })
  t.equal((await closed)[0], 4401)
  t.equal(await connect({ authorization }), 401)
  t.match(await echo(other, 'somebody else'), ': somebody else')

  await t.test('who does not play along', async (t) => {
    const { websocketServer: { clients } } = app as typeof app & { readonly websocketServer: WebSocketServer }
    const ofServer = (known: ReadonlySet<unknown>): WebSocket => [...clients].find((socket) => !known.has(socket)) as WebSocket
    const logOut = async (authorization: string): Promise<unknown> => await app.inject({ method: 'POST', url: '/logout/bearer', headers: { authorization } })
    const bob = await createUser(app)

    let before = new Set(clients)
    const { authorization = '' } = await loginAs(app, bob, 'bearer')
    const silent = await opened({ authorization })
    const heard = ofServer(before)
    t.equal(heard.listenerCount('message'), 1)
    silent.pause()
    await logOut(authorization)
    for (let turn = 0; turn < 1000 && heard.readyState === heard.OPEN; turn++) await new Promise((resolve) => setImmediate(resolve))
    t.equal(heard.readyState, heard.CLOSING, 'the client does not close its end')
    t.equal(heard.listenerCount('message'), 0, 'and is listened to no more')

    before = new Set(clients)
    const greedy = await opened({ authorization: (await loginAs(app, bob, 'bearer')).authorization ?? '' })
    const ended = once(ofServer(before), 'close')
    greedy.on('error', () => {})
    greedy.pause()
    const message = 'x'.repeat(60_000)
    for (let count = 0; count < 500; count++) greedy.send(message)
    t.equal((await ended)[0], 1006, 'answers that nobody reads end the socket')
  })

  await t.test('what nobody tells is seen a little later', async (t) => {
    let now = Date.now()
    const app = await open(t, 'websocket', { lookEverySeconds: 0.05, clock: () => now })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { authorization = '' } = await loginAs(app, await createUser(app), 'bearer')
    const socket = new WebSocket(`ws://127.0.0.1:${(app.server.address() as AddressInfo).port}/echo`, { headers: { authorization } })
    await once(socket, 'open')
    const closed = once(socket, 'close')
    now += 86_400_000
    t.equal((await closed)[0], 4401)
  })

  await t.test('its lines', { skip: noShell }, (t) => tryTutorial(t, 'websocket'))
})

for (const name of ['typebox', 'zod']) {
  t.test(name, async (t) => {
    const app = await open(t, name)
    const zoe = { email: 'zoe@example.com', password, nickname: 'Zoë' }
    const register = (user: object) => app.inject({ method: 'POST', url: '/register', payload: user })
    for (const nickname of [undefined, '', 'x'.repeat(41), 7, null]) t.equal((await register({ ...zoe, nickname })).statusCode, 400)
    t.match((await register({ ...zoe, plan: 'pro' })).json(), { nickname: 'Zoë', plan: 'free' }, 'users do not choose their plan')

    const headers = await loginAs(app, zoe, 'bearer')
    const note = (payload: object) => app.inject({ method: 'POST', url: '/notes', headers, payload })
    t.strictSame((await note({ title: 'Milk', stars: 4 })).json(), { title: 'Milk', stars: 4, author: 'Zoë' })
    t.strictSame((await note({ title: 'Milk' })).json(), { title: 'Milk', author: 'Zoë' })
    for (const payload of [{}, { title: '' }, { title: 'Milk', stars: 9 }, { title: 'Milk', stars: 1.5 }]) t.equal((await note(payload)).statusCode, 400)
    t.equal((await app.inject({ method: 'POST', url: '/notes', payload: { title: 'Milk' } })).statusCode, 401)

    const exported = (query = '') => app.inject({ url: `/export${query}`, headers })
    t.equal((await exported()).statusCode, 402)
    const { id } = (await app.inject({ url: '/whoami', headers })).json<{ id: string }>()
    await app.users.update(id, { plan: 'pro' } as object)
    t.strictSame((await exported()).json(), { format: 'json', notes: [] })
    t.strictSame((await exported('?format=csv')).json(), { format: 'csv', notes: [] })
    t.equal((await exported('?format=exe')).statusCode, 400)
    t.match((await app.inject({ url: '/whoami', headers })).json(), { id, email: 'zoe@example.com', nickname: 'Zoë', plan: 'pro' })

    await t.test('its lines', { skip: noShell }, async (t) => {
      t.match(await tryTutorial(t, name), '"plan":"free"')
    })
  })
}

t.test('fastify-auth', async (t) => {
  const apiKey = 'a key for tests'
  let hour = 12
  const app = await open(t, 'fastify-auth', { apiKey, now: () => new Date(Date.UTC(2027, 0, 4, hour)) })
  const user = await loginAs(app, await createUser(app, { email: 'ann@example.com' }))
  const key = { 'x-api-key': apiKey }
  const status = async (method: 'GET' | 'POST', url: string, headers = {}) => (await app.inject({ method, url, headers })).statusCode

  t.strictSame((await app.inject({ url: '/report', headers: user })).json(), { for: 'ann@example.com' })
  t.strictSame((await app.inject({ url: '/report', headers: key })).json(), { for: 'a program' })
  t.match((await app.inject({ url: '/report', headers: { 'x-api-key': 'another key' } })).headers['www-authenticate'], 'Cookie')

  const all = async () => [await status('POST', '/orders', user), await status('POST', '/returns', user), await status('GET', '/stock', user), await status('GET', '/stock', key)]
  t.strictSame(await all(), [201, 200, 200, 200])
  hour = 3
  t.strictSame(await all(), [403, 403, 401, 200])
  t.strictSame([await status('POST', '/orders', key), await status('POST', '/returns', key), await status('GET', '/stock')], [401, 401, 401])
  t.equal(await status('GET', '/report', { ...key, 'x-api-key': [apiKey, apiKey] }), 401, 'two keys are none')

  await t.test('its lines', { skip: noShell }, (t) => tryTutorial(t, 'fastify-auth'))
})

async function open (t: Test, name: string, settings: object = {}): Promise<FastifyInstance> {
  const { buildApp } = await loadTutorial(name)
  const app = await buildApp({ passwords: cheapHashes, ...settings })
  t.after(() => app.close())
  return app
}
