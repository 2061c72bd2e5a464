// "Remember me": a cookie that ends with the browser's session, or one that lasts, and how long the server takes each.
// Start it by `npm run learn -- remember-me`, then open http://127.0.0.1:3000 or paste the curl lines that it prints.
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { cookie, memory, opaque, type FastifyUsersOptions } from 'fastify-users'

const production = process.env.NODE_ENV === 'production'
const ann = { email: 'ann@example.com', password: 'correct horse battery staple' }

export async function buildApp (settings: Partial<FastifyUsersOptions> = {}): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(fastifyUsers, {
    users: memory(),
    strategy: opaque(),
    backends: [cookie({
      cookieName: production ? '__Host-session' : 'session',
      cookieSecure: production,
      lifetimeSeconds: 2 * 3600, // without the tick: two hours, or until the browser is closed
      rememberSeconds: 30 * 24 * 3600 // with it: thirty days
    })],
    // A form wants a page for an answer.
    hooks: {
      onAfterLogin: (_user, { headers }, reply) => headers.accept?.includes('text/html') === true ? reply.redirect('/', 303) : undefined,
      onAfterLogout: (_user, { headers }, reply) => headers.accept?.includes('text/html') === true ? reply.redirect('/', 303) : undefined
    },
    ...settings
  })
  await app.users.create(ann)

  // What the server goes by, whatever the browser does with the cookie.
  app.get('/session', { onRequest: app.authenticate() }, async ({ auth }, reply) => {
    reply.header('cache-control', 'no-store')
    return auth && { from: new Date(auth.session.issuedAt), until: new Date(auth.session.expiresAt) }
  })

  app.get('/', { onRequest: app.authenticate({ optional: true }) }, async ({ auth }, reply) => {
    reply.header('cache-control', 'no-store').type('text/html; charset=utf-8')
    return page(auth === null ? loginForm : logoutForm(auth.session.expiresAt))
  })
  return app
}

const loginForm = `<form method="post" action="/login/cookie">
  <p><label>Email <input name="email" type="email" autocomplete="username" required value="${ann.email}"></label>
  <p><label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <p><label><input name="remember" type="checkbox"> Remember me on this device</label>
  <p><button>Log in</button>
</form>`

function logoutForm (expiresAt: number): string {
  return `<p>You are logged in until ${new Date(expiresAt).toUTCString()}, if the browser does not forget the cookie before.</p>
<form method="post" action="/logout/cookie"><button>Log out</button></form>`
}

function page (content: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Remember me</title>
<h1>Remember me</h1>
${content}`
}

if (process.argv[1] === import.meta.filename) {
  const app = await buildApp()
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  const login = (remember: boolean): string => `-H 'content-type: application/json' -d '${JSON.stringify({ ...ann, remember })}' ${url}/login/cookie`
  console.log(`Open ${url} in a browser, the password is "${ann.password}". Or paste these into another terminal:

  curl -i -c short.txt ${login(false)}     # 200, a cookie without Max-Age
  curl -i -b short.txt ${url}/session     # 200, two hours
  curl -i -c long.txt ${login(true)}     # 200, Max-Age=2592000
  curl -i -b long.txt ${url}/session     # 200, thirty days

Ctrl-C ends it.`)
}
