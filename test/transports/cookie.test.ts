import fastifyCookie from '@fastify/cookie'
import Fastify, { type FastifyRequest } from 'fastify'
import t from 'tap'
import fastifyUsers, { cookie, memory, type CookieOptions, type Strategy } from '../../lib/index.js'
import { transportContract } from '../../lib/testing/index.js'
import { ann, appWith, login, options, refusal, sameOrigin } from '../helpers/app.js'

const day = 24 * 3600
/** A JWT: three parts. One that was signed again has four. */
const token = '[\\w-]+(?:\\.[\\w-]+){2}'

const present = (reply: { cookies: Array<{ name: string, value: string }> }) => ({ cookies: Object.fromEntries(reply.cookies.map(({ name, value }) => [name, value])) })
for (const { name, run } of transportContract(() => cookie(), present)) t.test(name, run)
for (const { name, run } of transportContract(() => cookie({ cookieName: '__Host-s', cookiePartitioned: true }), present)) t.test(`__Host-: ${name}`, run)

t.test('every option, on the raw Set-Cookie header, at login and at logout', async (t) => {
  const cases: Array<[string, CookieOptions, string]> = [
    ['the defaults', {}, 'fastifyusersauth=T; Max-Age=3600; Path=/; HttpOnly; Secure; SameSite=Lax'],
    ['cookieName', { cookieName: 'sid' }, 'sid=T; Max-Age=3600; Path=/; HttpOnly; Secure; SameSite=Lax'],
    ['__Host-', { cookieName: '__Host-sid' }, '__Host-sid=T; Max-Age=3600; Path=/; HttpOnly; Secure; SameSite=Lax'],
    ['__Secure-', { cookieName: '__Secure-sid', cookieDomain: 'example.com' }, '__Secure-sid=T; Max-Age=3600; Domain=example.com; Path=/; HttpOnly; Secure; SameSite=Lax'],
    ['lifetimeSeconds', { lifetimeSeconds: 60 }, 'fastifyusersauth=T; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Lax'],
    ['cookiePath', { cookiePath: '/admin' }, 'fastifyusersauth=T; Max-Age=3600; Path=/admin; HttpOnly; Secure; SameSite=Lax'],
    ['cookieDomain', { cookieDomain: 'app.example.com' }, 'fastifyusersauth=T; Max-Age=3600; Domain=app.example.com; Path=/; HttpOnly; Secure; SameSite=Lax'],
    ['cookieSecure', { cookieSecure: false }, 'fastifyusersauth=T; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax'],
    ['cookieHttpOnly', { cookieHttpOnly: false }, 'fastifyusersauth=T; Max-Age=3600; Path=/; Secure; SameSite=Lax'],
    ['cookieSameSite strict', { cookieSameSite: 'strict' }, 'fastifyusersauth=T; Max-Age=3600; Path=/; HttpOnly; Secure; SameSite=Strict'],
    ['cookieSameSite none', { cookieSameSite: 'none' }, 'fastifyusersauth=T; Max-Age=3600; Path=/; HttpOnly; Secure; SameSite=None'],
    ['cookiePartitioned', { cookiePartitioned: true }, 'fastifyusersauth=T; Max-Age=3600; Path=/; HttpOnly; Secure; Partitioned; SameSite=Lax']
  ]
  for (const [name, given, expected] of cases) {
    const app = await appWith(t, { backends: [cookie({ name: 'web', ...given })] })
    const reply = await app.inject({ method: 'POST', url: '/login/web', payload: ann })
    const set = reply.headers['set-cookie'] as string
    t.equal(typeof set, 'string', `${name}: exactly one`)
    t.match(set, new RegExp(`^${expected.replaceAll('/', '\\/').replaceAll('.', '\\.').replace('=T;', `=${token};`)}$`), name)
    const [{ name: cookieName, value }] = reply.cookies as [{ name: string, value: string }]
    const out = await app.inject({ method: 'POST', url: '/logout/web', cookies: { [cookieName]: value }, headers: sameOrigin })
    t.equal(out.headers['set-cookie'], expected.replace('=T;', '=;').replace(/Max-Age=\d+/, 'Max-Age=0'), `${name}: cleared with the same attributes`)
  }
})

t.test('the token lives as long as the cookie', async (t) => {
  let now = Date.UTC(2030, 0, 1)
  const app = await appWith(t, { clock: () => now, backends: [cookie({ lifetimeSeconds: 60 })] })
  const credential = await login(app, 'cookie')
  now += 59_000
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
  now += 1000
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401)
})

t.test('remember me', async (t) => {
  let now = Date.UTC(2030, 0, 1)
  const app = await appWith(t, { clock: () => now, backends: [cookie({ lifetimeSeconds: 60, rememberSeconds: 30 * day })] })
  const set = async (remember?: boolean) => {
    const reply = await app.inject({ method: 'POST', url: '/login/cookie', payload: { ...ann, remember } })
    return { header: reply.headers['set-cookie'] as string, cookies: { fastifyusersauth: reply.cookies[0]?.value ?? '' } }
  }
  const asked = await set(true)
  const refused = await set(false)
  const unsaid = await set()
  t.match(asked.header, /; Max-Age=2592000;/)
  for (const { header } of [refused, unsaid]) t.notMatch(header, /Max-Age|Expires/, 'ends with the browser\'s session')
  now += 61_000
  t.equal((await app.inject({ url: '/me', cookies: asked.cookies })).statusCode, 200)
  t.equal((await app.inject({ url: '/me', cookies: unsaid.cookies })).statusCode, 401)
})

t.test('remember is nothing where the backend does not offer it', async (t) => {
  const app = await appWith(t)
  t.match((await app.inject({ method: 'POST', url: '/login/cookie', payload: { ...ann, remember: true } })).headers['set-cookie'], /Max-Age=3600;/)
})

t.test('what browsers would refuse does not start', async (t) => {
  const cases: Array<[object, string]> = [
    [{ cookieSameSite: 'none', cookieSecure: false }, "cookieSameSite 'none' needs cookieSecure: true; browsers drop the cookie otherwise"],
    [{ cookiePartitioned: true, cookieSecure: false }, 'cookiePartitioned needs cookieSecure: true; browsers drop the cookie otherwise'],
    [{ cookieName: '__Host-a', cookieDomain: 'example.com' }, 'cookieName with __Host- excludes cookieDomain'],
    [{ cookieName: '__HOST-a', cookiePath: '/a' }, "cookieName with __Host- needs cookiePath: '/'"],
    [{ cookieName: '__Host-a', cookieSecure: false }, 'cookieName with __Host- or __Secure- needs cookieSecure: true'],
    [{ cookieName: '__secure-a', cookieSecure: false }, 'cookieName with __Host- or __Secure- needs cookieSecure: true'],
    [{ cookieName: 'a;b' }, 'cookieName must be'],
    [{ cookieName: '' }, 'cookieName must be'],
    [{ cookieName: 1 }, 'cookieName must be'],
    [{ cookiePath: 'admin' }, 'cookiePath must begin with /'],
    [{ cookiePath: '/a;b' }, 'cookiePath must begin with /'],
    [{ cookiePath: '/a\r\nSet-Cookie: x=y' }, 'cookiePath must begin with /'],
    [{ cookieDomain: 'com' }, 'cookieDomain must be a host name of two or more labels'],
    [{ cookieDomain: 'example.com; Path=/' }, 'cookieDomain must be'],
    [{ cookieDomain: '.example.com' }, 'cookieDomain must be'],
    [{ cookieSecure: 'no' }, 'cookieSecure must be true or false'],
    [{ cookieHttpOnly: 1 }, 'cookieHttpOnly must be true or false'],
    [{ cookieSameSite: 'Lax' }, "cookieSameSite must be 'lax', 'strict' or 'none'"],
    [{ cookiePartitioned: 'yes' }, 'cookiePartitioned must be true or false'],
    [{ cookieSamesite: 'lax' }, 'cookieSamesite is no option of cookie(): did you mean cookieSameSite?'],
    [{ lifetimeSeconds: 401 * day }, 'lifetimeSeconds must be a whole number of seconds from 1 to 34560000 (400 days)'],
    [{ lifetimeSeconds: 0 }, 'lifetimeSeconds must be'],
    [{ rememberSeconds: 0.5 }, 'rememberSeconds must be'],
    [{ requireVerified: 'yes' }, 'requireVerified must be true or false'],
    [{ name: 'a/b' }, 'name must be letters, digits, - and _']
  ]
  for (const [given, message] of cases) {
    t.match(await refusal({ backends: [cookie(given as CookieOptions)] }), `FST_USERS_BAD_OPTIONS: options.backends[0].${message}`, JSON.stringify(given))
  }
})

/** A strategy whose tokens are as long as one likes; its verify takes what it issued. */
function longTokens (length: number, letter = 'x', revoke = (): void => {}): Strategy {
  const session = (userId: string, epoch: number) => ({ id: '1', userId, epoch, issuedAt: 0, expiresAt: 1 })
  let last = session('', 0)
  return {
    lifetimeSeconds: 60,
    start: () => ({
      issue: ({ userId, epoch }) => { last = session(userId, epoch); return { token: letter.repeat(length), session: last } },
      verify: (token) => token === letter.repeat(length) ? { session: last } : null,
      revoke
    })
  }
}

t.test('a cookie that browsers would drop is never sent', async (t) => {
  const fits = await appWith(t, { strategy: longTokens(4096 - 'fastifyusersauth='.length), backends: [cookie()] })
  t.equal((await fits.inject({ method: 'POST', url: '/login/cookie', payload: ann })).statusCode, 200)
  let ended = 0
  const over = await appWith(t, { strategy: longTokens(4097 - 'fastifyusersauth='.length, 'x', () => { ended++ }), backends: [cookie()] })
  const reply = await over.inject({ method: 'POST', url: '/login/cookie', payload: ann })
  t.match(reply.json(), { statusCode: 500, code: 'FST_USERS_INTERNAL' })
  t.equal(reply.headers['set-cookie'], undefined)
  t.equal(ended, 1, 'nor is its session alive')
})

t.test('a token of any characters comes back as it went', async (t) => {
  const app = await appWith(t, { strategy: longTokens(9, ';= "é%'), backends: [cookie()] })
  const reply = await app.inject({ method: 'POST', url: '/login/cookie', payload: ann })
  const cookieHeader = (reply.headers['set-cookie'] as string).split(';')[0] as string
  t.equal((await app.inject({ url: '/me', headers: { cookie: cookieHeader } })).statusCode, 200)
})

t.test('the cookie is found among others, and only there', async (t) => {
  const app = await appWith(t)
  const { fastifyusersauth: value = '' } = (await login(app, 'cookie')).cookies as Record<string, string>
  const status = async (cookie: string) => (await app.inject({ url: '/me', headers: { cookie } })).statusCode

  for (const good of [`fastifyusersauth=${value}`, `a=b; fastifyusersauth=${value}; c=d`, `a=b;fastifyusersauth=${value}`, `fastifyusersauth=${value} ; c`, `afastifyusersauth=x; fastifyusersauth=${value}`, `a="x fastifyusersauth=1"; fastifyusersauth=${value}`]) {
    t.equal(await status(good), 200, good.replace(value, '…'))
  }
  for (const bad of ['', 'fastifyusersauth', 'fastifyusersauth=', `FASTIFYUSERSAUTH=${value}`, `xfastifyusersauth=${value}`, `a=fastifyusersauth=${value}`, `a="x fastifyusersauth=${value}"`, `fastifyusersauth=x${value}`, `fastifyusersauth="${value}"`, 'fastifyusersauth=%', 'fastifyusersauth=%E0%A4%A']) {
    t.equal(await status(bad), 401, bad.replace(value, '…'))
  }
  for (const twice of [`fastifyusersauth=${value}; fastifyusersauth=x`, `fastifyusersauth=x; fastifyusersauth=${value}`, `fastifyusersauth=${value};fastifyusersauth=${value}`]) {
    t.equal(await status(twice), 400, 'two of the name: nobody knows which is ours')
    t.match((await app.inject({ method: 'POST', url: '/login/cookie', headers: { cookie: twice }, payload: ann })).json(), { statusCode: 400, code: 'AMBIGUOUS_CREDENTIALS' })
  }
})

t.test('the refresh token\'s cookie is another one, and neither is taken for the other', async (t) => {
  const { transport } = cookie({ refresh: true })
  const read = (header: string) => [transport.read, transport.readRefresh].map((read) => read?.({ raw: { headers: { cookie: header } } } as FastifyRequest))
  t.strictSame(read('fastifyusersauth=a; fastifyusersauth_refresh=b'), ['a', 'b'])
  t.strictSame(read('fastifyusersauth_refresh=b; fastifyusersauth=a'), ['a', 'b'])
  t.strictSame(read('fastifyusersauth_refresh=b'), [null, 'b'])
  t.strictSame(read('fastifyusersauth=a'), ['a', null])
  t.strictSame(read('xfastifyusersauth_refresh=b; fastifyusersauth_refreshx=b; a=fastifyusersauth_refresh=b'), [null, null])
  t.strictSame(read('fastifyusersauth_refresh=%; fastifyusersauth=%E0%A4%A'), ['', ''])
  t.throws(() => read('fastifyusersauth_refresh=b; fastifyusersauth_refresh=c'), { code: 'AMBIGUOUS_CREDENTIALS' })
})

t.test('a refresh token that browsers would drop is never sent, nor what goes with it', async (t) => {
  const name = 'fastifyusersauth_refresh'
  for (const [length, status, cookies] of [[4095 - name.length, 200, 2], [4096 - name.length, 500, 0]] as const) {
    const plain = longTokens(10)
    const strategy: Strategy = {
      ...plain,
      async start (context) {
        const running = await plain.start(context)
        return { ...running, refresh: async () => 'invalid', issue: async (grant) => ({ ...await running.issue(grant), refreshToken: 'x'.repeat(length) }) }
      }
    }
    const app = await appWith(t, { strategy, backends: [cookie({ refresh: true })] })
    const reply = await app.inject({ method: 'POST', url: '/login/cookie', payload: ann })
    t.strictSame([reply.statusCode, reply.cookies.length], [status, cookies])
  }
})

t.test('beside the application\'s own @fastify/cookie, whose defaults do not get in', async (t) => {
  const app = await appWith(t, {}, {
    before: async (app) => { await app.register(fastifyCookie, { secret: 'a', parseOptions: { signed: true, domain: 'evil.example', path: '/x', httpOnly: false, priority: undefined, encode: () => '!' } as object }) },
    routes: (app) => { app.get('/cookies', async (request) => request.cookies) }
  })
  const reply = await app.inject({ method: 'POST', url: '/login/cookie', payload: ann })
  t.match(reply.headers['set-cookie'], new RegExp(`^fastifyusersauth=${token}; Max-Age=3600; Path=/; HttpOnly; Secure; SameSite=Lax$`))
  t.strictSame((await app.inject({ url: '/cookies', cookies: { a: 'b' } })).json(), { a: 'b' })
})

t.test('the application may register @fastify/cookie afterwards', async (t) => {
  const app = Fastify()
  t.after(async () => { await app.close() })
  await app.register(fastifyUsers, options({ users: memory() }))
  await app.register(fastifyCookie)
  app.get('/', async (request) => request.cookies)
  t.strictSame((await app.inject({ url: '/', cookies: { a: 'b' } })).json(), { a: 'b' })
})

t.test('what is allowed but unsafe is said in the log', async (t) => {
  const said = async (given: CookieOptions, env: string | undefined) => {
    const before = process.env.NODE_ENV
    process.env.NODE_ENV = env
    const lines: string[] = []
    const app = Fastify({ logger: { level: 'info', stream: { write: (line: string) => { lines.push(line) } } } })
    try {
      await app.register(fastifyUsers, { ...options({ users: { ...memory(), ephemeral: false }, backends: [cookie(given)] }), passwords: {} })
    } finally {
      process.env.NODE_ENV = before
      if (before === undefined) delete process.env.NODE_ENV
      await app.close()
    }
    return lines.join('')
  }
  t.match(await said({}, 'test'), /"level":30.*backend cookie: the cookie is Secure: over plain http.*cookieSecure: false/)
  t.equal(await said({}, 'production'), '')
  t.match(await said({ cookieSecure: false }, 'production'), /"level":40.*cookieSecure is false/)
  t.match(await said({ cookieHttpOnly: false }, 'production'), /"level":40.*cookieHttpOnly is false/)
})
