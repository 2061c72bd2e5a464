import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { bearer, cookie, type FastifyUsersOptions } from '../../lib/index.js'
import { aPassword, briefly, outcome, send } from '../helpers/accounts.js'
import { ann, appWith, sameOrigin } from '../helpers/app.js'
import { byBearer, byCookie, logIn, onEachPlace, statusOf, stoppedClock, strategies, ways, type Place, type Way } from '../helpers/sessions.js'

const bob = { email: 'bob@example.com', password: aPassword('bob') }
const root = { email: 'root@example.com', password: aPassword('root') }

onEachPlace(t, async (t, open) => {
  for (const [name, strategy] of Object.entries(strategies)) {
    t.test(name, async (t) => {
      const place = await open(t)
      const optionsWith = ({ users, sessions }: Place, given: Partial<FastifyUsersOptions> = {}): Partial<FastifyUsersOptions> => ({ users: { ...users, close: () => {} }, sessions, strategy: strategy(), routes: { me: true }, ...given })
      const clock = stoppedClock()
      const app = await appWith(t, optionsWith(place, { clock: clock.now, backends: [cookie({ rememberSeconds: 7200 }), bearer()] }))
      t.after(async () => { await place.users.close?.() })
      const { id } = await app.users.create(bob)
      await app.users.create({ ...root, isSuperuser: true })
      let password = bob.password
      const bobNow = () => ({ email: bob.email, password })

      t.test('log in, be let in, log out, and stay out', async (t) => {
        for (const way of ways) {
          const [one, other] = [await logIn(app, way, ann), await logIn(app, way, ann)]
          t.not(one.access, other.access)
          const me = await app.inject({ ...way.withAccess(one.access), url: '/me' })
          t.match([me.statusCode, me.json()], [200, { email: ann.email }])
          t.equal((await app.inject({ ...way.withAccess(one.access), method: 'HEAD', url: '/users/me' })).statusCode, 200)

          const out = await logOut(app, way, one.access)
          t.equal(out.statusCode, 200)
          t.equal(String(out.headers['set-cookie']), way === byCookie ? 'fastifyusersauth=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax' : 'undefined')
          t.equal(await statusOf(app, way, one.access), 401, 'a replay')
          const again = await logOut(app, way, one.access)
          t.equal(briefly(again), '401 UNAUTHORIZED')
          t.equal(again.headers['set-cookie'], undefined)
          t.equal(await statusOf(app, way, other.access), 200, 'the other one lives on')
        }
      })

      t.test('a wrong login gives nothing, and ends nothing', async (t) => {
        for (const way of ways) {
          const { access } = await logIn(app, way, ann)
          for (const who of [{ ...ann, password: bob.password }, { ...ann, email: 'nobody@example.com' }, { ...ann, password: `${ann.password} ` }]) {
            const reply = await app.inject({ ...way.withAccess(access), method: 'POST', url: `/login/${way.name}`, payload: who })
            t.equal(briefly(reply), '400 LOGIN_BAD_CREDENTIALS')
            t.equal(reply.headers['set-cookie'], undefined)
          }
          t.equal(await statusOf(app, way, access), 200)
        }
      })

      t.test('a new login ends the session that the browser had, and no other', async (t) => {
        const planted = await logIn(app, byCookie, ann)
        const elsewhere = await logIn(app, byCookie, ann)
        const reply = await app.inject({ ...byCookie.withAccess(planted.access), method: 'POST', url: '/login/cookie', payload: bobNow() })
        const { access } = byCookie.tokensOf(reply)
        t.equal(await statusOf(app, byCookie, planted.access), 401)
        t.equal(await statusOf(app, byCookie, elsewhere.access), 200)
        t.match((await app.inject({ ...byCookie.withAccess(access), url: '/me' })).json(), { email: bob.email })
      })

      for (const [what, change] of Object.entries<() => Promise<unknown>>({
        'a deactivation': async () => await app.users.update(id, { isActive: false }),
        'a new password': async () => { password = aPassword('new'); await app.users.update(id, { password }) },
        'a lost flag': async () => await app.users.update(id, { isSuperuser: false }),
        'an end of all sessions': async () => await app.users.revokeSessions(id)
      })) {
        t.test(`${what} ends the sessions of the user at once, and no others`, async (t) => {
          await app.users.update(id, { isActive: true, isSuperuser: true })
          for (const way of ways) {
            const [first, second, others] = [await logIn(app, way, bobNow()), await logIn(app, way, bobNow()), await logIn(app, way, ann)]
            await app.users.update(id, { isSuperuser: true })
            await change()
            for (const { access } of [first, second]) {
              t.equal(await statusOf(app, way, access), 401)
              t.equal((await logOut(app, way, access)).statusCode, 401)
            }
            t.equal(await statusOf(app, way, others.access), 200)
            await app.users.update(id, { isActive: true, isSuperuser: true })
            for (const { access } of [first, second]) t.equal(await statusOf(app, way, access), 401, 'nor does anything bring them back')
            t.equal(await statusOf(app, way, (await logIn(app, way, bobNow())).access), 200)
          }
        })
      }

      t.test('who changes their own password goes on under a new credential, alone', async (t) => {
        for (const way of ways) {
          const [here, elsewhere] = [await logIn(app, way, bobNow()), await logIn(app, way, bobNow())]
          const next = aPassword(way.name)
          const reply = await send(app, way.withAccess(here.access), 'PATCH', '/users/me', { password: next, currentPassword: password })
          t.equal(reply.statusCode, 200)
          password = next
          t.equal(await statusOf(app, way, way.tokensOf(reply).access), 200)
          for (const { access } of [here, elsewhere]) t.equal(await statusOf(app, way, access), 401)
        }
      })

      t.test('a removed user is gone, and one of the same address is another', async (t) => {
        const carl = { email: 'carl@example.com', password: aPassword('carl') }
        for (const way of ways) {
          const { id } = await app.users.create(carl)
          const { access } = await logIn(app, way, carl)
          await app.users.remove(id)
          t.equal(await statusOf(app, way, access), 401)
          const again = await app.users.create(carl)
          t.equal(await statusOf(app, way, access), 401)
          t.equal(await statusOf(app, way, (await logIn(app, way, carl)).access), 200)
          await app.users.remove(again.id)
        }
      })

      t.test('another process knows at once', async (t) => {
        const second = await appWith(t, optionsWith(place, { clock: clock.now }), { seed: false })
        for (const way of ways) {
          const { access } = await logIn(app, way, ann)
          t.equal(await statusOf(second, way, access), 200)
          await logOut(app, way, access)
          t.equal(await statusOf(second, way, access), 401)
        }
      })

      t.test('it expires to the second, remembered or not', async (t) => {
        const [short, long, token] = [await logIn(app, byCookie, ann), await logIn(app, byCookie, ann, { remember: true }), await logIn(app, byBearer, ann, { remember: true })]
        const statuses = async () => [await statusOf(app, byCookie, short.access), await statusOf(app, byCookie, long.access), await statusOf(app, byBearer, token.access)]
        t.strictSame(await statuses(), [200, 200, 200])
        clock.forward(3598)
        t.strictSame(await statuses(), [200, 200, 200])
        clock.forward(2)
        t.strictSame(await statuses(), [401, 200, 401])
        const renewed = byCookie.tokensOf(await send(app, byCookie.withAccess(long.access), 'POST', '/confirm', { password: ann.password }))
        clock.forward(3600)
        t.equal(await statusOf(app, byCookie, long.access), 401)
        t.equal(await statusOf(app, byCookie, renewed.access), 200, 'who was remembered is so under the new credential')
        clock.forward(3600)
        t.equal(await statusOf(app, byCookie, renewed.access), 401)
        t.equal(await outcome(app, byCookie.withAccess(renewed.access), 'GET', '/users/me'), '401 UNAUTHORIZED')
      })

      t.test('a page of another site gets nowhere', async (t) => {
        const { access } = await logIn(app, byCookie, ann)
        const crossSite = { cookies: byCookie.withAccess(access).cookies as Record<string, string>, headers: { origin: 'https://evil.example' } }
        for (const url of ['/me', '/logout/cookie', '/login/cookie']) t.equal((await app.inject({ ...crossSite, method: 'POST', url, payload: ann })).statusCode, 403, url)
        t.equal(await statusOf(app, byCookie, access), 200)
      })
    })
  }
})

async function logOut (app: FastifyInstance, way: Way, token: string) {
  return await app.inject({ ...way.withAccess(token), method: 'POST', url: `/logout/${way.name}`, headers: { ...sameOrigin, ...way.withAccess(token).headers } })
}
