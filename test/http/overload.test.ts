import type { FastifyInstance, FastifyReply, FastifyRequest, InjectOptions, LightMyRequestResponse } from 'fastify'
import { connect, type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { errors, memory, type FastifyUsersOptions, type PasswordHasher, type PasswordOptions, type UserStore } from '../../lib/index.js'
import { appWith, login, type Prepare } from '../helpers/app.js'
import { captureLog, until, type LogLine } from '../helpers/smtp.js'

/** A hasher whose work is done when the test says so. The password of the nth user is `password ${n}`. */
function gated (): { hasher: PasswordHasher, begun: number[], most (): number, open (): void, close (): void } {
  const begun: number[] = []
  let running = 0
  let most = 0
  let waiting: Array<() => void> | null = null

  return {
    hasher: {
      hash: async (password) => `$made of ${password}`,
      async verify (hash, password) {
        begun.push(Number(password.split(' ')[1]))
        most = Math.max(most, ++running)
        await new Promise<void>((resolve) => { if (waiting === null) resolve(); else waiting.push(resolve) })
        running--
        return hash === `$made of ${password}`
      },
      needsRehash: () => false
    },
    begun,
    most: () => most,
    open () {
      for (const resolve of waiting ?? []) resolve()
      waiting = null
    },
    close () { waiting = [] }
  }
}

const user = (n: number): { email: string, password: string } => ({ email: `user-${n}@example.com`, password: `password ${n}` })

interface Scene extends ReturnType<typeof gated> {
  readonly app: FastifyInstance
  readonly users: UserStore
  /** The addresses that the store was asked for. */
  readonly sought: string[]
  /** The first user's. */
  readonly credential: InjectOptions
  readonly lines: readonly LogLine[]
  logIn (n: number, remoteAddress?: string): Promise<LightMyRequestResponse>
  /** By a connection of its own, that may hang up. */
  logInOver (n: number): Socket
}

/** An app that listens, with so many users, whose logins do not come to an end yet. */
async function scene (t: Test, passwords: PasswordOptions, { count = 4, ...given }: { count?: number } & Pick<Partial<FastifyUsersOptions>, 'routes' | 'routeOptions'> = {}, routes: Prepare = () => {}): Promise<Scene> {
  const gate = gated()
  const plain = memory()
  const sought: string[] = []
  const users: UserStore = { ...plain, findByEmail: async (key) => { sought.push(key); return await plain.findByEmail(key) } }
  const { log, lines } = captureLog()
  const app = await appWith(t, { users, passwords: { hasher: gate.hasher, queuePerClient: 1000, ...passwords }, ...given }, { seed: false, server: { loggerInstance: log }, routes })
  t.teardown(gate.open)
  await app.listen({ host: '127.0.0.1', port: 0 })
  for (let n = 0; n < count; n++) await app.users.create(user(n))
  const credential = await login(app, 'bearer', user(0))
  gate.close()
  gate.begun.length = 0

  const logIn: Scene['logIn'] = async (n, remoteAddress = '127.0.0.1') => await app.inject({ method: 'POST', url: '/login/bearer', payload: user(n), remoteAddress })
  function logInOver (n: number): Socket {
    const body = JSON.stringify(user(n))
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    t.teardown(() => { socket.destroy() })
    socket.write(`POST /login/bearer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    return socket
  }
  return { app, users, sought, credential, logIn, logInOver, lines, ...gate }
}

t.test('500 logins at once: what does not fit is told so at once, the app stays awake, and the others get in, first come first served', async (t) => {
  const { app, credential, logIn, begun, most, open } = await scene(t, { concurrency: 2, queueLimit: 50, queueTimeoutMs: 600_000 }, { count: 100 })
  const answered: number[] = []
  const logins = Array.from({ length: 500 }, async (_, n) => {
    const reply = await logIn(n % 100)
    answered.push(n)
    return reply
  })
  await until(() => answered.length >= 448)
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
  t.strictSame(answered, Array.from({ length: 448 }, (_, index) => index + 52), 'two run, fifty wait')
  t.strictSame(begun, [0, 1])

  open()
  const replies = await Promise.all(logins)
  t.ok(replies.slice(0, 52).every(({ statusCode }) => statusCode === 200), 'all that were let in are answered')
  const told = replies.slice(52).map(({ statusCode, headers }) => `${statusCode} ${String(headers['cache-control'])} ${String(headers['retry-after'])}`)
  t.strictSame(told.filter((line) => !/^503 no-store [1-9]\d?$/.test(line)), [], 'the others are told when to come again')
  t.match(replies.at(-1)?.json(), { statusCode: 503, code: 'FST_USERS_BUSY', error: 'Service Unavailable' })
  t.strictSame(begun, Array.from({ length: 52 }, (_, index) => index))
  t.equal(most(), 2, 'never more at once, and so never more memory')
  t.equal((await logIn(0)).statusCode, 200, 'and then there is room again')
})

t.test('a client with accounts of its own has its share of the queue, and the others get in', async (t) => {
  for (const [attacker, others] of [
    [() => '192.0.2.1', ['192.0.2.2', '198.51.100.1', '2001:db8::1']],
    // Of one network, from another address each time.
    [(n: number) => `2001:db8:0:1::${n.toString(16)}`, ['2001:db8:0:2::1', '2001:db8::1', '192.0.2.1']]
  ] satisfies Array<[(n: number) => string, string[]]>) {
    const { logIn, open } = await scene(t, { concurrency: 1, queueLimit: 16, queuePerClient: undefined }, { count: 20 })
    const flood = Array.from({ length: 17 }, (_, n) => logIn(n, attacker(n)))
    const told = await Promise.all(flood.slice(4))
    for (const reply of told) t.match(reply.json(), { statusCode: 503, code: 'FST_USERS_BUSY' }, 'a quarter of the places, and no more')
    t.match(told[0]?.headers, { 'retry-after': /^[1-9]\d?$/, 'cache-control': 'no-store' })
    const logins = others.map((address, index) => logIn(17 + index, address))
    open()
    t.strictSame((await Promise.all([...logins, ...flood.slice(0, 4)])).map(({ statusCode }) => statusCode), new Array(7).fill(200))
    t.equal((await logIn(0, attacker(0))).statusCode, 200, 'and then there is room again')
  }
})

t.test('each route that hashes counts to the share of its client, and a call of the app to nobody\'s', async (t) => {
  const routes = (app: FastifyInstance): void => { app.post<{ Body: ReturnType<typeof user> }>('/own', async (request) => ({ user: await app.users.authenticate(request.body.email, request.body.password, request) })) }
  const { app, credential, logIn, open } = await scene(t, { concurrency: 1, queuePerClient: 1 }, { routes: { register: true, me: true, deleteMe: true } }, routes)
  const remoteAddress = '192.0.2.1'
  const currentPassword = user(0).password
  const first = logIn(1, remoteAddress)
  for (const request of [
    { method: 'POST', url: '/login/bearer', payload: user(2) },
    { method: 'POST', url: '/own', payload: user(2) },
    { method: 'POST', url: '/register', payload: { email: 'new@example.com', password: 'correct horse battery staple' } },
    { ...credential, method: 'POST', url: '/confirm', payload: { password: currentPassword } },
    { ...credential, method: 'PATCH', url: '/users/me', payload: { email: 'other@example.com', currentPassword } },
    { ...credential, method: 'DELETE', url: '/users/me', payload: { currentPassword } }
  ] satisfies InjectOptions[]) t.match((await app.inject({ ...request, remoteAddress })).json(), { code: 'FST_USERS_BUSY' }, request.url)
  const calls = [app.users.authenticate(user(3).email, user(3).password), app.users.create({ email: 'script@example.com', password: 'correct horse battery staple' })]
  open()
  for (const called of await Promise.all(calls)) t.ok(called)
  t.equal((await first).statusCode, 200)
})

t.test('a login that has waited too long is told so, and is not hashed', async (t) => {
  const { logIn, begun, open } = await scene(t, { concurrency: 1, queueTimeoutMs: 1 })
  const first = logIn(0)
  const second = await logIn(1)
  t.match(second.json(), { statusCode: 503, code: 'FST_USERS_BUSY' })
  t.match(second.headers, { 'retry-after': /^[1-9]\d?$/, 'cache-control': 'no-store' })
  open()
  t.equal((await first).statusCode, 200)
  t.strictSame(begun, [0])
})

t.test('a client that hangs up leaves the line, and its place is free', async (t) => {
  const { app, logIn, logInOver, begun, open, lines, sought } = await scene(t, { concurrency: 1, queueLimit: 1 })
  const first = logIn(0)
  const closed = new Promise((resolve) => { app.server.once('connection', (socket) => { socket.once('close', resolve) }) })
  const gone = logInOver(1)
  await until(() => sought.includes(user(1).email))
  await pause()
  t.equal((await logIn(2)).statusCode, 503, 'it stands in line')
  gone.destroy()
  await closed
  const third = logIn(3)
  open()
  t.strictSame([(await first).statusCode, (await third).statusCode], [200, 200])
  t.strictSame(begun, [0, 3])
  t.strictSame(codesOf(lines, 50), ['FST_USERS_BUSY'])
  t.strictSame(codesOf(lines, 30), ['FST_USERS_CLIENT_GONE'], 'no fault of ours')
})

t.test('a client that has hung up before it is in line is not hashed for', async (t) => {
  let reached = false
  const preHandler = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (request.headers['user-agent'] !== undefined) return
    reached = true
    await new Promise((resolve) => { reply.raw.once('close', resolve) })
  }
  const { logInOver, begun, open, lines } = await scene(t, {}, { routeOptions: { login: { preHandler } } })
  const gone = logInOver(1)
  await until(() => reached)
  gone.destroy()
  await until(() => codesOf(lines, 30).length > 0)
  t.strictSame(codesOf(lines, 30), ['FST_USERS_CLIENT_GONE'])
  open()
  t.strictSame(begun, [])
})

t.test('in a flood a hash that should be made anew waits for a quieter moment', async (t) => {
  const { users, logIn, hasher, open } = await scene(t, {})
  open()
  const before = await users.findByEmail(user(0).email)
  const { hash } = hasher
  // What the queue would say: it may be full a moment after it let the same login in.
  Object.assign(hasher, { needsRehash: () => true, hash: async () => { throw new errors.HashQueueFullError() } })
  t.equal((await logIn(0)).statusCode, 200, 'the password was right')
  t.strictSame(await users.findByEmail(user(0).email), before)
  Object.assign(hasher, { hash: async () => { throw new Error('out of memory') } })
  t.match((await logIn(0)).json(), { statusCode: 503, code: 'FST_USERS_UNAVAILABLE' }, 'but a fault is no flood')
  Object.assign(hasher, { hash })
  t.equal((await logIn(0)).statusCode, 200)
  t.equal((await users.findByEmail(user(0).email))?.version, 2)
})

/** The codes of what was logged at a level. */
function codesOf (lines: readonly LogLine[], level: number): unknown[] {
  return lines.flatMap((line) => line.level === level && line.err !== undefined ? [(line.err as { code: string }).code] : [])
}

async function pause (): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
