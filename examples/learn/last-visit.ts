// "Your last visit was on …": times in a cookie, read with suspicion, and what counts as a visit.
// Start it by `npm run learn -- last-visit`, then open http://127.0.0.1:3000 or paste the curl lines that it prints.
import cookie from '@fastify/cookie'
import Fastify, { type FastifyInstance } from 'fastify'

const name = 'visits'
const attributes = { path: '/', httpOnly: true, sameSite: 'lax', maxAge: 365 * 24 * 3600 } as const
// Who comes back after half an hour begins a new visit; each page of a visit tells the same last one.
const pauseSeconds = 1800

interface Visits {
  /** When the visit before this one ended: seconds since 1970, or 0 if there was none. */
  readonly last: number
  /** The latest page of this visit. */
  readonly seen: number
}

export async function buildApp ({ clock = Date.now } = {}): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(cookie)

  app.get('/', async (request, reply) => {
    const now = Math.floor(clock() / 1000)
    const { last, seen } = read(request.cookies[name], now) ?? { last: 0, seen: now }
    const visits = { last: now - seen > pauseSeconds ? seen : last, seen: now }
    reply.setCookie(name, `${visits.last}.${visits.seen}`, attributes)
    // A page from a cache would tell the time of somebody else, or of yesterday.
    reply.header('cache-control', 'no-store').type('text/html; charset=utf-8')
    return page(visits.last === 0 ? 'Welcome, this is your first visit.' : `Welcome back. Your last visit was on ${new Date(visits.last * 1000).toUTCString()}.`)
  })

  app.post('/forget', async (_request, reply) => reply.clearCookie(name, attributes).redirect('/', 303))
  return app
}

/** Anybody can write into a cookie: what is not two times in the past counts as none. */
function read (value: string | undefined, now: number): Visits | null {
  const [, last, seen] = (/^(\d{1,10})\.(\d{1,10})$/.exec(value ?? '') ?? []).map(Number)
  return last !== undefined && seen !== undefined && last <= seen && seen <= now ? { last, seen } : null
}

/** @param welcome of our own words and of numbers, so there is nothing to escape */
function page (welcome: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Last visit</title>
<p>${welcome}</p>
<form method="post" action="/forget"><button>Forget me</button></form>`
}

if (process.argv[1] === import.meta.filename) {
  const app = await buildApp()
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  console.log(`Open ${url} in a browser, or paste these into another terminal:

  curl -i -c jar.txt ${url}     # 200, the first visit
  curl -i -b jar.txt -c jar.txt ${url}     # 200, still the first visit
  curl -i -b 'visits=1767225600.1767229200' ${url}     # 200, the last visit ended on 1 January 2026
  curl -i -b 'visits=<script>' ${url}     # 200, that is no time, so the first visit
  curl -i -b jar.txt -X POST ${url}/forget     # 303, the cookie is deleted

Ctrl-C ends it.`)
}
