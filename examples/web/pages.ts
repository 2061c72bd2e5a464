// Which pages there are, and for whom. A page holds nothing of its user: its script asks for that.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errors } from 'fastify-users'

interface Page {
  readonly file: string
  readonly title: string
  readonly audience: 'everybody' | 'guests' | 'members' | 'superusers'
}

const pages: Record<string, Page> = {
  '/login': { file: 'login.html', title: 'Log in', audience: 'guests' },
  '/register': { file: 'register.html', title: 'Sign up', audience: 'guests' },
  '/forgot-password': { file: 'forgot-password.html', title: 'Forgot your password?', audience: 'everybody' },
  // Where mailed links lead.
  '/verify': { file: 'verify.html', title: 'Verify your address', audience: 'everybody' },
  '/reset-password': { file: 'reset-password.html', title: 'Choose a password', audience: 'everybody' },
  '/change-email': { file: 'change-email.html', title: 'Confirm your new address', audience: 'everybody' },

  '/account': { file: 'account.html', title: 'Your account', audience: 'members' },
  '/sessions': { file: 'sessions.html', title: 'Your sessions', audience: 'members' },
  '/users': { file: 'users.html', title: 'Users', audience: 'superusers' }
}

const problems: Record<number, { readonly title: string, readonly text: string }> = {
  403: { title: 'Not for you', text: 'Only superusers may see this page.' },
  404: { title: 'Nothing here', text: 'There is no page at this address.' },
  503: { title: 'We are not quite there', text: 'Something that we need does not answer. Try again in a moment.' }
}
const anyProblem = { title: 'Something went wrong', text: 'We cannot show this page. Try again, or delete the cookies of this site.' }

export async function addPages (app: FastifyInstance, { folder, development }: { folder: string, development: boolean }): Promise<void> {
  const read = async (file: string): Promise<string> => await readFile(join(folder, file), 'utf8')
  const [layout, guestNav, memberNav, problem, mails] = await Promise.all(['layout.html', 'guest-nav.html', 'member-nav.html', 'problem.html', 'mails.html'].map(read)) as [string, string, string, string, string]

  // Who is there? A cookie that does not hold any more makes nobody a stranger to pages that are open to everybody.
  const guard = app.authenticate({ optional: true })
  app.addHook('onRequest', async (request, reply) => {
    try {
      await guard(request, reply)
    } catch (error) {
      if (!(error instanceof errors.UnauthorizedError)) throw error
    }
  })

  app.get('/', async (_request, reply) => reply.redirect('/account'))

  for (const [path, { file, title, audience }] of Object.entries(pages)) {
    const main = await read(file)

    app.get(path, async (request, reply) => {
      const { auth } = request
      if (audience === 'guests' && auth !== null) return reply.redirect('/account')
      if (audience === 'members' || audience === 'superusers') {
        if (auth === null) return reply.redirect(`/login?next=${path}`)
        if (audience === 'superusers' && !auth.user.isSuperuser) throw new errors.ForbiddenError()
      }
      return send(request, reply, title, main)
    })
  }

  app.setErrorHandler<FastifyError & { headers?: Record<string, string> }>((error, request, reply) => {
    const { statusCode = 500, headers = {} } = error
    if (statusCode >= 500) request.log.error(error)
    return sendProblem(request, reply.headers(headers), statusCode)
  })

  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, 404))

  function sendProblem (request: FastifyRequest, reply: FastifyReply, status: number): FastifyReply {
    const { title, text } = problems[status] ?? anyProblem
    return send(request, reply.code(status), title, fill(problem, { title, text }))
  }

  function send ({ auth, routeOptions }: FastifyRequest, reply: FastifyReply, title: string, main: string): FastifyReply {
    const nav = auth === null
      ? guestNav
      : fill(memberNav, { admin: auth.user.isSuperuser ? '<a href="/users">Users</a>' : '' })
    // Nothing is kept, so that after a logout the way back leads to the login.
    return reply.header('cache-control', 'no-store').type('text/html; charset=utf-8').send(fill(layout, {
      title,
      main,
      kind: auth === null ? 'guest' : 'member',
      nav: nav.replace(`href="${routeOptions.url}"`, '$& aria-current="page"'),
      mails: development ? mails : ''
    }))
  }
}

/** Puts texts of ours in the place of `{{name}}`. Nothing that a user has typed comes this way. */
function fill (template: string, texts: Record<string, string>): string {
  return template.replace(/\{\{(\w+)\}\}/g, (_all, name: string) => texts[name] ?? '')
}
