import { randomBytes } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import t from 'tap'
import { jwt, memory, type UserStore } from '../../lib/index.js'
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
