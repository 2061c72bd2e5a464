// What a page, another site or the next person at the screen may try, in a browser that has its own say in it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { siteSuite, test } from './site.js'
import { logIn, logOut } from './steps.js'

siteSuite('What others may try', (site) => {
  test('no script sees the token', async (t) => {
    const page = await site.visit(t, '/login')
    await logIn(page, await site.addUser('Ann'))
    const [cookie, ...others] = await page.context().cookies()
    assert.deepEqual(others, [])
    assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite, cookie.path], ['session', true, 'Lax', '/'])
    const seen = await page.evaluate('JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, document.documentElement.outerHTML])')
    assert.match(seen, /^\["",\{\},\{\},/)
    assert.equal(seen.includes(cookie.value), false)
  })

  // "localhost" is another site than 127.0.0.1. A page on another port is of the same site: the browser sends it the cookie.
  for (const [kind, host, cookie] of [['another site', 'localhost', false], ['a neighbour on the same site', '127.0.0.1', true]]) {
    test(`what ${kind} sends is refused`, async (t) => {
      const bo = await site.addUser(cookie ? 'Bo' : 'Bea')
      const page = await site.visit(t, '/login', { expected: /CORS policy/ })
      await logIn(page, bo)
      const before = await page.context().cookies()
      const { email, password } = site.superuser
      const port = await serve(t, `<!doctype html><title>Prizes</title>
        <form id="log-out" method="post" action="${site.url}/api/logout/cookie"><button>Win</button></form>
        <form id="log-in" method="post" action="${site.url}/api/login/cookie">
          <input name="email" value="${email}"><input name="password" value="${password}"><button>Win</button>
        </form>`)
      const evil = await page.context().newPage()
      const come = note(t, site.app.server)
      // Without the cookie they are nobody, who cannot log out. To log in somebody else takes none.
      const toLogOut = { method: 'POST', path: '/api/logout/cookie', cookie, status: cookie ? 403 : 401 }
      const toLogIn = { method: 'POST', path: '/api/login/cookie', cookie, status: 403 }

      for (const [form, expected] of [['#log-out', toLogOut], ['#log-in', toLogIn]]) {
        await evil.goto(`http://${host}:${port}/`)
        await evil.locator(`${form} button`).click()
        await evil.waitForURL(site.url + expected.path)
        await evil.getByText(expected.status === 403 ? 'CROSS_SITE_REQUEST' : 'UNAUTHORIZED').waitFor()
        assert.deepEqual(come.splice(0), [expected])
      }

      // The same by a script: simple requests, which the browser asks nobody about before it sends them.
      await evil.goto(`http://${host}:${port}/`)
      await send(evil, 'POST', `${site.url}/api/logout/cookie`, { mode: 'no-cors' })
      await send(evil, 'POST', `${site.url}/api/login/cookie`, { mode: 'no-cors', form: String(new URLSearchParams({ email, password })) })
      assert.deepEqual(come.splice(0), [toLogOut, toLogIn])
      // What is not simple is asked about first, and nobody says yes.
      for (const [method, path] of [['PATCH', '/api/users/me'], ['DELETE', '/api/sessions']]) {
        await send(evil, method, site.url + path, { mode: 'cors' })
        assert.deepEqual(come.splice(0).map(({ method, path }) => [method, path]), [['OPTIONS', path]])
      }

      assert.deepEqual(await page.context().cookies(), before, 'the cookie is as it was')
      await page.reload()
      await page.getByRole('heading', { name: bo.name }).waitFor()
    })
  }

  test('a page cannot be put into a frame', async (t) => {
    const port = await serve(t, `<!doctype html><title>Prizes</title><iframe src="${site.url}/login"></iframe>`)
    const page = await site.visit(t, '/login', { expected: /frame-ancestors/ })
    const refused = page.context().waitForEvent('console', (message) => message.text().includes('frame-ancestors'))
    await page.goto(`http://127.0.0.1:${port}/`)
    await refused
    assert.doesNotMatch(await page.frames()[1].content(), /Welcome back/)
  })

  test('no script runs but the site\'s own', async (t) => {
    const page = await site.visit(t, '/login', { expected: /Content Security Policy|Trusted/ })
    // As if a fault of the site let somebody write into its pages.
    await page.route('/login', async (route) => {
      const response = await route.fetch()
      const body = (await response.text()).replace('<main', `
        <script>window.ran = 'inline'</script>
        <img src="/none.png" onerror="window.ran = 'handler'">
        <script src="data:text/javascript,window.ran='data'"></script>
        <script src="http://localhost:${new URL(site.url).port}/assets/page.js"></script>
        <style>main { display: none }</style>
        <base href="https://example.com/">
        $&`)
      await route.fulfill({ response, body })
    })
    const blocked = new Set()
    await page.exposeFunction('blocked', (directive) => blocked.add(directive))
    await page.addInitScript("addEventListener('securitypolicyviolation', ({ effectiveDirective }) => window.blocked(effectiveDirective))")
    await page.goto('/login')
    await page.getByRole('button', { name: 'Log in', disabled: false }).waitFor()

    assert.equal(await page.evaluate('window.ran'), undefined)
    assert.equal(await page.evaluate("getComputedStyle(document.querySelector('main')).display"), 'block')
    assert.equal(await page.evaluate('document.baseURI'), `${site.url}/login`)
    assert.deepEqual([...blocked].sort(), ['base-uri', 'script-src-attr', 'script-src-elem', 'style-src-elem'])

    // A script of the site that was careless with text: neither does it become HTML, nor may it be sent away.
    for (const careless of ["document.body.innerHTML = '<b>'", "document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = 1' }))", "setTimeout('window.ran = 1')"]) {
      assert.match(await page.evaluate(`(() => { try { ${careless} } catch (error) { return error.name } })()`), /TypeError|EvalError/)
    }
    assert.equal(await page.evaluate(`new Promise((resolve) => {
      addEventListener('securitypolicyviolation', ({ effectiveDirective }) => { resolve(effectiveDirective) })
      fetch('http://localhost:1/').then(resolve, () => {})
    })`), 'connect-src')
  })

  test('after a logout the way back shows nothing that was private', async (t) => {
    const cyd = await site.addUser('Cyd')
    const page = await site.visit(t, '/login')
    await logIn(page, cyd)
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.waitForURL('/sessions')
    await logOut(page)
    for (const path of ['/login?next=/sessions', '/login?next=/account']) {
      await page.goBack()
      await page.waitForURL(path)
      assert.doesNotMatch(await page.content(), /cyd|This one/i)
    }
  })

  test('nor does a browser that keeps pages in memory, whatever they say', async (t) => {
    const dot = await site.addUser('Dot')
    const page = await site.visit(t, '/login')
    await page.route(/\/(?:account|sessions)$/, async (route) => {
      if (route.request().resourceType() !== 'document') return await route.continue()
      const response = await route.fetch()
      const { 'cache-control': kept, ...headers } = response.headers()
      assert.equal(kept, 'no-store')
      await route.fulfill({ response, headers })
    })
    const shown = []
    await page.exposeFunction('shown', (how) => shown.push(how))
    await page.addInitScript("addEventListener('pageshow', ({ persisted }) => window.shown(location.pathname + (persisted ? ' from memory' : '')))")

    await logIn(page, dot)
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByText('This one').waitFor()
    // From elsewhere: this browser knows nothing of it yet.
    const { id } = await site.app.users.getByEmail(dot.email)
    await site.app.users.revokeSessions(id)
    await page.unrouteAll()
    await page.evaluate('history.back()')
    await page.waitForURL('/login?next=/account')
    assert.ok(shown.includes('/account from memory'), `it was kept: ${shown}`)
  })

  test('a link to the login puts no words on the page but those that are meant', async (t) => {
    const page = await site.visit(t, '/login')
    for (const [done, words] of [['logout', 'You are logged out.'], ['constructor', ''], ['__proto__', ''], ['toString', ''], ['<b>x</b>', '']]) {
      await page.goto(`/login?${new URLSearchParams({ done })}`)
      // By now the script has run.
      await page.locator('#login > button:enabled').waitFor()
      assert.equal(await page.locator('#login .message').textContent(), words, done)
    }
  })
})

/** Somebody else's page, on the same machine. */
async function serve (t, html) {
  const server = createServer((_request, reply) => { reply.setHeader('content-type', 'text/html').end(html) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return server.address().port
}

/** What reaches a server from now on, and what becomes of it, but for what only asks: open pages do that all the time. */
function note (t, server) {
  const come = []
  const onRequest = (request, reply) => reply.once('finish', () => {
    const { method, url: path, headers } = request
    if (method !== 'GET') come.push({ method, path, cookie: headers.cookie !== undefined, status: reply.statusCode })
  })
  server.on('request', onRequest)
  t.after(() => { server.off('request', onRequest) })
  return come
}

/** As a script of the page would, with all that the browser adds. The page does not get to see the answer. */
async function send (page, method, url, { mode, form = '' }) {
  const body = form === '' ? {} : { body: form, headers: { 'content-type': 'application/x-www-form-urlencoded' } }
  const options = JSON.stringify({ method, mode, credentials: 'include', ...body })
  assert.equal(await page.evaluate(`fetch('${url}', ${options}).then(() => 'seen', String)`), 'TypeError: Failed to fetch')
}
