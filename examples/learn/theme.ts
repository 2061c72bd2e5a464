// A theme switcher: the server renders the theme that a cookie asks for, and a script changes both without a reload.
// Start it by `npm run learn -- theme`, then open http://127.0.0.1:3000 or paste the curl lines that it prints.
import cookie from '@fastify/cookie'
import Fastify, { type FastifyInstance } from 'fastify'

const themes = ['auto', 'light', 'dark']
const year = 365 * 24 * 3600
// Not HttpOnly, for the page's script writes it, too. Nothing that matters depends on it.
const attributes = { path: '/', sameSite: 'lax', maxAge: year } as const

export async function buildApp (): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(cookie)
  app.addContentTypeParser<string>('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(body)))
  })

  app.get('/', async (request, reply) => {
    reply.header('cache-control', 'no-store').type('text/html; charset=utf-8')
    return page(themes.find((theme) => theme === request.cookies.theme) ?? 'auto')
  })

  // For browsers without script. 303 has them fetch the page by GET, so that a reload sends no form again.
  const body = { type: 'object', required: ['theme'], properties: { theme: { enum: themes } } }
  app.post<{ Body: { theme: string } }>('/theme', { schema: { body } }, async (request, reply) => {
    return await reply.setCookie('theme', request.body.theme, attributes).redirect('/', 303)
  })
  return app
}

/** @param theme one of `themes`: anything else would have to be escaped */
function page (theme: string): string {
  return `<!doctype html>
<html lang="en" data-theme="${theme}">
<meta charset="utf-8">
<title>Theme</title>
<style>
  :root { color-scheme: light dark }
  [data-theme=light] { color-scheme: light }
  [data-theme=dark] { color-scheme: dark }
</style>
<h1>Theme</h1>
<form method="post" action="/theme">
  ${themes.map((name) => `<label><input type="radio" name="theme" value="${name}"${name === theme ? ' checked' : ''}> ${name}</label>`).join('\n  ')}
  <button>Save</button>
</form>
<script type="module">
  document.querySelector('form').addEventListener('change', ({ target }) => {
    document.documentElement.dataset.theme = target.value
    document.cookie = 'theme=' + target.value + '; Path=/; SameSite=Lax; Max-Age=${year}'
  })
</script>`
}

if (process.argv[1] === import.meta.filename) {
  const app = await buildApp()
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  console.log(`Open ${url} in a browser, or paste these into another terminal:

  curl -i ${url}     # 200, data-theme="auto"
  curl -i -c jar.txt -d theme=dark ${url}/theme     # 303, Set-Cookie
  curl -i -b jar.txt ${url}     # 200, data-theme="dark"
  curl -i -d theme=pink ${url}/theme     # 400
  curl -i -b 'theme="><script>alert(1)</script>' ${url}     # 200, data-theme="auto"

Ctrl-C ends it.`)
}
