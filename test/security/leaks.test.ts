import { randomBytes } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import t from 'tap'
import { jwt, memory, type User, type UserStore } from '../../lib/index.js'
import { credentialOf, everyRoute, fields, postOffice, send, stranger } from '../helpers/accounts.js'
import { appWith, login, sameOrigin } from '../helpers/app.js'

t.test('no secret reaches a log line or a reply', async (t) => {
  const lines: string[] = []
  const bodies: string[] = []
  const secret = randomBytes(32).toString('base64url')
  const store = memory()
  let broken = false
  const flaky: UserStore = { ...store, findById: (id) => { if (broken) throw new Error('select * from users'); return store.findById(id) } }
  const app = await appWith(t, { users: flaky, strategy: jwt({ secret }) }, { server: { logger: { level: 'trace', stream: { write: (line: string) => { lines.push(line) } } } }, seed: false })

  const password = `canary ${randomBytes(12).toString('hex')}`
  const wrong = `wrong ${randomBytes(12).toString('hex')}`
  const who = { email: `${randomBytes(8).toString('hex')}@example.com`, password }
  const user = await app.users.create(who)
  const hash = (await store.findById(user.id))?.passwordHash as string
  const send = async (request: InjectOptions) => { bodies.push((await app.inject(request)).body) }

  const byBearer = await login(app, 'bearer', who)
  const byCookie = await login(app, 'cookie', who)
  const tokens = [String(byBearer.headers?.authorization).slice(7), (byCookie.cookies as Record<string, string>).fastifyusersauth as string]

  for (const body of [{ ...who, password: wrong }, { ...who, password: [wrong] }, { email: [who.email], password }, { email: `${who.email}\r\nSet-Cookie: x=y`, password: wrong }]) await send({ method: 'POST', url: '/login/cookie', payload: body })
  await send({ method: 'POST', url: '/login/cookie', payload: `{"password":"${wrong}"`, headers: { 'content-type': 'application/json' } })
  await send({ method: 'POST', url: '/login/cookie', payload: `password=${wrong}&password=${wrong}`, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  await send({ method: 'POST', url: '/login/cookie', payload: { ...who, password: wrong }, headers: { origin: 'https://evil.example' } })
  await send({ method: 'POST', url: `/login/cookie?password=${wrong}&token=${tokens[0]}`, payload: who })
  await send({ method: 'POST', url: `/logout/bearer?access_token=${tokens[0]}` })
  await send({ url: '/me', headers: { authorization: `Bearer ${tokens[0]}x` } })
  await send({ url: '/me', cookies: { fastifyusersauth: `${tokens[1]}x` } })
  await send({ url: '/me', headers: { cookie: `fastifyusersauth=${tokens[1]}; fastifyusersauth=x` } })
  broken = true
  await send({ ...byBearer, url: '/me' })
  await send({ ...byCookie, method: 'POST', url: '/logout/cookie' })
  broken = false
  await send({ ...byBearer, url: '/me' })
  await send({ ...byCookie, method: 'POST', url: '/logout/cookie', headers: sameOrigin })
  await send({ ...byBearer, method: 'POST', url: '/logout/bearer' })
  t.ok(lines.length > 30)
  t.ok(lines.join('').includes('select * from users'), 'the log has the cause of a failure')

  const canaries = { password, wrong, hash, secret, bearer: tokens[0] as string, cookie: tokens[1] as string }
  const everything = { log: lines.join(''), replies: bodies.join('') }
  for (const [name, canary] of Object.entries(canaries)) {
    for (const [form, text] of Object.entries({ raw: canary, url: encodeURIComponent(canary), form: canary.replaceAll(' ', '+'), base64: Buffer.from(canary).toString('base64'), base64url: Buffer.from(canary).toString('base64url'), signature: canary.split('.').at(-1) as string })) {
      for (const [place, content] of Object.entries(everything)) t.notOk(content.includes(text), `${name}, ${form}, in the ${place}`)
    }
  }
  t.notOk(everything.replies.includes('select'), 'nor does a reply quote the store')
  t.notOk(everything.log.includes(who.email), 'nor the log an address')
})

t.test('nor does one of an account\'s life: no password, no token, no address', async (t) => {
  const lines: string[] = []
  const replies: string[] = []
  const store = memory()
  let broken = false
  const down = (): void => { if (broken) throw Object.assign(new Error('duplicate key in accounts_email'), { statusCode: 400 }) }
  const flaky: UserStore = { ...store, insert: (user) => { down(); return store.insert(user) }, replace: (user, version) => { down(); return store.replace(user, version) }, list: (query) => { down(); return store.list(query) } }
  const office = postOffice()
  const app = await appWith(t, { ...office.options, users: flaky, routes: everyRoute, confirmEmailChange: true, fields, hooks: { onAfterUpdate: () => { throw new Error('a hook') } } }, { server: { logger: { level: 'trace', stream: { write: (line: string) => { lines.push(line) } } } }, seed: false })
  const canaries: Record<string, string> = {}
  const canary = (name: string, value = `${name} ${randomBytes(12).toString('hex')}`): string => { canaries[name] = value; return value }
  const address = (name: string): string => canary(name, `${randomBytes(8).toString('hex')}@example.com`)
  const ask = async (...request: Parameters<typeof send>): ReturnType<typeof send> => {
    const reply = await send(...request)
    replies.push(reply.body)
    return reply
  }

  const root = { email: 'root@example.com', password: canary('the root password') }
  await app.users.create({ ...root, isSuperuser: true })
  const asRoot = await login(app, 'bearer', root)
  const [email, other] = [address('address'), address('other address')]
  const [first, second, third] = ['first', 'second', 'third'].map((name) => canary(`${name} password`)) as [string, string, string]

  for (const body of [{ email, password: 'short' }, { email, password: [first] }, { email: [email], password: first }, { email: `${email}\r\nBcc: x@y.z`, password: first }, `{"password":"${first}"`, { email, password: first }, { email, password: first }]) await ask(app, stranger, 'POST', '/register', body)
  const verify = canary('verify token', await office.token('verify-address', email))
  await ask(app, stranger, 'POST', `/verify?token=${verify}`, { token: `${verify}x` })
  broken = true
  await ask(app, stranger, 'POST', '/verify', { token: verify })
  await ask(app, stranger, 'POST', '/register', { email: address('third address'), password: first })
  await ask(app, stranger, 'POST', '/forgot-password', { email })
  await ask(app, asRoot, 'GET', `/users?email=${encodeURIComponent(email)}`)
  broken = false
  await ask(app, stranger, 'POST', '/verify', { token: verify })
  await ask(app, stranger, 'POST', '/verify', { token: verify })
  await ask(app, stranger, 'POST', '/request-verify-token', { email })

  const own = await login(app, 'bearer', { email, password: first })
  for (const body of [{ email: other }, { email: other, currentPassword: third }, { email: 'root@example.com', currentPassword: first }, { email: other, currentPassword: first }, { password: second, currentPassword: [first] }]) await ask(app, own, 'PATCH', '/users/me', body)
  const change = canary('change token', await office.token('confirm-email-change', other))
  await ask(app, stranger, 'POST', `/change-email?token=${change}`, { token: change })
  await ask(app, stranger, 'POST', '/change-email', { token: change })
  const asOther = await login(app, 'bearer', { email: other, password: first })
  const renewed = await send(app, asOther, 'PATCH', '/users/me', { password: second, currentPassword: first })
  canary('access token', String(credentialOf(renewed).headers?.authorization).slice(7))

  await ask(app, stranger, 'POST', '/forgot-password', { email: other })
  const reset = canary('reset token', await office.token('reset-password', other))
  for (const body of [{ token: reset, password: 'short' }, { token: [reset], password: third }, { token: reset }, { token: reset, password: third }, { token: reset, password: third }]) await ask(app, stranger, 'POST', `/reset-password?password=${encodeURIComponent(third)}`, body)
  const { id, email: now } = await app.users.getByEmail(other) as User
  t.equal(now, other)
  canary('hash', (await store.findById(id))?.passwordHash as string)
  await ask(app, asRoot, 'POST', '/users', { email: other })
  await ask(app, asRoot, 'PATCH', `/users/${id}`, { email: 'root@example.com' })
  await ask(app, await login(app, 'bearer', { email: other, password: third }), 'DELETE', '/users/me', { currentPassword: second })
  await ask(app, asRoot, 'DELETE', `/users/${id}`)
  await app.close()

  const log = lines.join('')
  t.ok(log.includes('duplicate key in accounts_email') && log.includes('a hook'), 'the log has the cause of a failure')
  const everything = { log, 'replies of a failure': replies.filter((body) => body.includes('statusCode')).join('') }
  for (const [name, value] of Object.entries(canaries)) {
    for (const [form, text] of Object.entries({ raw: value, url: encodeURIComponent(value), form: value.replaceAll(' ', '+'), base64: Buffer.from(value).toString('base64'), secret: value.split('.').at(-1) as string })) {
      if (form === 'secret' && value.includes('@')) continue
      for (const [place, content] of Object.entries(everything)) t.notOk(content.includes(text), `${name}, ${form}, in the ${place}`)
    }
  }
  for (const name of ['hash', 'verify token', 'change token', 'reset token', 'first password', 'second password', 'third password', 'the root password']) t.notOk(replies.join('').includes(canaries[name] as string), `${name} in a reply`)
  t.notOk(replies.join('').includes('duplicate'), 'nor does a reply quote the store')
  t.equal(replies.length, 32)
})
