import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Validator } from '@seriousme/openapi-schema-validator'
import t, { type Test } from 'tap'
import { hasCurl, plainEnv, untilReady } from '../helpers/program.js'

// In one file, so that they run one after the other: each command makes dist/ anew.

const run = promisify(execFile)
const windows = process.platform === 'win32' && 'Ctrl-C is sent to a process group'

const forGuests = ['/login', '/register', '/forgot-password', '/reset-password', '/verify', '/change-email']
const forMembers = ['/account', '/sessions', '/users']
const policy = "default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none';require-trusted-types-for 'script';trusted-types 'none'"

t.test('npm run demo: its curl lines answer what they say', { skip: windows || (!hasCurl() && 'no curl') }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fastify-users-test-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  const { url, output, next, end } = await start(t, ['npm', 'run', '--silent', 'demo'], { TMPDIR: folder })
  t.match(output(), /log in as demo@example\.com with the password "correct horse battery staple"/)

  // What a reader would paste, line by line into one shell; each says behind # what it answers.
  const lines = output().split('\n').map((line) => line.trim()).filter((line) => /^(?:curl|TOKEN=)/.test(line))
  const expected = lines.flatMap((line) => /# (\d+)/.exec(line)?.[1] ?? [])
  t.strictSame(expected, ['401', '200', '200', '200', '401', '200', '200', '200', '401', '200', '200', '200', '200', '204', '401', '401', '200', '201', '202'])
  const { stdout } = await run('bash', ['-c', lines.map((line) => line.replace('curl ', 'curl -sS ')).join('\n')], { cwd: folder })
  t.strictSame([...stdout.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status), expected)
  t.match(stdout, /^set-cookie: fastifyusersauth=[\w.-]+; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax\r$/m)
  t.match(stdout, /^set-cookie: session_refresh=[\w.-]+; Max-Age=1209600; Path=\/refresh\/session; HttpOnly; SameSite=Lax\r$/m)
  const sessions = JSON.parse(/^(\{"items":.*"current".*\})HTTP/m.exec(stdout)?.[1] ?? '{"items":[]}') as { items: Array<{ backend: string, current: boolean }> }
  t.strictSame(sessions.items.map(({ backend, current }) => [backend, current]).sort(), [['session', false], ['session', true]])
  t.equal(stdout.split('"email":"demo@example.com"').length - 1, 8, 'the user: three times by cookie and bearer token, in the list, and four times by session')

  // A mail leaves behind the reply.
  for (let chunks = 0; chunks < 20 && !output().includes('/reset-password#'); chunks++) await next()
  const links = [...output().matchAll(/^Mail to ann@example\.com: .+\n {2}(http:\/\/127\.0\.0\.1:\d+)(\/[\w-]+)#token=(\S+)$/mg)]
  t.strictSame(links.map(([, , path]) => path), ['/verify', '/reset-password'])
  for (const [, origin = '', path = '', token = ''] of links) {
    t.match(await (await fetch(origin + path)).text(), /<!doctype html>/, `a page at ${path}`)
    const reply = await fetch(origin + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token, password: 'horse battery staple' }) })
    t.equal(reply.status, 200)
  }

  const document = await (await fetch(`${url}/docs/json`)).json() as Document
  t.equal(document.openapi, '3.1.0')
  t.strictSame(await new Validator().validate(document as unknown as Record<string, unknown>), { valid: true })
  const schemes = Object.keys(document.components.securitySchemes)
  t.strictSame(schemes, ['cookie', 'bearer', 'session'])
  t.strictSame(document.paths['/me']?.get?.security, [{ cookie: [] }, { bearer: [] }, { session: [] }])
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))
  t.ok(operations.length > 25)
  t.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length, 'each has an id of its own')
  for (const { operationId, summary, security, responses } of operations) {
    t.ok(typeof operationId === 'string' && typeof summary === 'string', `${operationId} has a summary`)
    t.ok(security.flatMap(Object.keys).every((scheme) => schemes.includes(scheme)), `${operationId} names schemes that are there`)
    t.ok(Object.values(responses).every(({ description }) => description !== 'Default Response'), `${operationId} says what its replies are`)
  }
  t.equal((await fetch(`${url}/docs`)).status, 200)

  const busy = await run(process.execPath, ['build/examples/quickstart.js'], { env: { ...plainEnv(), PORT: new URL(url).port } }).catch((error: object) => error)
  t.match(busy, { code: 1, stderr: `Something else listens on port ${new URL(url).port}. Choose another one: PORT=${Number(new URL(url).port) + 1} npm run demo\n` })

  await end()
  t.match(output(), /Bye\.\n$/)
  t.strictSame(readdirSync(folder).filter((name) => name.startsWith('fastify-users-demo-')), [], 'nothing is left behind')
})

t.test('npm run example:web: pages, headers and the life of an account', { skip: windows }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fastify-users-test-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  const { url, output, end } = await start(t, ['npm', 'run', '--silent', 'example:web'], {})
  t.match(output(), /log in as admin@example\.com with the password "correct horse battery staple"/)

  await t.test('pages for everybody', async (t) => {
    for (const path of forGuests) await page(t, url, path, 200)
    await page(t, url, '/nowhere', 404)
    for (const path of ['/', ...forMembers]) {
      const reply = await fetch(url + path, { redirect: 'manual' })
      t.equal(reply.status, 302)
      t.equal(reply.headers.get('location'), path === '/' ? '/account' : `/login?next=${path}`)
    }
  })

  const ann = { name: 'Ann', email: 'ann@example.com', password: 'staple battery horse' }
  const admin = { email: 'admin@example.com', password: 'correct horse battery staple' }

  await t.test('an account', async (t) => {
    t.match(await call(url, 'POST', '/register', { ...ann, password: 'short' }), { status: 400, body: { code: 'REGISTER_INVALID_PASSWORD' } })
    t.match(await call(url, 'POST', '/register', ann), { status: 201, body: { name: 'Ann', isVerified: false, isSuperuser: false } })
    t.match(await call(url, 'POST', '/verify', { token: await nextToken(url, '/verify') }), { status: 200, body: { isVerified: true } })

    const { cookie } = await logIn(t, url, ann, /^session=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax$/)
    const remembered = await logIn(t, url, { ...ann, remember: true }, /^session=[\w.-]+; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/)
    for (const path of ['/account', '/sessions']) t.notMatch(await page(t, url, path, 200, cookie), /ann@example\.com|"\/users"/, 'nothing of the user stands in the page')
    t.match(await page(t, url, '/users', 403, cookie), /Only superusers/)
    t.equal((await fetch(`${url}/login`, { headers: { cookie }, redirect: 'manual' })).headers.get('location'), '/account')

    const { body: { items } } = await call(url, 'GET', '/sessions', undefined, cookie)
    t.strictSame((items as Array<{ current: boolean }>).map(({ current }) => current).sort(), [false, true])
    t.match(await call(url, 'DELETE', '/sessions', undefined, cookie), { status: 204 })
    t.match(await call(url, 'GET', '/users/me', undefined, remembered.cookie), { status: 401 })

    t.match(await call(url, 'PATCH', '/users/me', { email: 'ann@example.org', currentPassword: ann.password }, cookie), { status: 200, body: { email: 'ann@example.com' } })
    t.match(await call(url, 'POST', '/change-email', { token: await nextToken(url, '/change-email') }), { status: 200, body: { email: 'ann@example.org' } })
    t.match(await call(url, 'POST', '/forgot-password', { email: 'ann@example.org' }), { status: 202 })
    t.match(await call(url, 'POST', '/reset-password', { token: await nextToken(url, '/reset-password'), password: 'horse battery staple' }), { status: 200 })

    const again = await logIn(t, url, { email: 'ann@example.org', password: 'horse battery staple' })
    t.match(await call(url, 'POST', '/logout/cookie', undefined, again.cookie), { status: 200 })
    t.equal((await fetch(`${url}/account`, { headers: { cookie: again.cookie }, redirect: 'manual' })).status, 302)
    await page(t, url, '/login', 200, again.cookie)
  })

  await t.test('superusers', async (t) => {
    const { cookie } = await logIn(t, url, admin)
    t.match(await page(t, url, '/users', 200, cookie), /<a href="\/users" aria-current="page">/)
    const { body: { items } } = await call(url, 'GET', '/users', undefined, cookie)
    t.strictSame((items as Array<{ email: string }>).map(({ email }) => email), ['admin@example.com', 'ann@example.org'])
  })

  const port = new URL(url).port
  const busy = await run(process.execPath, ['build/examples/web/server.js'], { env: { ...plainEnv(), PORT: port } }).catch((error: object) => error)
  t.match(busy, { code: 1, stderr: `Something else listens on port ${port}. Choose another one: PORT=${Number(port) + 1} npm run example:web\n` })
  await end()
  t.match(output(), /Bye\.\n$/)

  await t.test('in development it is for this machine alone', async (t) => {
    for (const HOST of ['0.0.0.0', '::', '192.0.2.1']) {
      const refused = await run(process.execPath, ['build/examples/web/server.js'], { env: { ...plainEnv(), PORT: '0', HOST } }).catch((error: object) => error)
      t.match(refused, { code: 1, stdout: '', stderr: /^In development whoever reaches this site/ })
    }
  })

  const DATABASE = join(folder, 'users.db')
  await t.test('a file that may be taken along has no superuser whom everybody knows', async (t) => {
    const { url, output, end } = await start(t, [process.execPath, 'build/examples/web/server.js'], { DATABASE })
    t.notMatch(output(), /password/)
    t.match(await call(url, 'POST', '/login/cookie', admin), { status: 400 })
    t.match(await call(url, 'POST', '/register', ann), { status: 201 })
    await end()
  })

  await t.test('in production there is no mailbox, and the cookie wants HTTPS', async (t) => {
    const env = { DATABASE, NODE_ENV: 'production', BASE_URL: 'https://quay.example.com', SMTP_URL: 'smtp://127.0.0.1:1', MAIL_FROM: 'Quay <quay@example.com>' }
    const { url, output, end } = await start(t, [process.execPath, 'build/examples/web/server.js'], env)
    t.notMatch(output(), /password/)
    t.notMatch(await page(t, url, '/login', 200), /mails|correct horse/)
    await page(t, url, '/dev/mails', 404)
    t.match(await call(url, 'POST', '/login/cookie', admin), { status: 400 })
    await logIn(t, url, ann, /^__Host-session=[\w.-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    await end()
  })
})

t.test('npm run learn: lists the tutorials, and builds and starts one', { skip: windows }, async (t) => {
  const learn = async (...args: string[]) => await run('npm', ['run', '--silent', 'learn', '--', ...args], { env: { ...plainEnv(), PORT: port } }).catch((error: object) => error)
  const taken = createServer().listen(0, '127.0.0.1')
  t.after(() => { taken.close() })
  await once(taken, 'listening')
  const port = String((taken.address() as AddressInfo).port)

  const names = readdirSync('examples/learn').filter((file) => file.endsWith('.ts'))
  const lines = new RegExp(`start one by npm run learn -- NAME:\n\n(?:  [\\w-]+ +[^ /].{20,}\n){${names.length}}$`, 'i')
  t.match(await learn(), { stdout: lines })
  t.match(await learn('nowhere'), { code: 1, stdout: lines, stderr: 'There is no tutorial "nowhere".' })
  t.match(await learn('cookie-attributes'), { code: 1, stderr: `Something else listens on port ${port}. Choose another one: PORT=${Number(port) + 1} npm run learn -- cookie-attributes\n` })
})

interface Document {
  readonly openapi: string
  readonly components: { readonly securitySchemes: object }
  readonly paths: Record<string, Record<string, { operationId?: string, summary?: string, security: object[], responses: Record<string, { description: string }> }>>
}

interface Example {
  readonly url: string
  output (): string
  /** When it prints more. */
  next (): Promise<unknown>
  end (): Promise<unknown>
}

async function start (t: Test, [command = '', ...args]: string[], env: Record<string, string>): Promise<Example> {
  const example = spawn(command, args, { env: { ...plainEnv(), PORT: '0', ...env }, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const ended = new Promise((resolve) => example.once('exit', resolve))
  t.after(() => { if (example.exitCode === null && example.signalCode === null) process.kill(-(example.pid as number), 'SIGKILL') })

  const output = await untilReady(example)
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(output()) ?? []
  return {
    url,
    output,
    next: () => once(example.stdout, 'data'),
    // Ctrl-C in a terminal reaches the whole group.
    end: () => process.kill(-(example.pid as number), 'SIGINT') && ended
  }
}

const checked = new Set<string>()

/** A page, once its headers are right, nothing in it is against its policy, and all that it loads is there. */
async function page (t: Test, url: string, path: string, status: number, cookie = ''): Promise<string> {
  const reply = await fetch(url + path, { headers: { cookie } })
  const html = await reply.text()
  t.equal(reply.status, status, `GET ${path}`)
  t.match(Object.fromEntries(reply.headers), {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': policy,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff'
  })
  t.notMatch(html, /<style|\sstyle=|\son\w+=|<script(?![^>]* src=)|\{\{/, 'no style, no script and no gap in the page')
  t.match(html, /<html lang="en">[^]*<title>[^<]+ · Quay<\/title>[^]*<main[^]*<h1/)

  const found = new Set([...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, asset = '']) => asset))
  t.ok(found.size > 2)
  for (const asset of found) {
    if (checked.has(url + asset)) continue
    checked.add(url + asset)
    const reply = await fetch(url + asset)
    const text = await reply.text()
    t.equal(reply.status, 200, asset)
    t.match(reply.headers.get('content-type'), asset.endsWith('.js') ? '/javascript' : asset.endsWith('.css') ? 'text/css' : 'image/svg+xml')
    for (const [, name = ''] of text.matchAll(/from '\.\/([^']+)'/g)) found.add(`/assets/${name}`)
    for (const [, name = ''] of text.matchAll(/url\((\/assets\/[^)]+)\)/g)) found.add(name)
  }
  return html
}

async function call (url: string, method: string, path: string, body?: object, cookie = ''): Promise<{ status: number, headers: Headers, body: Record<string, unknown> }> {
  const json = body === undefined ? {} : { headers: { 'content-type': 'application/json', origin: url, cookie }, body: JSON.stringify(body) }
  const reply = await fetch(`${url}/api${path}`, { method, headers: { origin: url, cookie }, ...json })
  return { status: reply.status, headers: reply.headers, body: reply.status === 204 ? {} : await reply.json() as Record<string, unknown> }
}

async function logIn (t: Test, url: string, body: object, expected = /./): Promise<{ cookie: string }> {
  const { status, headers } = await call(url, 'POST', '/login/cookie', body)
  t.equal(status, 200)
  const [set = '', ...others] = headers.getSetCookie()
  t.match(set, expected)
  t.strictSame(others, [])
  return { cookie: set.replace(/;.*/, '') }
}

/** What the page behind the newest link would read from its address. A mail leaves behind the reply. */
async function nextToken (url: string, path: string): Promise<string> {
  for (let tries = 0; tries < 50; tries++) {
    const mails = await (await fetch(`${url}/dev/mails`)).json() as Array<{ text: string }>
    const [, token] = mails.map(({ text }) => /http:\/\/[^/]+(\/[\w-]+)#token=(\S+)/.exec(text)).find((link) => link?.[1] === path)?.slice(1) ?? []
    if (token !== undefined) return token
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`no mail with a link to ${path}`)
}
