import t, { type Test } from 'tap'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { cheapHashes, testClock } from '../../lib/testing/index.js'
import { noShell, tryTutorial } from '../helpers/try-tutorial.js'
import { loadTutorial } from '../helpers/tutorial.js'
import { createUser } from '../helpers/tutorial-users.js'

const ann = { email: 'ann@example.com', password: 'correct horse battery staple' }

t.test('cookie-attributes', async (t) => {
  const app = await open(t, 'cookie-attributes', 'a secret for tests')
  const set = (name: string, value: unknown = 'chocolate') => app.inject({ method: 'PUT', url: `/cookies/${name}`, payload: { value } })

  const expected = {
    plain: /^plain=chocolate; Path=\/; SameSite=Lax$/,
    lasting: /^lasting=chocolate; Max-Age=2592000; Path=\/; SameSite=Lax$/,
    dated: /^dated=chocolate; Path=\/; Expires=\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT; SameSite=Lax$/,
    narrow: /^narrow=chocolate; Path=\/narrow; SameSite=Lax$/,
    wide: /^wide=chocolate; Domain=example\.com; Path=\/; SameSite=Lax$/,
    hidden: /^hidden=chocolate; Path=\/; HttpOnly; SameSite=Lax$/,
    encrypted: /^encrypted=chocolate; Path=\/; Secure; SameSite=Lax$/,
    strict: /^strict=chocolate; Path=\/; SameSite=Strict$/,
    everywhere: /^everywhere=chocolate; Path=\/; Secure; SameSite=None$/,
    embedded: /^embedded=chocolate; Path=\/; Secure; Partitioned; SameSite=None$/,
    signed: /^signed=chocolate\.[\w/+]{43}; Path=\/; SameSite=Lax$/,
    '__Secure-wide': /^__Secure-wide=chocolate; Domain=example\.com; Path=\/; Secure; SameSite=Lax$/,
    '__Host-best': /^__Host-best=chocolate; Max-Age=86400; Path=\/; HttpOnly; Secure; SameSite=Lax$/
  }
  for (const [name, attributes] of Object.entries(expected)) {
    const { headers, statusCode } = await set(name)
    t.equal(statusCode, 200)
    t.match(headers['set-cookie'], attributes)

    // Deleted is what has the same name, path and domain, and for a prefix what a browser would take at all.
    const gone = String((await app.inject({ method: 'DELETE', url: `/cookies/${name}` })).headers['set-cookie'])
    t.match(gone, `${name}=; Max-Age=0; `)
    t.match(gone, 'Expires=Thu, 01 Jan 1970 00:00:00 GMT')
    for (const attribute of String(headers['set-cookie']).split('; ').filter((part) => /^(?:Path|Domain|Secure|Partitioned)/.test(part))) t.match(gone, `; ${attribute}`)
  }
  const [, days = ''] = /Expires=(.+ GMT)/.exec(String((await set('dated')).headers['set-cookie'])) ?? []
  t.ok(Date.parse(days) > Date.now(), 'a date to come')

  await t.test('read and updated', async (t) => {
    const jar = createJar(app)
    t.strictSame((await jar.call({ url: '/cookies' })).json(), {})
    for (const value of ['a; b, "c" = d\\%', 'vanilla']) {
      await jar.call({ method: 'PUT', url: '/cookies/plain', payload: { value } })
      await jar.call({ method: 'PUT', url: '/cookies/signed', payload: { value } })
      t.strictSame((await jar.call({ url: '/cookies' })).json(), { plain: value, signed: value })
    }
    await jar.call({ method: 'DELETE', url: '/cookies/plain' })
    t.strictSame((await jar.call({ url: '/cookies' })).json(), { signed: 'vanilla' })
    jar.cookies.signed = jar.cookies.signed?.replace('vanilla', 'pistachio') ?? ''
    t.strictSame((await jar.call({ url: '/cookies' })).json(), {}, 'forged')
  })

  await t.test('refused', async (t) => {
    t.equal((await set('other')).statusCode, 400)
    for (const value of ['', 'x'.repeat(301), 'é', 'a\r\nb', null]) t.equal((await set('plain', value)).statusCode, 400)
  })

  const page = await app.inject('/')
  t.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  for (const name of Object.keys(expected)) t.match(page.body, `<option>${name}</option>`)

  await t.test('its lines', { skip: noShell }, async (t) => {
    const printed = await tryTutorial(t, 'cookie-attributes')
    t.strictSame(printed.match(/^\{.*?\}(?=HTTP|$)/gm), ['{"set":"lasting"}', '{"set":"signed"}', '{"lasting":"chocolate","signed":"vanilla"}', '{}', '{"deleted":"lasting"}', '{"signed":"vanilla"}'])
  })
})

t.test('login-step-by-step', async (t) => {
  const app = await open(t, 'login-step-by-step', { passwords: cheapHashes })

  await t.test('by hand', async (t) => {
    const jar = createJar(app)
    const [login, me] = [{ method: 'POST', url: '/by-hand/login', payload: ann }, '/by-hand/me'] as const
    t.equal((await jar.call({ url: me })).statusCode, 401)
    for (const wrong of [{ ...ann, password: 'wrong' }, { ...ann, email: 'bob@example.com' }]) {
      t.match(await jar.call({ ...login, payload: wrong }), { statusCode: 400, body: '{"message":"Wrong address or password."}' })
    }
    t.equal((await jar.call({ ...login, payload: { email: ann.email } })).statusCode, 400)
    t.equal((await jar.call({ ...login, headers: { 'sec-fetch-site': 'cross-site' } })).statusCode, 403)
    t.strictSame(jar.cookies, {})

    t.match((await jar.call(login)).headers['set-cookie'], /^by-hand=[\w-]{43}; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax$/)
    const first = { ...jar.cookies }
    t.strictSame((await jar.call({ url: me })).json(), { email: ann.email })
    await jar.call(login)
    t.not(jar.cookies['by-hand'], first['by-hand'])
    t.equal((await app.inject({ url: me, cookies: first })).statusCode, 401, 'the session of before')

    const second = { ...jar.cookies }
    t.equal((await jar.call({ method: 'POST', url: '/by-hand/logout', headers: { 'sec-fetch-site': 'same-site' } })).statusCode, 403)
    t.equal((await jar.call({ url: me })).statusCode, 200)
    t.equal((await jar.call({ method: 'POST', url: '/by-hand/logout', headers: { 'sec-fetch-site': 'same-origin' } })).statusCode, 200)
    t.strictSame(jar.cookies, {})
    t.equal((await app.inject({ url: me, cookies: second })).statusCode, 401, 'ended on the server')
  })

  await t.test('with the plugin', async (t) => {
    const jar = createJar(app)
    t.match((await jar.call({ method: 'POST', url: '/login/cookie', payload: ann })).headers['set-cookie'], /^session=[\w.-]+; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax$/)
    t.strictSame((await jar.call({ url: '/me' })).json(), { email: ann.email })
    const { session = '' } = jar.cookies
    t.equal((await jar.call({ method: 'POST', url: '/logout/cookie', headers: { 'x-requested-with': 'test' } })).statusCode, 200)
    t.equal((await app.inject({ url: '/me', cookies: { session } })).statusCode, 401)
  })

  await t.test('its lines', { skip: noShell }, async (t) => {
    const printed = await tryTutorial(t, 'login-step-by-step')
    t.match(printed, /^set-cookie: by-hand=[\w-]{43}; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax\r$/m)
  })
})

t.test('last-visit', async (t) => {
  let now = Date.UTC(2027, 0, 4, 12)
  const app = await open(t, 'last-visit', { clock: () => now })
  const jar = createJar(app)
  const visit = async (): Promise<string> => /<p>(.*)<\/p>/.exec((await jar.call({ url: '/' })).body)?.[1] ?? ''
  const first = 'Welcome, this is your first visit.'

  t.equal(await visit(), first)
  now += 1800_000
  t.equal(await visit(), first, 'the same visit')
  now += 1801_000
  const again = 'Welcome back. Your last visit was on Mon, 04 Jan 2027 12:30:00 GMT.'
  t.equal(await visit(), again)
  now += 60_000
  t.equal(await visit(), again, 'a reload')
  now += 7 * 24 * 3600_000
  t.equal(await visit(), 'Welcome back. Your last visit was on Mon, 04 Jan 2027 13:01:01 GMT.')

  const { headers } = await jar.call({ url: '/' })
  t.match(headers, { 'set-cookie': /^visits=\d+\.\d+; Max-Age=31536000; Path=\/; HttpOnly; SameSite=Lax$/, 'cache-control': 'no-store' })
  for (const value of ['', '1', '1.x', '9.1', '-1.2', '1.99999999999', `1.${now / 1000 + 60}`, '<b>1.2', '1e3.2e3']) {
    jar.cookies.visits = value
    t.equal(await visit(), first, value)
  }
  t.match(await jar.call({ method: 'POST', url: '/forget' }), { statusCode: 303, headers: { location: '/' } })
  t.strictSame(jar.cookies, {})
  await t.test('its lines', { skip: noShell }, async (t) => {
    t.match(await tryTutorial(t, 'last-visit'), 'Your last visit was on Thu, 01 Jan 2026 01:00:00 GMT.')
  })
})

t.test('theme', async (t) => {
  const app = await open(t, 'theme')
  const jar = createJar(app)
  const shown = async () => [...(await jar.call({ url: '/' })).body.matchAll(/data-theme="(\w+)"|value="(\w+)" checked/g)].map(([, html, form]) => html ?? form)
  const choose = async (payload: string) => await jar.call({ method: 'POST', url: '/theme', payload, headers: { 'content-type': 'application/x-www-form-urlencoded' } })

  t.strictSame(await shown(), ['auto', 'auto'])
  const { statusCode, headers } = await choose('theme=dark')
  t.match({ statusCode, headers }, { statusCode: 303, headers: { location: '/', 'set-cookie': 'theme=dark; Max-Age=31536000; Path=/; SameSite=Lax' } })
  t.strictSame(await shown(), ['dark', 'dark'])
  for (const body of ['', 'theme=pink', 'theme=', '__proto__=dark']) t.equal((await choose(body)).statusCode, 400, body)
  t.strictSame(await shown(), ['dark', 'dark'])
  for (const value of ['pink', '"><script>', '']) {
    jar.cookies.theme = encodeURIComponent(value)
    t.strictSame(await shown(), ['auto', 'auto'], value)
  }
  await t.test('its lines', { skip: noShell }, async (t) => {
    t.strictSame((await tryTutorial(t, 'theme')).match(/ data-theme="\w+"/g), [' data-theme="auto"', ' data-theme="dark"', ' data-theme="auto"'])
  })
})

t.test('remember-me', async (t) => {
  const clock = testClock()
  const app = await open(t, 'remember-me', { passwords: cheapHashes, clock })
  const logIn = async (payload: object) => {
    const jar = createJar(app)
    const { headers } = await jar.call({ method: 'POST', url: '/login/cookie', payload })
    return { jar, cookie: headers['set-cookie'], status: async () => (await jar.call({ url: '/session' })).statusCode }
  }
  const hours = async (jar: Jar): Promise<number> => {
    const { from, until } = (await jar.call({ url: '/session' })).json<{ from: string, until: string }>()
    return (Date.parse(until) - Date.parse(from)) / 3600_000
  }

  const short = await logIn(ann)
  t.match(short.cookie, /^session=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax$/)
  t.equal(await hours(short.jar), 2)
  const long = await logIn({ ...ann, remember: true })
  t.match(long.cookie, /^session=[\w.-]+; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/)
  t.equal(await hours(long.jar), 720)

  clock.advanceSeconds(2 * 3600)
  t.strictSame([await short.status(), await long.status()], [401, 200], 'two hours later')
  clock.advanceSeconds(30 * 24 * 3600 - 2 * 3600)
  t.equal(await long.status(), 401, 'thirty days later')

  await t.test('in a browser', async (t) => {
    const jar = createJar(app)
    const form = { method: 'POST', headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' } } as const
    t.match((await jar.call({ url: '/' })).body, '<input name="remember" type="checkbox">')
    const reply = await jar.call({ ...form, url: '/login/cookie', payload: new URLSearchParams({ ...ann, remember: 'on' }).toString() })
    t.match(reply, { statusCode: 303, headers: { location: '/', 'set-cookie': /; Max-Age=2592000; / } })
    t.match((await jar.call({ url: '/' })).body, 'You are logged in until ')
    t.match(await jar.call({ ...form, url: '/logout/cookie' }), { statusCode: 303, headers: { location: '/' } })
    t.match((await jar.call({ url: '/' })).body, 'Log in')
  })
  await t.test('its lines', { skip: noShell }, async (t) => {
    t.equal([...(await tryTutorial(t, 'remember-me')).matchAll(/^set-cookie: session=.*Max-Age=2592000/gm)].length, 1)
  })
})

t.test('consent', async (t) => {
  const app = await open(t, 'consent')
  const jar = createJar(app)
  const visit = async () => {
    const { headers, body } = await jar.call({ url: '/' })
    return { cookies: [headers['set-cookie'] ?? []].flat(), said: /<p>(.*?)<\/p>/.exec(body)?.[1], asks: body.includes('May we'), offers: [...body.matchAll(/value="(\w+)"/g)].map(([, answer]) => answer) }
  }
  const answer = async (payload: string, site = 'same-origin') => await jar.call({ method: 'POST', url: '/consent', payload, headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': site } })
  const uncounted = { cookies: [], said: 'Nothing is counted.' }

  for (const foreign of [{}, { pages: '7' }, { consent: 'perhaps' }]) {
    Object.assign(jar.cookies, foreign)
    t.strictSame(await visit(), { ...uncounted, asks: true, offers: ['yes', 'no'] }, 'nothing before somebody has said yes')
  }
  for (const name of Object.keys(jar.cookies)) delete jar.cookies[name]
  for (const site of ['cross-site', 'same-site', '']) {
    t.equal((await answer('answer=yes', site)).statusCode, 403)
    t.strictSame(jar.cookies, {}, 'another site gives no answer')
  }

  t.match(await answer('answer=yes'), { statusCode: 303, headers: { 'set-cookie': 'consent=yes; Max-Age=15552000; Path=/; HttpOnly; SameSite=Lax' } })
  for (const pages of [1, 2]) {
    t.strictSame(await visit(), { cookies: [`pages=${pages}; Max-Age=7776000; Path=/; HttpOnly; SameSite=Lax`], said: `You have seen ${pages} pages.`, asks: false, offers: ['no'] })
  }
  t.equal((await answer('answer=no')).statusCode, 303)
  t.strictSame(jar.cookies, { consent: 'no' }, 'deleted')
  t.strictSame(await visit(), { ...uncounted, asks: false, offers: ['yes'] })
  for (const body of ['', 'answer=maybe']) t.equal((await answer(body)).statusCode, 400)

  await answer('answer=yes')
  jar.cookies.pages = '<b>'
  t.equal((await visit()).said, 'You have seen 1 pages.')
  await t.test('its lines', { skip: noShell }, async (t) => {
    t.strictSame((await tryTutorial(t, 'consent')).match(/^set-cookie: \w+=\w*/gm), ['consent=yes', 'pages=1', 'consent=no', 'pages='].map((cookie) => `set-cookie: ${cookie}`))
  })
})

t.test('session-store', async (t) => {
  const clock = testClock()
  const app = await open(t, 'session-store', { passwords: cheapHashes, clock })
  const logIn = async (payload = ann) => {
    const jar = createJar(app)
    await jar.call({ method: 'POST', url: '/login/cookie', payload })
    return jar
  }
  const basket = async (jar: Jar) => await jar.call({ url: '/basket' })
  const [laptop, phone] = [await logIn(), await logIn()]
  const script = { 'x-requested-with': 'test' }

  t.equal((await app.inject('/basket')).statusCode, 401)
  t.equal((await laptop.call({ method: 'POST', url: '/basket', payload: { item: '' } })).statusCode, 400)
  for (const item of ['tea', "'); drop table basket; --"]) t.equal((await laptop.call({ method: 'POST', url: '/basket', payload: { item } })).statusCode, 201)
  t.strictSame((await basket(phone)).json(), ['tea', "'); drop table basket; --"])

  const bob = { ...ann, email: 'bob@example.com' }
  await createUser(app, bob)
  t.strictSame((await basket(await logIn(bob))).json(), [], 'another user')

  const [handle = '', secret = ''] = laptop.cookies.session?.replace('fu-session.', '').split('.') ?? []
  const row = (await laptop.call({ url: '/row' })).body
  t.match(row, /"user_id":/)
  for (const part of [laptop.cookies.session ?? '', handle, secret].filter((part) => part !== '')) t.notMatch(row, part, 'no part of the token')

  type Listed = { items: Array<{ id: string, current: boolean }> }
  const { items } = (await laptop.call({ url: '/sessions' })).json<Listed>()
  t.equal(items.length, 2)
  const other = items.find(({ current }) => !current)?.id ?? ''
  t.equal((await laptop.call({ method: 'DELETE', url: `/sessions/${other}`, headers: script })).statusCode, 204)
  t.strictSame([(await basket(phone)).statusCode, (await basket(laptop)).statusCode], [401, 200])

  const third = await logIn()
  t.equal((await laptop.call({ method: 'DELETE', url: '/sessions', headers: script })).statusCode, 204)
  t.strictSame([(await basket(third)).statusCode, (await basket(laptop)).statusCode], [401, 200])

  clock.advanceSeconds(7 * 24 * 3600)
  t.equal((await basket(laptop)).statusCode, 401, 'not used for a week')
  await t.test('its lines', { skip: noShell }, async (t) => {
    t.match(await tryTutorial(t, 'session-store'), '["tea"]')
  })
})

async function open (t: Test, name: string, ...args: unknown[]): Promise<FastifyInstance> {
  const app = await (await loadTutorial(name)).buildApp(...args)
  t.after(async () => { await app.close() })
  return app
}

interface Jar {
  /** Values as they travel. */
  readonly cookies: Record<string, string>
  call (options: InjectOptions): Promise<Awaited<ReturnType<FastifyInstance['inject']>>>
}

/** Keeps cookies as a browser does that is always at the same host, and only sends them where Path says nothing else. */
function createJar (app: FastifyInstance): Jar {
  const cookies: Record<string, string> = {}
  return {
    cookies,
    async call ({ headers, ...options }) {
      const cookie = Object.entries(cookies).map(([name, value]) => `${name}=${value}`).join('; ')
      const reply = await app.inject({ ...options, headers: { ...cookie !== '' && { cookie }, ...headers } })
      for (const line of [reply.headers['set-cookie'] ?? []].flat()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (/; Max-Age=0(?:;|$)/.test(line)) delete cookies[name]
        else cookies[name] = value
      }
      return reply
    }
  }
}
