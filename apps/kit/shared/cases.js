// What each runner is to run: the contract suites, and the kit in an app. The cases know no runner.
import { equal, ok, rejects } from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { bearer, errors, jwt, memory, memoryRateLimits, memoryRevocations, memorySessions, opaque } from 'fastify-users'
import {
  cheapHashes, createUser, loginAs, rateLimitStoreContract, revocationStoreContract, sessionStoreContract, strategyContract, testClock, testMailer, testPassword,
  transportContract, userStoreContract
} from 'fastify-users/testing'
import { buildApp, header } from './app.js'

const present = (reply) => ({ headers: { 'x-ticket': String(reply.headers['x-ticket']) } })

const kit = {
  async 'users of any kind' () {
    await withApp({}, async (app) => {
      const ann = await createUser(app)
      equal(ann.isVerified, false)
      const root = await createUser(app, { isVerified: true, isSuperuser: true })
      equal((await app.inject({ url: '/admin', headers: await loginAs(app, root) })).statusCode, 200)
      equal((await app.inject({ url: '/admin', headers: await loginAs(app, ann) })).statusCode, 403)
      await rejects(loginAs(app, await createUser(app, { isActive: false })), { code: 'LOGIN_BAD_CREDENTIALS' })
      await rejects(createUser(app, { email: ann.email }), (error) => error instanceof errors.UserAlreadyExistsError)
    })
  },

  async 'logged in by each backend' () {
    await withApp({}, async (app) => {
      const ann = await createUser(app)
      for (const options of [{}, { backend: 'cookie' }, { backend: 'bearer' }, { backend: 'header', present }]) {
        const reply = await app.inject({ method: 'POST', url: '/me', headers: await loginAs(app, ann, options) })
        equal(reply.statusCode, 200, JSON.stringify(options))
        equal(reply.json().id, ann.id)
      }
    })
  },

  async 'a mail that is waited for, and one that does not come' () {
    const mailer = testMailer()
    await withApp({ mails: { mailer } }, async (app) => {
      const { email } = await createUser(app)
      await app.inject({ method: 'POST', url: '/forgot-password', payload: { email } })
      const { token, link } = await mailer.next({ to: email })
      ok(link.endsWith(`#token=${token}`))
      equal((await app.inject({ method: 'POST', url: '/reset-password', payload: { token, password: 'horse battery staple' } })).statusCode, 200)
      equal((await mailer.next()).token, null)
      await rejects(mailer.next({ timeoutMs: 20 }), /No mail came within 20 ms/)
      equal(mailer.mails.length, 2)
      await rejects(loginAs(app, { email }, { password: testPassword }), { statusCode: 400 })
      await loginAs(app, { email }, { password: 'horse battery staple' })
    })
  },

  async 'an hour goes by' () {
    const clock = testClock()
    await withApp({ clock }, async (app) => {
      const headers = await loginAs(app, await createUser(app))
      clock.advanceSeconds(3599)
      equal((await app.inject({ url: '/me', headers })).statusCode, 200)
      clock.advanceSeconds(1)
      equal((await app.inject({ url: '/me', headers })).statusCode, 401)
    })
  }
}

const secret = 'c2VjcmV0IG9mIHRoaXMgdGVzdCBhbG9uZSwgYW5kIG5vIG90aGVy'
const suites = {
  kit: Object.entries(kit).map(([name, run]) => ({ name, run })),
  users: userStoreContract(() => memory()),
  sessions: sessionStoreContract(() => memorySessions()),
  revocations: revocationStoreContract(() => memoryRevocations()),
  limits: rateLimitStoreContract(() => memoryRateLimits()),
  opaque: strategyContract(() => opaque()),
  jwt: strategyContract(() => jwt({ secret })),
  bearer: transportContract(() => bearer(), (reply) => ({ headers: { authorization: `Bearer ${reply.json().access_token}` } })),
  header: transportContract(() => header, present)
}

/** Each case notes that it has run, so that a runner which has found no test does not pass. */
export const cases = Object.entries(suites).flatMap(([suite, cases]) => cases.map(({ name, run }) => ({
  name: `${suite}: ${name}`,
  async run () {
    await run()
    note('ran')
  }
})))
for (let number = 0; number < cases.length; number++) note('wanted')

function note (line) {
  appendFileSync(process.env.NOTES, `${line} ${process.version}\n`)
}

async function withApp (settings, check) {
  const app = await buildApp({ users: memory(), passwords: cheapHashes, ...settings })
  try {
    await check(app)
  } finally {
    await app.close()
  }
}
