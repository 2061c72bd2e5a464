// A consent banner: no optional cookie before somebody has said yes, and none left when they take it back.
// Start it by `npm run learn -- consent`, then open http://127.0.0.1:3000 or paste the curl lines that it prints.
import cookie from '@fastify/cookie'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'

const day = 24 * 3600
// The answer itself must be kept, or the question would come again on each page. It says who nobody is.
const consent = { path: '/', httpOnly: true, sameSite: 'lax', maxAge: 180 * day } as const
// Every optional cookie stands here, so that none is left behind.
const optional = {
  pages: { path: '/', httpOnly: true, sameSite: 'lax', maxAge: 90 * day }
} as const

const answers = ['yes', 'no'] as const
const body = { type: 'object', required: ['answer'], properties: { answer: { enum: answers } } }

export async function buildApp (): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(cookie)
  app.addContentTypeParser<string>('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(body)))
  })

  app.get('/', async (request, reply) => {
    const answer = answerOf(request)
    const pages = answer === 'yes' ? pagesOf(request) + 1 : undefined
    if (pages !== undefined) reply.setCookie('pages', String(pages), optional.pages)
    reply.header('cache-control', 'no-store').type('text/html; charset=utf-8')
    return page(answer, pages)
  })

  app.post<{ Body: { answer: string } }>('/consent', { schema: { body } }, async (request, reply) => {
    // A form on another site could say yes in the visitor's place. Browsers tell where it was sent from.
    const { 'sec-fetch-site': from = 'none' } = request.headers
    if (from !== 'same-origin' && from !== 'none') return await reply.code(403).send({ message: 'This answer comes from another site.' })
    const { answer } = request.body
    reply.setCookie('consent', answer, consent)
    if (answer === 'no') {
      for (const [name, attributes] of Object.entries(optional)) reply.clearCookie(name, attributes)
    }
    return await reply.redirect('/', 303)
  })
  return app
}

/** No answer is none, and so is what is no answer. */
function answerOf ({ cookies }: FastifyRequest): typeof answers[number] | undefined {
  return answers.find((answer) => answer === cookies.consent)
}

function pagesOf ({ cookies: { pages = '' } }: FastifyRequest): number {
  return /^\d{1,6}$/.test(pages) ? Number(pages) : 0
}

function page (answer: string | undefined, pages: number | undefined): string {
  const yes = '<button name="answer" value="yes">Count my pages</button>'
  const no = '<button name="answer" value="no">Do not count</button>'
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Consent</title>
<h1>Consent</h1>
<p>${pages === undefined ? 'Nothing is counted.' : `You have seen ${pages} pages.`}</p>
<form method="post" action="/consent">
  ${answer === undefined ? '<p>May we count, in a cookie, how many pages you see?</p>' : '<p>You can change your mind:</p>'}
  ${answer === 'yes' ? '' : yes} ${answer === 'no' ? '' : no}
</form>`
}

if (process.argv[1] === import.meta.filename) {
  const app = await buildApp()
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  console.log(`Open ${url} in a browser, or paste these into another terminal:

  curl -i -c jar.txt ${url}     # 200, no cookie
  curl -i -b jar.txt -c jar.txt -d answer=yes ${url}/consent     # 303, consent=yes
  curl -i -b jar.txt -c jar.txt ${url}     # 200, pages=1
  curl -i -b jar.txt -c jar.txt -d answer=no ${url}/consent     # 303, consent=no, and pages is deleted
  curl -i -b jar.txt -c jar.txt ${url}     # 200, no cookie
  curl -i -d answer=maybe ${url}/consent     # 400
  curl -i -d answer=yes -H 'sec-fetch-site: cross-site' ${url}/consent     # 403

Ctrl-C ends it.`)
}
