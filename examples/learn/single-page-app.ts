// A page on one origin, the API on another one: CORS with credentials, preflight requests, SameSite, and trusted origins.
import cors from '@fastify/cors'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { cookie, memory, opaque, type FastifyUsersOptions } from 'fastify-users'

export interface Settings extends Partial<FastifyUsersOptions> {
  /** Origins of the pages: scheme, host and port, without a slash at the end. */
  readonly pages: string[]
  /** Whether the pages are on another site, and not just on another port or subdomain of this one. */
  readonly crossSite?: boolean
}

export async function buildApp ({ pages, crossSite = false, ...settings }: Settings): Promise<FastifyInstance> {
  const app = Fastify()

  // For the browser: which pages may send what, and read the replies. Before all else, so that it answers preflight requests itself.
  await app.register(cors, { origin: pages, credentials: true, methods: ['GET', 'POST', 'PATCH', 'DELETE'], maxAge: 600 })

  await app.register(fastifyUsers, {
    users: memory(),
    strategy: opaque(),
    backends: [cookie(crossSite
      // Needs HTTPS. Browsers that block third-party cookies drop it all the same, or keep one jar for each page that embeds yours.
      ? { cookieSameSite: 'none', cookiePartitioned: true }
      : { cookieSecure: process.env.NODE_ENV === 'production' })],
    routes: { me: true },
    // For the server: which pages' requests count as their user's.
    trustedOrigins: pages,
    ...settings
  })

  app.post('/notes', { onRequest: app.authenticate() }, async ({ user }, reply) => {
    reply.code(201)
    return { author: user.email }
  })
  return app
}

/** The page, as a static host would serve it. All that it knows of the API is its address. */
export function buildPage (api: () => string): FastifyInstance {
  const page = Fastify()
  page.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Notes</title>
<form><input name="email" value="ann@example.com"> <input name="password" type="password" value="correct horse battery staple"> <button>Log in</button></form>
<button id="note">Write a note</button>
<output></output>
<script type="module">
  async function call (method, path, body) {
    const json = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    // credentials: send and take cookies although it is another origin.
    const response = await fetch('${api()}' + path, { method, credentials: 'include', ...json })
    document.querySelector('output').value = response.status + ' ' + await response.text()
  }
  document.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault()
    call('POST', '/login/cookie', Object.fromEntries(new FormData(event.target)))
  })
  document.querySelector('#note').addEventListener('click', () => call('POST', '/notes'))
</script>`))
  return page
}

if (process.argv[1] === import.meta.filename) {
  const port = Number(process.env.PORT ?? 3000)
  const page = buildPage(() => url)
  const pageUrl = await page.listen({ host: '127.0.0.1', port: port === 0 ? 0 : port + 1 })
  const app = await buildApp({ pages: [pageUrl] })
  const ann = { email: 'ann@example.com', password: 'correct horse battery staple' }
  await app.users.create(ann)
  const url = await app.listen({ host: '127.0.0.1', port })
  console.log(`The page is at ${pageUrl}, the API at ${url}. Open the page, or paste these into another terminal:

  curl -i -X OPTIONS -H 'origin: ${pageUrl}' -H 'access-control-request-method: PATCH' ${url}/users/me     # 204, what the page may send
  curl -i -c jar.txt -H 'origin: ${pageUrl}' -H 'content-type: application/json' -d '${JSON.stringify(ann)}' ${url}/login/cookie     # 200
  curl -i -b jar.txt -H 'origin: ${pageUrl}' -X POST ${url}/notes     # 201
  curl -i -b jar.txt -H 'origin: https://evil.example' -X POST ${url}/notes     # 403

Ctrl-C ends it.`)
}
