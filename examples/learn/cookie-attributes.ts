// Cookies with each attribute that there is: set, read, updated and deleted with @fastify/cookie, also signed ones.
// Start it by `npm run learn -- cookie-attributes`, then open http://127.0.0.1:3000 or paste the curl lines that it prints.
import { randomBytes } from 'node:crypto'
import cookie, { type CookieSerializeOptions } from '@fastify/cookie'
import Fastify, { type FastifyInstance } from 'fastify'

const day = 24 * 3600

// A cookie is known by its name, path and domain. They stand here once, so that to update and to delete name the same.
const cookies: Record<string, CookieSerializeOptions> = {
  plain: { path: '/' },
  lasting: { path: '/', maxAge: 30 * day },
  dated: { path: '/', get expires () { return new Date(Date.now() + day * 1000) } },
  narrow: { path: '/narrow' },
  wide: { path: '/', domain: 'example.com' },
  hidden: { path: '/', httpOnly: true },
  encrypted: { path: '/', secure: true },
  strict: { path: '/', sameSite: 'strict' },
  everywhere: { path: '/', sameSite: 'none', secure: true },
  embedded: { path: '/', sameSite: 'none', secure: true, partitioned: true },
  signed: { path: '/', signed: true },
  '__Secure-wide': { path: '/', domain: 'example.com', secure: true },
  '__Host-best': { path: '/', secure: true, httpOnly: true, maxAge: day }
}

const params = { type: 'object', properties: { name: { enum: Object.keys(cookies) } } }
// Up to 300 printable characters of ASCII: encoded, they are 900 bytes at most, and far from what browsers drop.
const body = { type: 'object', required: ['value'], properties: { value: { type: 'string', pattern: '^[ -~]{1,300}$' } } }

export async function buildApp (secret = process.env.COOKIE_SECRET ?? randomBytes(32)): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(cookie, { secret })

  // To update a cookie is to set it again.
  app.put<{ Params: { name: string }, Body: { value: string } }>('/cookies/:name', { schema: { params, body } }, async (request, reply) => {
    const { name } = request.params
    reply.setCookie(name, request.body.value, cookies[name])
    return { set: name }
  })

  app.delete<{ Params: { name: string } }>('/cookies/:name', { schema: { params } }, async (request, reply) => {
    const { name } = request.params
    reply.clearCookie(name, cookies[name])
    return { deleted: name }
  })

  // Two paths, to see which cookies come along to which.
  for (const path of ['/cookies', '/narrow/cookies']) {
    app.get(path, async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const { signed, ...others } = request.cookies
      // Whoever changes the value of a signed cookie makes it worthless.
      const { valid, value } = request.unsignCookie(signed ?? '')
      return valid ? { ...others, signed: value } : others
    })
  }

  app.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(page))
  return app
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Cookies</title>
<h1>Cookies</h1>
<form>
  <select name="name">${Object.keys(cookies).map((name) => `<option>${name}</option>`).join('')}</select>
  <input name="value" value="chocolate" required maxlength="300">
  <button value="PUT">Set</button> <button value="DELETE">Delete</button>
</form>
<p>The server gets at /cookies: <output id="server"></output></p>
<p>The server gets at /narrow/cookies: <output id="narrow"></output></p>
<p>A script reads: <output id="script"></output></p>
<script type="module">
  async function show () {
    // As text, not as HTML: what stands in a cookie may have been written by anybody.
    document.querySelector('#server').value = await (await fetch('/cookies')).text()
    document.querySelector('#narrow').value = await (await fetch('/narrow/cookies')).text()
    document.querySelector('#script').value = document.cookie
  }
  document.querySelector('form').addEventListener('submit', async (event) => {
    event.preventDefault()
    const { name, value } = Object.fromEntries(new FormData(event.target))
    const method = event.submitter.value
    const json = method === 'PUT' && { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ value }) }
    await fetch('/cookies/' + name, { method, ...json })
    await show()
  })
  await show()
</script>`

if (process.argv[1] === import.meta.filename) {
  const app = await buildApp()
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  const json = "-H 'content-type: application/json'"
  console.log(`Open ${url} in a browser, or paste these into another terminal:

  curl -i -c jar.txt -X PUT ${json} -d '{"value":"chocolate"}' ${url}/cookies/lasting     # 200, Set-Cookie
  curl -i -b jar.txt -c jar.txt -X PUT ${json} -d '{"value":"vanilla"}' ${url}/cookies/signed     # 200, with a signature
  curl -i -b jar.txt ${url}/cookies     # 200, both
  curl -i -b 'signed=vanilla.x' ${url}/cookies     # 200, but none: the signature is forged
  curl -i -b jar.txt -c jar.txt -X DELETE ${url}/cookies/lasting     # 200, Set-Cookie with a date that is over
  curl -i -b jar.txt ${url}/cookies     # 200, the signed one

Ctrl-C ends it.`)
}
