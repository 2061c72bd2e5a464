// The life of an account, from sign-up to deletion, with real mails: a mail server on this machine takes them by SMTP, and
// prints them. `npm run example:accounts` builds and runs it; it goes through all steps by itself, and ends.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import Fastify, { type InjectOptions } from 'fastify'
import fastifyUsers, { bearer, cookie, jwt } from 'fastify-users'
import { smtp } from 'fastify-users/smtp'
import { sqlite } from 'fastify-users/sql'
import PostalMime from 'postal-mime'
import { SMTPServer } from 'smtp-server'

// 1. A mail server that keeps nothing. Yours has a host name, TLS and a password: smtps://user:password@mail.example.com
const letters: string[] = []
const mailServer = new SMTPServer({
  disabledCommands: ['AUTH', 'STARTTLS'],
  onData (stream, _session, done) {
    buffer(stream).then((raw) => PostalMime.parse(raw)).then(({ to, subject, text = '' }) => {
      console.log(`\n┌ Mail to ${to?.map(({ address }) => address).join()}: ${subject}\n${text.trim().replace(/^/gm, '│ ')}\n└`)
      letters.push(text)
      mailServer.emit('letter')
      done()
    }, done)
  }
})
mailServer.listen(0, '127.0.0.1')
await once(mailServer.server, 'listening')
const { port } = mailServer.server.address() as { port: number }

// 2. The app.
const app = Fastify()
await app.register(fastifyUsers, {
  users: await sqlite(':memory:'),
  strategy: jwt({ secret: randomBytes(32).toString('base64url') }),
  backends: [cookie(), bearer()],
  routes: { register: true, verify: true, reset: true, me: true, deleteMe: true, users: true },
  mails: {
    mailer: await smtp({ url: `smtp://127.0.0.1:${port}`, from: 'Example <hello@example.com>' }),
    baseUrl: 'https://example.com',
    appName: 'Example'
  },
  hooks: {
    onBeforeRegister: ({ email }) => email.endsWith('@example.org') ? 'This site is for people of example.com.' : undefined
  },
  audit: ({ type, outcome, reason }) => { console.log(`  audit: ${type} ${outcome}${reason === null ? '' : ` (${reason})`}`) }
})

// 3. Ann comes, forgets, and goes.
const ann = { email: 'ann@example.com', password: 'staple battery horse' }
const changed = { ...ann, password: 'horse battery staple' }

await call('POST', '/register', { payload: { ...ann, email: 'ann@example.org' } })
await call('POST', '/register', { payload: ann })
await call('POST', '/verify', { payload: { token: await tokenOfNextLetter() } })
const session = await logIn(ann)
await call('GET', '/users/me', session)
await call('POST', '/forgot-password', { payload: { email: ann.email } })
await call('POST', '/reset-password', { payload: { token: await tokenOfNextLetter(), password: changed.password } })
await nextLetter()
await call('GET', '/users/me', session)
await call('DELETE', '/users/me', { ...await logIn(changed), payload: { currentPassword: changed.password } })

await app.close()
mailServer.close()

async function call (method: 'GET' | 'POST' | 'DELETE', url: string, options: InjectOptions): Promise<string> {
  const { statusCode, body } = await app.inject({ ...options, method, url })
  console.log(`\n${method} ${url} → ${statusCode} ${body}`)
  return body
}

async function logIn (payload: typeof ann): Promise<InjectOptions> {
  const { access_token: token } = JSON.parse(await call('POST', '/login/bearer', { payload })) as { access_token: string }
  return { headers: { authorization: `Bearer ${token}` } }
}

async function nextLetter (): Promise<string> {
  if (letters.length === 0) await once(mailServer, 'letter', { signal: AbortSignal.timeout(10_000) })
  return letters.shift() as string
}

/** What the page behind the link would read from its address. */
async function tokenOfNextLetter (): Promise<string> {
  const [, token = ''] = /#token=(\S+)/.exec(await nextLetter()) ?? []
  return decodeURIComponent(token)
}
