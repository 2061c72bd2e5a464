import t, { type Test } from 'tap'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { noShell, tryTutorial } from '../helpers/try-tutorial.js'
import { loadTutorial } from '../helpers/tutorial.js'

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
