import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { bearer, cookie, jwt, opaque, type AuditEvent, type FastifyUsersOptions, type RouteOptions, type Strategy } from '../../lib/index.js'
import { readToken } from '../../lib/crypto/opaque-token.js'
import { ann, appWith, secret } from '../helpers/app.js'
import { byBearer, byCookie, logIn, onEachPlace, refreshBy, statusOf, stoppedClock, ways, type Clock, type OpenPlace, type Place, type Tokens, type Way } from '../helpers/sessions.js'

const strategies: Readonly<Record<string, () => Strategy>> = {
  jwt: () => jwt({ secret, sessions: true }),
  opaque: () => opaque()
}

interface Scene {
  readonly app: FastifyInstance
  /** Ann's. */
  readonly id: string
  readonly place: Place
  readonly clock: Clock
  /** Of refreshes: why each came to nothing. */
  readonly reasons: Array<string | null>
  /** Of refreshes: whose session it was, as far as that is told. */
  readonly robbed: Array<string | null>
  /** The rows of Ann's sessions. */
  rows (): Promise<number>
}

async function setScene (t: Test, open: OpenPlace, strategy: Strategy, graceSeconds = 0, given: Partial<FastifyUsersOptions> = {}): Promise<Scene> {
  const place = await open(t)
  const clock = stoppedClock()
  const reasons: Array<string | null> = []
  const robbed: Array<string | null> = []
  const audit = ({ type, reason, userId }: AuditEvent): void => {
    if (type !== 'refresh') return
    reasons.push(reason)
    robbed.push(userId)
  }
  const refresh = { graceSeconds }
  const app = await appWith(t, { users: place.users, sessions: place.sessions, clock: clock.now, strategy, audit, backends: [cookie({ refresh }), bearer({ refresh })], ...given })
  const { id } = await app.users.getByEmail(ann.email) as { id: string }
  return { app, id, place, clock, reasons, robbed, rows: async () => (await place.sessions.list({ userId: id, after: null, limit: 1000 })).length }
}

/** Lets requests go on when so many have come in, so that none of them is late. */
function barrier (count: number): { readonly routeOptions: RouteOptions } {
  let waiting: Array<() => void> = []
  return {
    routeOptions: {
      refresh: {
        preHandler (_request, _reply, done) {
          waiting.push(done)
          if (waiting.length < count) return
          const all = waiting
          waiting = []
          for (const go of all) go()
        }
      }
    }
  }
}

/** Sends the same token many times at once; gives what the lucky ones got. */
async function flood (t: Test, app: FastifyInstance, way: Way, token: string, requests = 20): Promise<Tokens[]> {
  const replies = await Promise.all(Array.from({ length: requests }, () => refreshBy(app, way, token)))
  t.strictSame(new Set(replies.map(({ statusCode }) => statusCode).filter((status) => status !== 200 && status !== 401)), new Set())
  return replies.filter(({ statusCode }) => statusCode === 200).map(way.tokensOf)
}

onEachPlace(t, async (t, open) => {
  for (const [name, strategy] of Object.entries(strategies)) {
    t.test(name, async (t) => {
      t.test('of twenty at once one is served, twenty times over, and the session lives on', async (t) => {
        const { app, reasons, rows } = await setScene(t, open, strategy(), 0, barrier(20))
        let { refresh } = await logIn(app, byBearer, ann)
        for (let round = 0; round < 20; round++) {
          const [served, ...more] = await flood(t, app, byBearer, refresh)
          t.strictSame(more, [])
          t.equal(await statusOf(app, byBearer, served?.access ?? ''), 200)
          const counts = reasons.splice(0).reduce<Record<string, number>>((counts, reason) => ({ ...counts, [String(reason)]: (counts[String(reason)] ?? 0) + 1 }), {})
          t.strictSame(counts, { null: 1, raced: 19 }, 'nobody was taken for a thief')
          refresh = served?.refresh ?? ''
        }
        t.equal(await rows(), 1)
        t.equal((await flood(t, app, byBearer, refresh)).length, 1)
      })

      t.test('of twenty that come as they come, one is served', async (t) => {
        const { app } = await setScene(t, open, strategy())
        for (const way of ways) {
          for (let round = 0; round < 5; round++) t.equal((await flood(t, app, way, (await logIn(app, way, ann)).refresh)).length, 1)
        }
      })

      t.test('an old one ends the session: for the thief, and for whom it was stolen from', async (t) => {
        const { app, id, place, reasons, robbed, rows } = await setScene(t, open, strategy())
        for (const way of ways) {
          for (const exchanges of [1, 2, 3]) {
            const first = await logIn(app, way, ann)
            const bystander = await logIn(app, way, ann)
            let newest: Tokens = first
            for (let i = 0; i < exchanges; i++) newest = way.tokensOf(await refreshBy(app, way, newest.refresh ?? ''))
            t.equal(await statusOf(app, way, newest.access), 200)
            reasons.length = 0

            const reuse = await refreshBy(app, way, first.refresh)
            t.equal(reuse.statusCode, 401)
            t.equal(reuse.headers['set-cookie'], undefined)
            t.strictSame(reasons, ['reused'])
            t.equal(robbed.at(-1), id, 'and it is told whom it was stolen from')
            t.equal((await refreshBy(app, way, newest.refresh ?? '')).statusCode, 401)
            t.equal((await refreshBy(app, way, first.refresh)).statusCode, 401)
            for (const { access } of [first, newest]) t.equal(await statusOf(app, way, access), 401)
            t.strictSame(reasons, ['reused', 'invalid', 'invalid'])
            t.equal((await refreshBy(app, way, bystander.refresh)).statusCode, 200, 'the other one lives on')
            t.equal(await rows(), 1)
            await place.sessions.removeAll(id, null)
          }
        }
      })

      t.test('a flood with an old one ends the session, and serves nobody', async (t) => {
        const { app, rows } = await setScene(t, open, strategy())
        const { refresh } = await logIn(app, byBearer, ann)
        const newest = byBearer.tokensOf(await refreshBy(app, byBearer, refresh))
        t.strictSame(await flood(t, app, byBearer, refresh), [])
        t.equal(await rows(), 0)
        t.equal(await statusOf(app, byBearer, newest.access), 401)
      })

      t.test('within the grace all get the same, and the family is not forked', async (t) => {
        const { app, clock, rows } = await setScene(t, open, strategy(), 10)
        for (const way of ways) {
          const { refresh } = await logIn(app, way, ann)
          const served = await flood(t, app, way, refresh)
          clock.forward(9)
          served.push(...await flood(t, app, way, refresh, 2))
          t.equal(served.length, 22)
          t.equal(new Set(served.map(({ refresh }) => refresh)).size, 1)
          if (name === 'opaque') t.equal(new Set(served.map(({ access }) => access)).size, 1)
          for (const { access } of served) t.equal(await statusOf(app, way, access), 200)
          t.equal(await rows(), 1)

          clock.forward(1)
          t.equal((await refreshBy(app, way, refresh)).statusCode, 401)
          t.equal((await refreshBy(app, way, served[0]?.refresh ?? '')).statusCode, 401, 'after it, a reuse is one')
          t.equal(await rows(), 0)
        }
      })

      t.test('the grace ends where the next one is used', async (t) => {
        const { app, reasons } = await setScene(t, open, strategy(), 10)
        const r1 = (await logIn(app, byBearer, ann)).refresh
        const r2 = byBearer.tokensOf(await refreshBy(app, byBearer, r1)).refresh ?? ''
        const r3 = byBearer.tokensOf(await refreshBy(app, byBearer, r2)).refresh ?? ''
        t.equal(byBearer.tokensOf(await refreshBy(app, byBearer, r2)).refresh, r3)
        t.equal((await refreshBy(app, byBearer, r1)).statusCode, 401)
        t.equal(reasons.at(-1), 'reused')
        t.equal((await refreshBy(app, byBearer, r3)).statusCode, 401)
      })

      t.test('the grace is none for whom the session was ended', async (t) => {
        const { app, id } = await setScene(t, open, strategy(), 10)
        for (const way of ways) {
          for (const end of [async (access: string) => await app.inject({ ...way.withAccess(access), method: 'POST', url: `/logout/${way.name}` }), async () => await app.users.revokeSessions(id)]) {
            const { refresh } = await logIn(app, way, ann)
            const { access } = way.tokensOf(await refreshBy(app, way, refresh))
            await end(access)
            t.equal((await refreshBy(app, way, refresh)).statusCode, 401)
          }
        }
      })

      t.test('of two processes one serves', async (t) => {
        const { app, place, clock } = await setScene(t, open, strategy(), 0)
        const users = { ...place.users, close: () => {} }
        const other = await appWith(t, { users, sessions: place.sessions, clock: clock.now, strategy: strategy(), backends: [cookie({ refresh: true }), bearer({ refresh: true })] }, { seed: false })
        for (let round = 0; round < 5; round++) {
          const { refresh } = await logIn(app, byCookie, ann)
          const served = (await Promise.all([flood(t, app, byCookie, refresh, 10), flood(t, other, byCookie, refresh, 10)])).flat()
          t.equal(served.length, 1)
        }
      })

      t.test('an end and an exchange at once leave nothing alive', async (t) => {
        const { app, id, place } = await setScene(t, open, strategy())
        for (const way of ways) {
          for (const end of [async (access: string) => await app.inject({ ...way.withAccess(access), method: 'POST', url: `/logout/${way.name}` }), async () => await app.users.revokeSessions(id)]) {
            const { access, refresh } = await logIn(app, way, ann)
            const [reply] = await Promise.all([refreshBy(app, way, refresh), end(access)])
            const next = reply.statusCode === 200 ? way.tokensOf(reply) : { access: 'x', refresh: 'x' }
            // Where the exchange was first, the log-out came with a credential that had just been replaced.
            const out = await app.inject({ ...way.withAccess(next.access), method: 'POST', url: `/logout/${way.name}` })
            t.match(String(out.statusCode), /^(?:200|401)$/)
            for (const token of [access, next.access]) t.equal(await statusOf(app, way, token), 401)
            t.equal((await refreshBy(app, way, next.refresh ?? '')).statusCode, 401)
            await place.sessions.removeAll(id, null)
          }
        }
      })

      t.test('what is stored opens nothing, after whatever exchanges', async (t) => {
        const { app, place } = await setScene(t, open, strategy(), 10)
        const given: string[] = []
        for (const way of ways) {
          let tokens: Tokens = await logIn(app, way, ann)
          for (let i = 0; i < 3; i++) {
            given.push(tokens.access, tokens.refresh ?? '')
            tokens = way.tokensOf(await refreshBy(app, way, tokens.refresh ?? ''))
          }
          given.push(tokens.access, tokens.refresh ?? '')
        }
        t.equal(new Set(given).size, 16)
        const text = await place.dump()
        t.ok(text.includes('usedDigest'), 'it is there')
        for (const token of given) {
          const handle = readToken('fu-refresh', token) ?? readToken('fu-session', token)
          const parts = handle === null ? [token.split('.')[2] as string] : [token.split('.')[1] as string, token.split('.')[2] as string, handle]
          for (const part of parts) {
            const raw = Buffer.from(part, 'base64url')
            for (const form of [token, part, raw.toString('base64'), raw.toString('hex'), raw.toString('latin1')]) t.notOk(text.includes(form))
          }
        }
      })
    })
  }
})
