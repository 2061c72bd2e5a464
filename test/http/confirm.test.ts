import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { jwt, opaque, type AuditEvent, type FastifyUsersOptions, type Strategy } from '../../lib/index.js'
import { aPassword, briefly, outcome, send, stranger } from '../helpers/accounts.js'
import { ann, appWith, secret } from '../helpers/app.js'
import { byCookie, logIn, statusOf, stoppedClock, ways, type Clock, type Way } from '../helpers/sessions.js'

const strategies: Readonly<Record<string, () => Strategy>> = {
  jwt: () => jwt({ secret, lifetimeSeconds: 86_400 }),
  'jwt with sessions': () => jwt({ secret, lifetimeSeconds: 86_400, sessions: true }),
  opaque: () => opaque()
}

const root = { email: 'root@example.com', password: aPassword('root') }

interface Scene {
  readonly app: FastifyInstance
  readonly clock: Clock
  readonly id: string
  readonly events: AuditEvent[]
}

/** An app with a superuser, and a route for those alone who have just proved who they are. */
async function setScene (t: Test, given: Partial<FastifyUsersOptions> = {}): Promise<Scene> {
  // A signed token knows no parts of seconds.
  const clock = stoppedClock(Math.floor(Date.now() / 1000) * 1000)
  const events: AuditEvent[] = []
  const app = await appWith(t, { clock: clock.now, strategy: opaque(), routes: { me: true, users: true, sessions: given.strategy === undefined }, audit: (event) => { if (event.type === 'reauthenticate') events.push(event) }, ...given }, {
    routes: (app) => { app.get('/fresh', { preHandler: app.authenticate({ fresh: 300 }) }, async () => 'ok') }
  })
  await app.users.create({ ...root, isSuperuser: true })
  return { app, clock, events, id: (await app.users.getByEmail(ann.email))?.id ?? '' }
}

for (const [name, strategy] of Object.entries(strategies)) {
  t.test(`${name}: who was here for long proves anew who they are`, async (t) => {
    const { app, clock, events, id } = await setScene(t, { strategy: strategy() })
    for (const way of ways) {
      const { access } = await logIn(app, way, ann)
      t.equal(await statusOf(app, way, access, '/fresh'), 200)
      clock.forward(300)
      t.equal(await statusOf(app, way, access, '/fresh'), 200, 'to the second')
      clock.forward(1)
      const late = await app.inject({ ...way.withAccess(access), url: '/fresh' })
      t.match([late.statusCode, late.json()], [403, { code: 'REAUTHENTICATION_REQUIRED' }])
      t.match(late.headers['www-authenticate'], way.name === 'cookie' ? /^Cookie / : /error="insufficient_scope"/)
      t.equal(await statusOf(app, way, access), 200, 'elsewhere nothing has changed')

      for (const password of ['', 'wrong', `${ann.password} `, root.password]) {
        const refused = await send(app, way.withAccess(access), 'POST', '/confirm', { password })
        t.equal(briefly(refused), '400 USER_BAD_CURRENT_PASSWORD')
        t.equal(refused.headers['set-cookie'], undefined)
      }
      t.match(events.splice(0), Array(4).fill({ outcome: 'failure', reason: 'USER_BAD_CURRENT_PASSWORD', userId: id, actorId: id }))
      t.equal(await statusOf(app, way, access), 200, 'and has ended nothing')
      t.equal(await statusOf(app, way, access, '/fresh'), 403)

      const confirmed = await send(app, way.withAccess(access), 'POST', '/confirm', { password: ann.password })
      t.equal(confirmed.statusCode, 200)
      t.equal(confirmed.headers['cache-control'], 'no-store')
      t.match(confirmed.json(), way === byCookie ? { id, email: ann.email } : { token_type: 'bearer', expires_in: 86_400 })
      t.match(events.splice(0), [{ outcome: 'success', userId: id }])
      const next = way.tokensOf(confirmed).access
      t.equal(await statusOf(app, way, next, '/fresh'), 200)
      t.equal(await statusOf(app, way, access), 401, 'the credential before it is dead')
      clock.forward(301)
      t.equal(await statusOf(app, way, next, '/fresh'), 403)
    }
  })
}

t.test('strict input, and only for who is logged in', async (t) => {
  const { app } = await setScene(t)
  for (const way of ways) {
    const credential = way.withAccess((await logIn(app, way, ann)).access)
    for (const body of [{}, [], null, '"x"', { password: 1 }, { password: null }, { password: [ann.password] }, { password: 'x'.repeat(1025) }]) t.equal(await outcome(app, credential, 'POST', '/confirm', body), '400 FST_ERR_VALIDATION', JSON.stringify(body).slice(0, 40))
    t.equal((await app.inject({ ...credential, url: '/confirm' })).statusCode, 404)
  }
  t.equal(await outcome(app, stranger, 'POST', '/confirm', { password: ann.password }), '401 UNAUTHORIZED')
  const { access } = await logIn(app, byCookie, ann)
  t.equal(briefly(await app.inject({ cookies: byCookie.withAccess(access).cookies as Record<string, string>, method: 'POST', url: '/confirm', payload: { password: ann.password }, headers: { origin: 'https://evil.example' } })), '403 CROSS_SITE_REQUEST')
  t.equal(await statusOf(app, byCookie, access), 200)
})

t.test('whom somebody removes meanwhile', async (t) => {
  let removeNow = async (): Promise<unknown> => undefined
  const preHandler = async () => { await removeNow() }
  const { app, id } = await setScene(t, { routeOptions: { confirm: { preHandler }, listSessions: { preHandler } } })
  const credential = byCookie.withAccess((await logIn(app, byCookie, ann)).access)
  removeNow = async () => await app.users.remove(id)
  t.equal(await outcome(app, credential, 'POST', '/confirm', { password: ann.password }), '404 USER_NOT_FOUND')

  removeNow = async () => {}
  const { id: bobsId } = await app.users.create({ email: 'bob@example.com', password: aPassword('bob') })
  const bob = byCookie.withAccess((await logIn(app, byCookie, { email: 'bob@example.com', password: aPassword('bob') })).access)
  removeNow = async () => await app.users.remove(bobsId)
  t.equal(await outcome(app, bob, 'GET', '/sessions'), '404 USER_NOT_FOUND')
})

t.test('without the groups me and users there is no such route', async (t) => {
  for (const [routes, status] of [[{}, 404], [{ sessions: true }, 404], [{ me: true }, 200], [{ users: true }, 200]] as const) {
    const { app } = await setScene(t, { routes })
    t.equal((await send(app, byCookie.withAccess((await logIn(app, byCookie, ann)).access), 'POST', '/confirm', { password: ann.password })).statusCode, status)
  }
})

/** What superusers may do to others: each leaves things as they were. */
const powers = (id: string) => [
  ['POST', '/users', { email: 'ann@example.com', password: aPassword('x') }],
  ['PATCH', `/users/${id}`, { isVerified: true }],
  ['DELETE', '/users/x', undefined],
  ['DELETE', `/users/${id}/sessions`, undefined],
  ['DELETE', `/users/${id}/sessions/x`, undefined]
] as const

async function tryPowers (app: FastifyInstance, way: Way, access: string, id: string): Promise<boolean[]> {
  const outcomes: boolean[] = []
  for (const [method, url, body] of powers(id)) outcomes.push(await outcome(app, way.withAccess(access), method, url, body) !== '403 REAUTHENTICATION_REQUIRED')
  return outcomes
}

t.test('superusers change others only where they have just proved who they are', async (t) => {
  const all = Array(5).fill(true)
  const none = Array(5).fill(false)
  const limits: Array<[number | false | undefined, number]> = [[undefined, 3600], [60, 60], [false, Infinity]]
  for (const [freshSeconds, limit] of limits) {
    const { app, clock, id } = await setScene(t, { freshSeconds })
    for (const way of ways) {
      const { access } = await logIn(app, way, root)
      t.strictSame(await tryPowers(app, way, access, id), all)
      clock.forward(Math.min(limit, 80_000))
      t.strictSame(await tryPowers(app, way, access, id), all)
      clock.forward(1)
      t.strictSame(await tryPowers(app, way, access, id), limit === Infinity ? all : none)
      for (const url of ['/users', `/users/${id}`, `/users/${id}/sessions`]) t.equal((await send(app, way.withAccess(access), 'GET', url)).statusCode, 200, 'to look is no change')

      const confirmed = way.tokensOf(await send(app, way.withAccess(access), 'POST', '/confirm', { password: root.password })).access
      t.strictSame(await tryPowers(app, way, confirmed, id), all)
    }
  }
})

t.test('how lately, a guard is told in whole seconds', async (t) => {
  const app = await appWith(t)
  for (const fresh of [0, -1, 1.5, '60', NaN, Infinity, null, true]) t.throws(() => app.authenticate({ fresh: fresh as number }), { code: 'FST_USERS_BAD_OPTIONS', message: 'authenticate(): fresh must be a whole number of seconds from 1' })
  t.type(app.authenticate({ fresh: undefined }), 'function')
})
