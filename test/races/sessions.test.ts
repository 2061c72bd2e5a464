// Two apps share the places where users and sessions live, each over connections of its own.
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { bearer, cookie, jwt, opaque, type FastifyUsersOptions, type Strategy, type User } from '../../lib/index.js'
import { aPassword, send } from '../helpers/accounts.js'
import { ann, appWith, cheap, login, sameOrigin, secret } from '../helpers/app.js'
import { byBearer, logIn, onEachPlace, refreshBy, statusOf, stoppedClock, type Clock, type OpenPlace, type Place, type Tokens } from '../helpers/sessions.js'
import { onEachStore } from '../helpers/stores.js'

/** How often what depends on luck is tried. */
const rounds = Number(process.env.RACES ?? 2)

const strategies: Readonly<Record<string, () => Strategy>> = { opaque: () => opaque(), jwt: () => jwt({ secret, sessions: true }) }

let races = 0

interface Scene {
  readonly app: FastifyInstance
  /** The one app or the other, by turns. */
  readonly at: (turn: number) => FastifyInstance
  readonly place: Place
  readonly annId: string
}

async function setScene (t: Test, open: OpenPlace, strategy: () => Strategy, graceSeconds = 0): Promise<Scene> {
  const place = await open(t)
  const options: Partial<FastifyUsersOptions> = {
    backends: [cookie({ refresh: { graceSeconds } }), bearer({ refresh: { graceSeconds } })],
    routes: { me: true, sessions: true },
    passwords: { ...cheap, queueLimit: 1000 }
  }
  const app = await appWith(t, { ...options, strategy: strategy(), users: place.users, sessions: place.sessions })
  const elsewhere = await place.again()
  const other = await appWith(t, { ...options, strategy: strategy(), users: elsewhere.users, sessions: elsewhere.sessions }, { seed: false })
  const { id } = await app.users.getByEmail(ann.email) as User
  return { app, at: (turn) => turn % 2 === 0 ? app : other, place, annId: id }
}

/** So many at once, here and there. */
async function atOnce<T> (count: number, run: (turn: number) => Promise<T>): Promise<T[]> {
  races++
  return await Promise.all(Array.from({ length: count }, (_, turn) => run(turn)))
}

const codes = (replies: readonly LightMyRequestResponse[]): number[] => replies.map(({ statusCode }) => statusCode).sort()
const successes = (replies: readonly LightMyRequestResponse[]): Tokens[] => replies.filter(({ statusCode }) => statusCode === 200).map(byBearer.tokensOf)

/** How all of these access tokens are answered, in both apps. */
async function statuses ({ at }: Scene, tokens: readonly Tokens[]): Promise<number[]> {
  const all = await Promise.all(tokens.flatMap(({ access }) => [0, 1].map((turn) => statusOf(at(turn), byBearer, access))))
  return [...new Set(all)]
}

onEachPlace(t, async (t, open) => {
  for (const [name, strategy] of Object.entries(strategies)) {
    t.test(`${name}: a refresh token, used many times at once, has one child`, async (t) => {
      for (let round = 0; round < rounds; round++) {
        const scene = await setScene(t, open, strategy)
        const { app, at, place, annId } = scene
        const { refresh } = await logIn(app, byBearer, ann)
        const replies = await atOnce(24, (turn) => refreshBy(at(turn + round), byBearer, refresh))
        t.strictSame(codes(replies), [200, ...Array.from({ length: 23 }, () => 401)])
        const [child] = successes(replies) as [Tokens]
        t.strictSame(await statuses(scene, [child]), [200], 'and it is good')
        t.equal((await place.sessions.list({ userId: annId, after: null, limit: 10 })).length, 1)
        t.equal((await refreshBy(at(round + 1), byBearer, child.refresh as string)).statusCode, 200)
      }
    })

    t.test(`${name}: the same with a grace gives the same child to all`, async (t) => {
      const scene = await setScene(t, open, strategy, 10)
      const { app, at } = scene
      const { refresh } = await logIn(app, byBearer, ann)
      const replies = await atOnce(24, (turn) => refreshBy(at(turn), byBearer, refresh))
      const children = successes(replies)
      t.ok(children.length > 1)
      t.equal(new Set(children.map(({ refresh }) => refresh)).size, 1)
      t.strictSame(await statuses(scene, children), [200])
    })

    t.test(`${name}: who logs out, changes a password or is logged out has nothing left, whatever was refreshed meanwhile`, async (t) => {
      for (let round = 0; round < rounds; round++) {
        for (const what of ['a log-out', 'a new password', 'the end of all sessions'] as const) {
          const scene = await setScene(t, open, strategy)
          const { app, at, annId } = scene
          const { access, refresh } = await logIn(app, byBearer, ann)
          const credential = byBearer.withAccess(access)
          const end = async (): Promise<number> => {
            if (what === 'a log-out') return (await send(at(1), credential, 'POST', '/logout/bearer')).statusCode
            if (what === 'the end of all sessions') return await at(1).users.revokeSessions(annId) ? 200 : 500
            return (await send(at(1), credential, 'PATCH', '/users/me', { password: aPassword('new'), currentPassword: ann.password })).statusCode
          }
          let ended = 0
          // A few are under way before it, and a few come after.
          const replies = await atOnce(16, async (turn) => {
            if (turn === 2 + round) ended = await end()
            return turn % 2 === 0 ? await refreshBy(at(turn / 2), byBearer, refresh) : await app.inject({ ...credential, url: '/me' })
          })
          // Its own credential may have been exchanged before.
          t.ok([200, 401].includes(ended), `${what}: ${ended}`)
          if (ended !== 200) continue
          const given = replies.filter(({ body }) => body.includes('access_token')).map(byBearer.tokensOf)
          t.strictSame(await statuses(scene, [{ access, refresh }, ...given]), [401], what)
          for (const token of [refresh, ...given.map(({ refresh }) => refresh as string)]) t.equal((await refreshBy(at(round), byBearer, token)).statusCode, 401)
        }
      }
    })
  }

  t.test('a session that is over is over there, too, at once', async (t) => {
    const { app, at } = await setScene(t, open, strategies.opaque as () => Strategy)
    const sessions: Tokens[] = []
    for (let i = 0; i < 16; i++) sessions.push(await logIn(app, byBearer, ann))
    const after = await atOnce(16, async (turn) => {
      const { access } = sessions[turn] as Tokens
      const before = statusOf(at(turn + 1), byBearer, access)
      const { statusCode } = await app.inject({ ...byBearer.withAccess(access), method: 'POST', url: '/logout/bearer' })
      return [statusCode, await statusOf(at(turn + 1), byBearer, access), [200, 401].includes(await before)]
    })
    t.strictSame(after, Array.from({ length: 16 }, () => [200, 401, true]))
  })

  t.test('all others end, while others begin', async (t) => {
    for (let round = 0; round < rounds; round++) {
      const { app, at } = await setScene(t, open, strategies.opaque as () => Strategy)
      const kept = await logIn(app, byBearer, ann)
      const before = [await logIn(app, byBearer, ann), await logIn(app, byBearer, ann)]
      const replies = await atOnce(16, async (turn) => turn === 4
        ? await send(at(1), byBearer.withAccess(kept.access), 'DELETE', '/sessions')
        : await app.inject({ method: 'POST', url: '/login/bearer', payload: ann, headers: sameOrigin }))
      t.strictSame(codes(replies), [...Array.from({ length: 15 }, () => 200), 204])
      t.equal(await statusOf(app, byBearer, kept.access), 200)
      for (const { access } of before) t.equal(await statusOf(at(1), byBearer, access), 401)

      const listed = (await send(app, byBearer.withAccess(kept.access), 'GET', '/sessions')).json<{ items: unknown[] }>().items.length
      const live = await Promise.all(successes(replies).map(async ({ access }) => await statusOf(at(1), byBearer, access)))
      t.equal(listed, 1 + live.filter((status) => status === 200).length, 'each that is good can be seen, and ended')
    }
  })

  t.test('what has expired is cleared away, and nothing else', async (t) => {
    const { app, at, place } = await setScene(t, open, strategies.opaque as () => Strategy)
    const there = (await place.again()).sessions
    const live: Tokens[] = []
    for (let i = 0; i < 16; i++) live.push(await logIn(app, byBearer, ann))
    const [example] = await place.sessions.list({ userId: (await app.users.getByEmail(ann.email))?.id ?? '', after: null, limit: 1 })
    if (example === undefined) throw new Error('there is no session')
    for (let i = 0; i < 16; i++) await place.sessions.insert({ ...example, id: `${i}`.padStart(43, '0'), expiresAt: example.createdAt - 1000 })
    const replies = await atOnce(24, async (turn) => {
      if (turn >= 16) return await (turn % 2 === 0 ? place.sessions : there).purge(Date.now())
      return (await refreshBy(at(turn), byBearer, live[turn]?.refresh as string)).statusCode
    })
    t.strictSame(replies.slice(0, 16), Array.from({ length: 16 }, () => 200))
    t.ok((replies.slice(16)).reduce((sum, count) => sum + count, 0) <= 16)
  })
})

t.test('signed tokens without sessions', async (t) => {
  onEachStore(t, async (t, open) => {
    t.test('many log out while ended tokens are cleared away', async (t) => {
      const { users, again } = await open(t)
      const clock: Clock = stoppedClock()
      const options = { strategy: jwt({ secret }), clock: clock.now, passwords: { ...cheap, queueLimit: 1000 } }
      const app = await appWith(t, { ...options, users })
      const other = await appWith(t, { ...options, users: await again() }, { seed: false })
      for (let i = 0; i < 20; i++) await users.revocations?.revoke(`an old one ${i}`, clock.now() - 4 * 3600_000, clock.now() - 5 * 3600_000)
      // Far enough for each process to clear away.
      clock.forward(120)
      const sessions = await Promise.all(Array.from({ length: 24 }, () => login(app, 'bearer')))
      const replies = await atOnce(24, async (turn) => await send(turn % 2 === 0 ? app : other, sessions[turn] as object, 'POST', '/logout/bearer'))
      t.strictSame(codes(replies), Array.from({ length: 24 }, () => 200))
      for (const session of sessions) for (const where of [app, other]) t.equal((await where.inject({ ...session, url: '/me' })).statusCode, 401)

      const one = await login(app, 'bearer')
      const twice = await atOnce(16, async (turn) => await send(turn % 2 === 0 ? app : other, one, 'POST', '/logout/bearer'))
      t.strictSame([...new Set(codes(twice))].filter((status) => status !== 401), [200])
      t.equal((await other.inject({ ...one, url: '/me' })).statusCode, 401)
    })
  })
})

t.test('so many races', async (t) => { t.comment(`races: ${races}`) })
