import fc from 'fast-check'
import t from 'tap'
import { appWith, login } from '../helpers/app.js'
import { holds } from '../helpers/properties.js'

/** No foreign origin passes for an unsafe method with a cookie, however it dresses up as ours. */

const own = 'shop.example.com'
const trusted = 'https://app.example.com'

const word = fc.stringMatching(/^[a-z0-9]{1,8}$/)
const space = fc.constantFrom('', ' ', '\t', '%20', '\u00a0', '\0', '\n')
/** Hosts that are not ours, but look like it: by a prefix, a suffix, an end, a letter, an encoding. */
const foreignHost = fc.oneof(
  word.map((word) => `${word}.example`),
  word.map((word) => `${own}.${word}.example`),
  word.map((word) => `${word}${own}`),
  word.map((word) => `${word}.${own}`),
  fc.constantFrom('example.com', 'shop.example.co', 'shop.example.com.evil', 'shop-example.com', 'shop.exarnple.com', 'ѕhop.example.com', 'shop。example.com.evil.example', 'shop.example.com%2eevil.example', 'shop.example.com..', 'localhost', '127.0.0.1', '[::1]', 'null'),
  fc.constant(own),
  fc.constantFrom(8080, 81, 4430, 1).map((port) => `${own}:${port}`)
)
/** Before and behind the host. */
const before = fc.oneof(fc.constant(''), fc.constantFrom(`${own}@`, `${own}:80@`, `https:${own}@`, `${own}%2f@`, `${own}%00@`, `${own}\\@`.replace('\\', '%5c')))
const behind = fc.oneof(fc.constant(''), fc.constantFrom(`/${own}`, `/https://${own}/`, `?${own}`, `#${own}`, `/@${own}`, '/', ` https://${own}`, `, https://${own}`, `\\${own}`, `/\\${own}`))
const scheme = fc.constantFrom('foo://', 'http://', 'https://', 'HTTPS://', 'https:/', 'https:', 'ftp://', 'file://', 'chrome-extension://', 'android-app://', 'javascript:', 'data:', 'blob:https://', 'null ', '//', '')
const foreign = fc.oneof(
  fc.tuple(space, scheme, before, foreignHost, behind).map((parts) => parts.join('')),
  fc.constantFrom('null', '', 'about:blank', 'undefined', '*', 'https://', trusted.replace('https', 'http'), `${trusted}:444`, `${trusted}.evil.example`, `${trusted}/`, trusted.toUpperCase()),
  fc.string({ unit: 'binary', maxLength: 30 })
).filter((source) => !isOurs(source))

/** By a reading of its own, in favour of what is ours: a page of our host, on its default port, whoever is named in front of it. */
function isOurs (source: string): boolean {
  return source === trusted || /^[\s\0]*https?:[/\\]*(?:[^/?#\\@]*@)*shop(?:[.。．｡]|%2e)example(?:[.。．｡]|%2e)com(?::\d*)?(?:[/?#\\].*)?$/isu.test(source)
}

const method = fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE')
const route = fc.constantFrom('/own', '/users/me', '/logout/cookie')
const fetchSite = fc.oneof(fc.constantFrom('cross-site', 'same-site', 'Same-Origin', 'same-origin, cross-site', ' same-origin', 'null', ''), fc.string({ unit: 'binary', maxLength: 12 }).filter((site) => site !== 'same-origin' && site !== 'none'))
const json = fc.constantFrom<Record<string, string>>({}, { 'content-type': 'application/json' }, { 'x-requested-with': 'XMLHttpRequest' })

t.test('with a cookie', async (t) => {
  const app = await appWith(t, { trustedOrigins: [trusted], routes: { me: true } }, {
    routes: (app) => app.route({ method: ['POST', 'PUT', 'PATCH', 'DELETE'], url: '/own', onRequest: app.authenticate(), handler: async () => ({}) })
  })
  const { cookies } = await login(app, 'cookie')
  const isRefused = async (method: string, url: string, headers: Readonly<Record<string, string>>): Promise<boolean> => {
    const reply = await app.inject({ method: method as 'POST', url, cookies: cookies as Record<string, string>, headers: { host: own, ...headers }, ...('content-type' in headers ? { payload: '{}' } : {}) })
    // 404: there is no such method at this route. No 2xx, and no cookie.
    return [403, 404].includes(reply.statusCode) && reply.headers['set-cookie'] === undefined
  }

  holds(t, 'cross-site: a foreign Origin', 3000, fc.asyncProperty(foreign, method, route, json, fc.option(foreign, { nil: `https://${own}/` }), async (origin, method, route, more, referer) => {
    return await isRefused(method, route, { ...more, origin, referer })
  }))

  holds(t, 'cross-site: a foreign Referer, where there is no Origin', 2000, fc.asyncProperty(foreign, method, route, json, async (referer, method, route, more) => await isRefused(method, route, { ...more, referer })))

  holds(t, 'cross-site: what Sec-Fetch-Site says counts for more than ours in Origin', 1000, fc.asyncProperty(fetchSite, method, route, json, fc.constantFrom(`https://${own}`, 'https://evil.example', 'null'), async (site, method, route, more, origin) => {
    return await isRefused(method, route, { ...more, 'sec-fetch-site': site, origin })
  }))

  holds(t, 'cross-site: our own pages pass', 300, fc.asyncProperty(method, fc.constantFrom(`https://${own}`, `http://${own}`, trusted), json, async (method, origin, more) => !await isRefused(method, '/own', { ...more, origin })))

  t.test('and none of it has ended the session', async (t) => {
    t.equal((await app.inject({ url: '/me', cookies: cookies as Record<string, string> })).statusCode, 200)
  })
})
