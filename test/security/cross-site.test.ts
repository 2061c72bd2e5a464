import t from 'tap'
import { bearer, cookie } from '../../lib/index.js'
import { ann, appWith, login } from '../helpers/app.js'

const crossSite = { statusCode: 403, code: 'CROSS_SITE_REQUEST', error: 'Forbidden', message: 'The request comes from another site, or does not say where it comes from. Pages of other origins are trusted by trustedOrigins; a client that is no browser sends X-Requested-With.' }

/** Headers of a POST with a cookie, and whether another site may have sent it. */
const cases: Array<[string, Record<string, string>, boolean]> = [
  ['a page of this origin', { 'sec-fetch-site': 'same-origin', origin: 'http://localhost' }, false],
  ['the user\'s own hand', { 'sec-fetch-site': 'none' }, false],
  ['a neighbour on the same site', { 'sec-fetch-site': 'same-site', origin: 'http://evil.localhost' }, true],
  ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, true],
  ['another site, its origin hidden', { 'sec-fetch-site': 'cross-site', origin: 'null' }, true],
  ['an odd Sec-Fetch-Site', { 'sec-fetch-site': 'Same-Origin' }, true],
  ['an empty Sec-Fetch-Site', { 'sec-fetch-site': '' }, true],
  ['another site that claims our Origin in Referer', { 'sec-fetch-site': 'cross-site', referer: 'http://localhost/' }, true],
  ['an old browser, this origin', { origin: 'http://localhost' }, false],
  ['an old browser, this origin behind TLS', { origin: 'https://localhost' }, false],
  ['an old browser, the default port spelled out', { host: 'localhost:80', origin: 'http://localhost' }, false],
  ['an old browser, a host that is none', { host: '[', origin: 'http://localhost' }, true],
  ['an old browser, another origin', { origin: 'https://evil.example' }, true],
  ['an old browser, a look-alike', { origin: 'http://localhost.evil.example' }, true],
  ['an old browser, our name at the end of another', { origin: 'http://evil-localhost' }, true],
  ['an old browser, a host below ours', { origin: 'http://evil.localhost' }, true],
  ['an old browser, our name as user', { origin: 'http://localhost@evil.example' }, true],
  ['an old browser, another port', { origin: 'http://localhost:8080' }, true],
  ['an old browser, a hidden origin', { origin: 'null' }, true],
  ['an old browser, an empty origin', { origin: '' }, true],
  ['an app that bears our name', { origin: 'android-app://localhost' }, true],
  ['an app that bears our name, in Referer', { referer: 'android-app://localhost/' }, true],
  ['a file, and no host', { host: '', origin: 'file://' }, true],
  ['Referer alone, ours', { referer: 'http://localhost/page?x=http://evil.example' }, false],
  ['Referer alone, another', { referer: 'https://evil.example/http://localhost/' }, true],
  ['no browser, says so', { 'x-requested-with': 'curl' }, false],
  ['no browser, JSON', { 'content-type': 'application/json' }, false],
  ['nothing at all', {}, true],
  ['a form without a word on where it comes from', { 'content-type': 'application/x-www-form-urlencoded' }, true],
  ['what only looks like JSON', { 'content-type': 'text/plain; application/json' }, true]
]

t.test('a request that changes something, with a cookie', async (t) => {
  const app = await appWith(t)
  const { cookies } = await login(app, 'cookie')
  for (const [name, headers, refused] of cases) {
    const payload = headers['content-type'] === 'application/json' ? '{}' : undefined
    const reply = await app.inject({ method: 'POST', url: '/me', cookies: cookies as Record<string, string>, headers: { host: 'localhost', ...headers }, ...(payload === undefined ? {} : { payload }) })
    // Fastify reads a body after onRequest and before preHandler: of a type it does not know it says so first.
    if (headers['content-type'] !== undefined && refused) t.ok([403, 415].includes(reply.statusCode), name)
    else if (refused) t.strictSame(reply.json(), crossSite, name)
    else t.equal(reply.statusCode, 200, name)

    const get = await app.inject({ url: '/me', cookies: cookies as Record<string, string>, headers })
    t.equal(get.statusCode, 200, `GET is free: ${name}`)
  }
  t.equal((await app.inject({ url: '/me', cookies: cookies as Record<string, string> })).statusCode, 200, 'and none of it ended the session')
})

/** Headers of the handshake of a WebSocket with a cookie, and whether another site may have sent it. */
const handshakes: Array<[string, Record<string, string>, boolean]> = [
  ['a page of this origin', { origin: 'http://localhost' }, false],
  ['a page of this origin behind TLS', { origin: 'https://localhost' }, false],
  ['a page of a trusted origin', { origin: 'https://app.example.com' }, false],
  ['no browser', {}, false],
  ['another site', { origin: 'https://evil.example' }, true],
  ['another site that browsers take for ours', { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' }, true],
  ['another site with all that no page could send', { origin: 'https://evil.example', 'x-requested-with': 'curl', 'content-type': 'application/json' }, true],
  ['a neighbour', { origin: 'http://evil.localhost' }, true],
  ['another port', { origin: 'http://localhost:8080' }, true],
  ['a hidden origin', { origin: 'null' }, true],
  ['an empty origin', { origin: '' }, true],
  ['an app that bears our name', { origin: 'android-app://localhost' }, true]
]

t.test('the handshake of a WebSocket, with a cookie', async (t) => {
  const app = await appWith(t, { trustedOrigins: ['https://app.example.com'] })
  const { cookies } = await login(app, 'cookie')
  for (const [name, headers, refused] of handshakes) {
    for (const upgrade of ['websocket', 'WebSocket', 'h2c, websocket']) {
      const reply = await app.inject({ url: '/me', cookies: cookies as Record<string, string>, headers: { host: 'localhost', connection: 'upgrade', upgrade, ...headers } })
      if (refused) t.strictSame(reply.json(), crossSite, name)
      else t.equal(reply.statusCode, 200, name)
    }
    const other = await app.inject({ url: '/me', cookies: cookies as Record<string, string>, headers: { host: 'localhost', connection: 'upgrade', upgrade: 'h2c', ...headers } })
    t.equal(other.statusCode, 200, `what is no WebSocket is a GET like any other: ${name}`)
  }
})

t.test('login itself: nobody is logged in as somebody else', async (t) => {
  const app = await appWith(t)
  for (const [name, headers, refused] of cases) {
    if (headers['content-type'] !== undefined || Object.keys(headers).length === 0) continue
    const reply = await app.inject({ method: 'POST', url: '/login/cookie', headers: { host: 'localhost', ...headers }, payload: ann })
    t.equal(reply.statusCode, refused ? 403 : 200, name)
    t.equal(reply.headers['set-cookie'] === undefined, refused, name)
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://evil.example' }
  t.strictSame((await app.inject({ method: 'POST', url: '/login/cookie', headers: form, payload: 'username=ann%40example.com&password=x' })).json(), crossSite)
  t.equal((await app.inject({ method: 'POST', url: '/login/cookie', payload: ann })).statusCode, 200, 'a client without cookies need not explain itself')
})

t.test('logout: refused, and the session lives on', async (t) => {
  const app = await appWith(t)
  const { cookies } = await login(app, 'cookie')
  const jar = cookies as Record<string, string>
  const reply = await app.inject({ method: 'POST', url: '/logout/cookie', cookies: jar, headers: { origin: 'https://evil.example' } })
  t.strictSame(reply.json(), crossSite)
  t.equal(reply.headers['set-cookie'], undefined)
  t.equal((await app.inject({ url: '/me', cookies: jar })).statusCode, 200)
})

t.test('origins that are trusted', async (t) => {
  const app = await appWith(t, { trustedOrigins: ['https://app.example.com'] })
  const { cookies } = await login(app, 'cookie')
  const post = async (headers: Record<string, string>) => (await app.inject({ method: 'POST', url: '/me', cookies: cookies as Record<string, string>, headers })).statusCode
  t.equal(await post({ origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' }), 200)
  for (const origin of ['https://app.example.com.evil.example', 'http://app.example.com', 'https://APP.example.com', 'https://app.example.com:444', 'https://other.example.com']) {
    t.equal(await post({ origin, 'sec-fetch-site': 'cross-site' }), 403, origin)
  }
  t.equal(await post({ referer: 'https://app.example.com/', 'sec-fetch-site': 'cross-site' }), 403, 'Referer is not on the list')
})

t.test('behind a proxy, the host is what Fastify takes for it', async (t) => {
  const headers = { host: 'internal:3000', 'x-forwarded-host': 'shop.example.com', 'x-forwarded-proto': 'https', origin: 'https://shop.example.com' }
  for (const [trustProxy, status] of [[true, 200], [false, 403]] as const) {
    const app = await appWith(t, {}, { server: { trustProxy } })
    t.equal((await app.inject({ method: 'POST', url: '/login/cookie', headers, payload: ann })).statusCode, status, `trustProxy: ${trustProxy}`)
  }
})

t.test('a bearer token needs none of it, and is judged as one beside a stray cookie', async (t) => {
  const app = await appWith(t, { backends: [cookie(), bearer()] })
  const { headers } = await login(app, 'bearer')
  const { cookies } = await login(app, 'cookie')
  const evil = { ...headers, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  t.equal((await app.inject({ method: 'POST', url: '/me', headers: evil })).statusCode, 200)
  t.equal((await app.inject({ method: 'POST', url: '/me', headers: evil, cookies: cookies as Record<string, string> })).statusCode, 200)
  t.equal((await app.inject({ method: 'POST', url: '/me', headers: evil, cookies: { fastifyusersauth: 'x' } })).statusCode, 200)
  t.equal((await app.inject({ method: 'POST', url: '/login/bearer', headers: { origin: 'https://evil.example' }, payload: ann })).statusCode, 200)
})
