import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { bearer, cookie, type User } from '../../lib/index.js'
import { aPassword, briefly, postOffice, send, stranger, type PostOffice } from '../helpers/accounts.js'
import { ann, appWith } from '../helpers/app.js'
import { everything, noteRoutes } from '../helpers/route-table.js'
import { byBearer, byCookie, logIn, onEachPlace, strategies, stoppedClock, ways, type Clock, type OpenPlace, type Place, type Way } from '../helpers/sessions.js'
import { ownStores } from '../helpers/stores.js'

/**
 * Every route × every credential that should not do, and what must be answered. The routes are those that the app has: one
 * without a row here fails the test, and so does a row without a route.
 */

type Method = Parameters<typeof send>[2]

/** Whom a request is about. */
interface About {
  readonly password: string
  /** The session that the request itself belongs to. */
  readonly ownSession: string
  readonly targetId: string
  readonly targetSession: string
}

interface Row {
  /** `open`: no session is asked for. `session`: anybody's. `superuser`; and `fresh`: one who has shown their password lately. */
  readonly asks: 'open' | 'session' | 'superuser' | 'fresh'
  /** The only backend whose credentials count here. */
  readonly at?: Way['name']
  /** What to put into the places of the path. */
  readonly params?: (about: About) => Readonly<Record<string, string>>
  readonly body?: (about: About) => object
  /** The answer to whoever may; of an open route, to a body that gets nobody anywhere. */
  readonly answer: string
}

const user = ({ targetId }: About) => ({ id: targetId })

/** Those of each backend. */
const backendRows = (name: Way['name'], hasRefresh: boolean): Readonly<Record<string, Row>> => ({
  [`POST /login/${name}`]: { asks: 'open', at: name, body: () => ({ email: ann.email, password: aPassword('wrong') }), answer: '400 LOGIN_BAD_CREDENTIALS' },
  [`POST /logout/${name}`]: { asks: 'session', at: name, answer: '200' },
  // A session's access token is none to refresh by, and this is all that is sent here.
  ...(hasRefresh ? { [`POST /refresh/${name}`]: { asks: 'open', at: name, ...(name === 'bearer' ? { body: () => ({ refresh_token: 'x' }) } : {}), answer: '401 UNAUTHORIZED' } as const } : {})
})

const sessionRows: Readonly<Record<string, Row>> = {
  'GET /sessions': { asks: 'session', answer: '200' },
  'DELETE /sessions': { asks: 'session', answer: '204' },
  'DELETE /sessions/:id': { asks: 'session', params: ({ ownSession }) => ({ id: ownSession }), answer: '204' },
  'GET /users/:id/sessions': { asks: 'superuser', params: user, answer: '200' },
  'DELETE /users/:id/sessions': { asks: 'fresh', params: user, answer: '204' },
  'DELETE /users/:id/sessions/:session': { asks: 'fresh', params: ({ targetId, targetSession }) => ({ id: targetId, session: targetSession }), answer: '204' }
}

const accountRows: Readonly<Record<string, Row>> = {
  'POST /register': { asks: 'open', body: () => ann, answer: '400 REGISTER_USER_ALREADY_EXISTS' },
  'POST /request-verify-token': { asks: 'open', body: () => ({ email: 'nobody@example.com' }), answer: '202' },
  'POST /verify': { asks: 'open', body: () => ({ token: 'x' }), answer: '400 VERIFY_USER_BAD_TOKEN' },
  'POST /forgot-password': { asks: 'open', body: () => ({ email: 'nobody@example.com' }), answer: '202' },
  'POST /reset-password': { asks: 'open', body: () => ({ token: 'x', password: aPassword('new') }), answer: '400 RESET_PASSWORD_BAD_TOKEN' },
  'POST /change-email': { asks: 'open', body: () => ({ token: 'x' }), answer: '400 CHANGE_EMAIL_BAD_TOKEN' },
  'GET /users/me': { asks: 'session', answer: '200' },
  'PATCH /users/me': { asks: 'session', body: () => ({ nickname: 'x' }), answer: '200' },
  'DELETE /users/me': { asks: 'session', body: ({ password }) => ({ currentPassword: password }), answer: '204' },
  'POST /confirm': { asks: 'session', body: ({ password }) => ({ password }), answer: '200' },
  'GET /users': { asks: 'superuser', answer: '200' },
  'POST /users': { asks: 'fresh', body: ({ targetId }) => ({ email: `${targetId}@example.com` }), answer: '201' },
  'GET /users/:id': { asks: 'superuser', params: user, answer: '200' },
  'PATCH /users/:id': { asks: 'fresh', params: user, body: () => ({ isVerified: false }), answer: '200' },
  'DELETE /users/:id': { asks: 'fresh', params: user, answer: '204' },
  'POST /users/:id/forgot-password': { asks: 'fresh', params: user, answer: '202' }
}

const nobody = ['x', '00000000-0000-7000-8000-000000000000', '%00', '..%2f..', 'me%2f', '[object%20Object]', 'x'.repeat(100)]

/** Of each route with an id in its path: ids of what is not there, or somebody else's, and the answer to a superuser. */
const foreign: Readonly<Record<string, (about: About) => ReadonlyArray<readonly [params: Readonly<Record<string, string>>, answer: string]>>> = {
  'DELETE /sessions/:id': ({ targetId, targetSession }) => [targetId, targetSession, ...nobody].map((id) => [{ id }, '404 SESSION_NOT_FOUND']),
  'DELETE /users/:id/sessions/:session': ({ targetId, targetSession, ownSession }) => [
    ...[targetId, ownSession, ...nobody].map((session) => [{ id: targetId, session }, '404 SESSION_NOT_FOUND'] as const),
    ...[targetSession, ...nobody].map((id) => [{ id, session: targetSession }, '404 USER_NOT_FOUND'] as const)
  ],
  ...Object.fromEntries(['GET /users/:id', 'PATCH /users/:id', 'DELETE /users/:id', 'POST /users/:id/forgot-password', 'GET /users/:id/sessions', 'DELETE /users/:id/sessions'].map((route) => [
    route,
    ({ targetSession }: About) => [targetSession, ...nobody].map((id) => [{ id }, '404 USER_NOT_FOUND'] as const)
  ]))
}

/** All rows; that of a GET is also that of the HEAD which Fastify makes of it. */
function rowsOf (strategy: string): Map<string, Row> {
  const hasSessions = strategy !== 'jwt'
  const rows = { ...backendRows('cookie', hasSessions), ...backendRows('bearer', hasSessions), ...accountRows, ...(hasSessions ? sessionRows : {}) }
  return new Map(Object.entries(rows).flatMap(([route, row]) => route.startsWith('GET ') ? [[route, row], [route.replace('GET', 'HEAD'), row]] : [[route, row]]))
}

interface Scene {
  readonly app: FastifyInstance
  /** Another app, with the same users, sessions and keys. */
  readonly sibling: FastifyInstance
  readonly place: Place
  readonly clock: Clock
  readonly post: PostOffice
  readonly table: ReadonlySet<string>
}

async function setScene (t: Test, open: OpenPlace, strategy: string): Promise<Scene> {
  const place = await open(t)
  const clock = stoppedClock(Date.UTC(2030, 0, 1))
  const post = postOffice()
  let table: ReadonlySet<string> = new Set()
  const common = { ...everything(strategy, 7200), sessions: place.sessions, clock: clock.now }
  const app = await appWith(t, { ...common, users: place.users, ...post.options }, { before: (app) => { table = noteRoutes(app) } })
  const sibling = await appWith(t, { ...common, users: { ...place.users, close: () => {} }, backends: [cookie({ name: 'other-cookie' }), bearer({ name: 'other-bearer' })] }, { seed: false })
  // Whatever becomes of the others, one is left.
  await app.users.create({ email: 'root@example.com', isSuperuser: true })
  return { app, sibling, place, clock, post, table }
}

/** A user of their own for each case, and what their client holds. */
interface Actor {
  readonly user: User
  readonly who: { readonly email: string, readonly password: string }
  readonly access: string
  readonly refresh: string
}

let count = 0

async function newActor ({ app }: Pick<Scene, 'app'>, way: Way, isSuperuser = true): Promise<Actor> {
  const who = { email: `actor${count++}@example.com`, password: aPassword('actor') }
  const user = await app.users.create({ ...who, isSuperuser, isVerified: true })
  return { user, who, ...await logIn(app, way, who) }
}

type Verdict = 'none' | 'invalid' | 'plain' | 'stale' | 'cross-site' | 'good'

interface Case {
  readonly verdict: Verdict
  /** Whether it takes sessions in a store. */
  readonly sessions?: true
  /** Makes what the request sends; the actor is a superuser, verified, and has just logged in. */
  readonly credential: (scene: Scene, way: Way, actor: Actor) => Promise<InjectOptions>
}

const otherWay = (way: Way): Way => way === byCookie ? byBearer : byCookie

/** A credential that was good, and then something happened. */
const after = (verdict: Verdict, happen: (scene: Scene, actor: Actor, way: Way) => Promise<unknown>): Case => ({
  verdict,
  async credential (scene, way, actor) {
    await happen(scene, actor, way)
    return way.withAccess(actor.access)
  }
})

/** Another token, in the place of the access token. */
const instead = (token: (scene: Scene, actor: Actor, way: Way) => Promise<string>): Case => ({
  verdict: 'invalid',
  credential: async (scene, way, actor) => way.withAccess(await token(scene, actor, way))
})

/** Changes a user past the app, as another program would. */
async function inDatabase ({ place: { users } }: Scene, id: string, changes: object): Promise<void> {
  const user = await users.findById(id)
  if (user === null || await users.replace({ ...user, ...changes, version: user.version + 1 }, user.version) !== true) throw new Error('not changed')
}

const cases: Readonly<Record<string, Case>> = {
  'no credential': { verdict: 'none', credential: async () => stranger },
  'an empty one': instead(async () => ''),
  'a malformed one': instead(async () => 'x.y.z'),
  'a damaged one': instead(async (_scene, { access }) => `${access.slice(0, -1)}${access.endsWith('0') ? '1' : '0'}`),
  'an expired one': after('invalid', async ({ clock }) => { clock.forward(7200) }),
  'one that was logged out': after('invalid', async ({ app }, { access }, way) => await send(app, way.withAccess(access), 'POST', `/logout/${way.name}`)),
  'one of a user whose sessions were ended': after('invalid', async ({ app }, { user: { id } }) => await app.users.revokeSessions(id)),
  'one from before another password': after('invalid', async ({ app, post }, { user: { id }, who }) => {
    await app.users.update(id, { password: aPassword('other') })
    await post.mail('password-changed', who.email)
  }),
  'a refresh token': { ...instead(async (_scene, { refresh }) => refresh), sessions: true },
  'a token to reset the password': instead(async ({ app, post }, { who }) => {
    await app.users.forgotPassword(who.email)
    return await post.token('reset-password', who.email)
  }),
  'a token to verify an address': instead(async ({ app, post }, { user: { id }, who }) => {
    await app.users.update(id, { isVerified: false })
    await app.users.requestVerify(who.email)
    return await post.token('verify-address', who.email)
  }),
  'a token to change the address': instead(async ({ app, post }, { who, access }, way) => {
    await send(app, way.withAccess(access), 'PATCH', '/users/me', { email: `new.${who.email}`, currentPassword: who.password })
    return await post.token('confirm-email-change', `new.${who.email}`)
  }),
  'one of the other backend': instead(async ({ app }, { who }, way) => (await logIn(app, otherWay(way), who)).access),
  'one of another app, whose backends have other names': instead(async ({ sibling }, { who }, way) => {
    const reply = await send(sibling, stranger, 'POST', `/login/other-${way.name}`, who)
    return way.tokensOf(reply).access
  }),
  'one of an unverified user': after('invalid', async ({ app }, { user: { id } }) => await app.users.update(id, { isVerified: false })),
  'one of an inactive user': after('invalid', async ({ app }, { user: { id } }) => await app.users.update(id, { isActive: false })),
  'one of a user who was made inactive in the database': after('invalid', async (scene, { user: { id } }) => { await inDatabase(scene, id, { isActive: false }) }),
  'one of a user who was inactive for a while': after('invalid', async ({ app }, { user: { id } }) => {
    await app.users.update(id, { isActive: false })
    await app.users.update(id, { isActive: true })
  }),
  'one of a demoted user': after('invalid', async ({ app }, { user: { id } }) => await app.users.update(id, { isSuperuser: false })),
  'one of a deleted user': after('invalid', async ({ app }, { user: { id } }) => await app.users.remove(id)),
  'one of a user who was deleted, and came again': after('invalid', async ({ app }, { user: { id }, who }) => {
    await app.users.remove(id)
    await app.users.create({ ...who, isVerified: true, isSuperuser: true })
  }),
  'one of a user who was demoted in the database': after('plain', async (scene, { user: { id } }) => { await inDatabase(scene, id, { isSuperuser: false }) }),
  'one of a user like others': {
    verdict: 'plain',
    async credential (scene, way, { user: { id }, who }) {
      await scene.app.users.update(id, { isSuperuser: false })
      return way.withAccess((await logIn(scene.app, way, who)).access)
    }
  },
  'one whose owner has not shown their password for long': after('stale', async ({ app, clock }, { access }, way) => {
    clock.forward(3601)
    // That it was seen is noted once a minute: now, and not while it is looked whether anything changes.
    await send(app, way.withAccess(access), 'GET', '/me')
  }),
  'a good one, from another site': {
    verdict: 'cross-site',
    credential: async (_scene, way, { access }) => ({ ...way.withAccess(access), headers: { ...way.withAccess(access).headers, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' } })
  },
  'a good one': { verdict: 'good', credential: async (_scene, way, { access }) => way.withAccess(access) }
}

/** What is to come of a request. */
interface Expected {
  readonly answer: string
  readonly challenge: string | undefined
  /** Whether it is refused, and so changes nothing. */
  readonly refused: boolean
}

const challenges = { cookie: 'Cookie realm="users", cookie-name="fastifyusersauth"', bearer: 'Bearer realm="users"' }

function expectedOf (route: string, row: Row, way: Way, given: Verdict): Expected {
  const refuse = (answer: string, challenge?: string): Expected => ({ answer, challenge, refused: true })
  const isSafe = /^(?:GET|HEAD) /.test(route)
  if (row.asks === 'open') {
    // Where a login is for bearers alone, no browser does anything by itself.
    if (given === 'cross-site' && row.at !== 'bearer') return refuse('403 CROSS_SITE_REQUEST')
    return refuse(row.answer, row.answer.startsWith('401') ? challengeOf(row.at, row.at === 'bearer') : undefined)
  }

  const verdict = row.at === undefined || row.at === way.name ? given : 'none'
  if (verdict === 'none') return refuse('401 UNAUTHORIZED', challengeOf(row.at, false))
  if (verdict === 'invalid') return refuse('401 UNAUTHORIZED', challengeOf(row.at, way === byBearer))
  if (verdict === 'cross-site' && way === byCookie && !isSafe) return refuse('403 CROSS_SITE_REQUEST')
  const scope = way === byBearer ? `${challenges.bearer}, error="insufficient_scope"` : challenges.cookie
  if (verdict === 'plain' && row.asks !== 'session') return refuse('403 FORBIDDEN', scope)
  if (verdict === 'stale' && row.asks === 'fresh') return refuse('403 REAUTHENTICATION_REQUIRED', scope)
  return { answer: row.answer, challenge: undefined, refused: false }
}

function challengeOf (at: Way['name'] | undefined, isInvalid: boolean): string {
  const bearer = isInvalid ? `${challenges.bearer}, error="invalid_token"` : challenges.bearer
  return at === undefined ? `${challenges.cookie}, ${bearer}` : { cookie: challenges.cookie, bearer }[at]
}

const messages: Readonly<Record<string, string>> = {
  UNAUTHORIZED: 'Authentication is required.',
  FORBIDDEN: 'You are not allowed to do this.',
  REAUTHENTICATION_REQUIRED: 'Confirm your password first.'
}

/** Told only where it fails: there are thousands. */
function judge (t: Test, what: string, route: string, reply: LightMyRequestResponse, { answer, challenge, refused }: Expected): void {
  const [status, code] = answer.split(' ')
  const { headers } = reply
  const seen = [reply.statusCode, headers['www-authenticate'], headers['cache-control'], headers.pragma, headers['x-content-type-options'], headers['referrer-policy']]
  const wanted = [Number(status), challenge, 'no-store', 'no-cache', 'nosniff', 'no-referrer']
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) t.strictSame(seen, wanted, what)
  if (refused && headers['set-cookie'] !== undefined) t.fail(`${what}: sets a cookie`)
  if (route.startsWith('HEAD ')) {
    if (reply.body !== '') t.fail(`${what}: HEAD has a body`)
    return
  }
  if (code === undefined) return
  const { statusCode, code: told, error, message, ...more } = reply.json<Record<string, unknown>>()
  if (statusCode !== Number(status) || told !== code || typeof error !== 'string' || message !== (messages[code] ?? message)) t.fail(`${what}: ${reply.body}`)
  if (JSON.stringify(more) !== '{}') t.fail(`${what}: tells more than it should: ${reply.body}`)
}

async function ask (app: FastifyInstance, credential: InjectOptions, route: string, { params, body }: Row, about: About): Promise<LightMyRequestResponse> {
  const [method, path = ''] = route.split(' ')
  const url = Object.entries(params?.(about) ?? {}).reduce((url, [name, value]) => url.replace(`:${name}`, value), path)
  return await send(app, credential, method as Method, url, body?.(about))
}

/** The newest session of a user; where none is in a store, an id that nobody has. */
async function sessionOf ({ place }: Scene, userId: string): Promise<string> {
  return (await place.sessions.list({ userId, after: null, limit: 1 }))[0]?.id ?? 'x'
}

onEachPlace(t, async (t, open) => {
  for (const strategy of Object.keys(strategies)) {
    const rows = rowsOf(strategy)

    t.test(`${strategy}: each route has its row, and each row its route`, async (t) => {
      const { table } = await setScene(t, open, strategy)
      t.strictSame([...table].filter((route) => !route.endsWith(' /me')).sort(), [...rows.keys()].sort())
    })

    for (const way of ways) {
      t.test(`${strategy}, by ${way.name}: what is refused, and changes nothing`, async (t) => {
        const scene = await setScene(t, open, strategy)
        const target = await newActor(scene, byBearer, false)
        const targetSession = await sessionOf(scene, target.user.id)
        for (const [name, { verdict, sessions, credential }] of Object.entries(cases)) {
          if (sessions === true && strategy === 'jwt') continue
          const actor = await newActor(scene, way)
          const about = { password: actor.who.password, ownSession: await sessionOf(scene, actor.user.id), targetId: target.user.id, targetSession }
          const sent = await credential(scene, way, actor)
          const before = await scene.place.dump()
          for (const [route, row] of rows) {
            const expected = expectedOf(route, row, way, verdict)
            if (!expected.refused) continue
            judge(t, `${route} with ${name}`, route, await ask(scene.app, sent, route, row, about), expected)
          }
          t.equal(await scene.place.dump(), before, `${name}: nothing has changed`)
        }
        await scene.app.close()
        t.strictSame(scene.post.mails.untaken, [], 'and nobody was mailed')
      })

      t.test(`${strategy}, by ${way.name}: what is not there, or somebody else's`, async (t) => {
        const scene = await setScene(t, open, strategy)
        const [actor, plain, target] = [await newActor(scene, way), await newActor(scene, way, false), await newActor(scene, byBearer, false)]
        const about = { password: actor.who.password, ownSession: await sessionOf(scene, actor.user.id), targetId: target.user.id, targetSession: await sessionOf(scene, target.user.id) }
        const before = await scene.place.dump()
        for (const [route, row] of rows) {
          if (!route.includes(':') || route.startsWith('HEAD ')) continue
          for (const [params, answer] of foreign[route]?.(about) ?? [[{}, 'a row of foreign']]) {
            t.equal(briefly(await ask(scene.app, way.withAccess(actor.access), route, { ...row, params: () => params }, about)), answer, `${route} ${JSON.stringify(params)}`)
          }
          if (row.asks === 'session') continue
          for (const { user: { id } } of [plain, target, actor]) {
            const session = await sessionOf(scene, id)
            t.equal(briefly(await ask(scene.app, way.withAccess(plain.access), route, { ...row, params: () => ({ id, session }) }, about)), '403 FORBIDDEN', `${route} of a user like others`)
          }
        }
        t.equal(await scene.place.dump(), before)
        await scene.app.close()
        t.strictSame(scene.post.mails.untaken, [])
      })

      t.test(`${strategy}, by ${way.name}: what is allowed`, async (t) => {
        const scene = await setScene(t, open, strategy)
        for (const [name, { verdict, credential }] of Object.entries(cases)) {
          for (const [route, row] of rows) {
            const expected = expectedOf(route, row, way, verdict)
            if (expected.refused) continue
            const [actor, target] = [await newActor(scene, way), await newActor(scene, byBearer, false)]
            const sent = await credential(scene, way, actor)
            const about = { password: actor.who.password, ownSession: await sessionOf(scene, actor.user.id), targetId: target.user.id, targetSession: await sessionOf(scene, target.user.id) }
            judge(t, `${route} with ${name}`, route, await ask(scene.app, sent, route, row, about), expected)
          }
          t.pass(name)
        }
      })
    }
  }
}, ownStores)
