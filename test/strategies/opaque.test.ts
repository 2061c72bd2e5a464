import Fastify from 'fastify'
import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { bearer, cookie, jwt, memorySessions, opaque, type RunningStrategy, type SessionStore, type Strategy } from '../../lib/index.js'
import { createToken, readToken } from '../../lib/crypto/opaque-token.js'
import { createLookUps } from '../../lib/look-ups.js'
import { strategyContract } from '../../lib/testing/index.js'
import { ann, appWith, secret } from '../helpers/app.js'
import { eventually } from '../helpers/redis.js'
import { byBearer, byCookie, faulty, logIn, onEachPlace, onlySession, statusOf, stoppedClock, ways } from '../helpers/sessions.js'

/** A strategy in a scope of its own. */
async function started (t: Test, strategy: Strategy, sessions: SessionStore, clock = Date.now): Promise<RunningStrategy> {
  const fastify = Fastify()
  t.after(async () => { await fastify.close() })
  return await strategy.start({ fastify, clock, sessions, revocations: { revoke: () => {}, isRevoked: () => false }, lookUps: createLookUps({ findById: () => null }), backends: new Map([['one', 600]]) })
}

const grant = { userId: 'ann', epoch: 0, backend: 'one', lifetimeSeconds: 600, refresh: undefined, ip: null, userAgent: null }

for (const { name, run } of strategyContract(() => opaque())) t.test(name, run)

onEachPlace(t, async (t, open) => {
  t.test('the contract', async (t) => {
    const { sessions } = await open(t)
    for (const { name, run } of strategyContract(() => opaque({ lifetimeSeconds: 60, sessions }))) t.test(name, run)
  })

  t.test('what is stored opens nothing', async (t) => {
    const { users, sessions, dump } = await open(t)
    const app = await appWith(t, { users, sessions, strategy: opaque(), backends: [cookie(), bearer({ refresh: true })] })
    const tokens: string[] = []
    for (const way of ways) {
      const { access, refresh } = await logIn(app, way, ann)
      tokens.push(access, ...(refresh === '' ? [] : [refresh]))
    }
    t.equal(tokens.length, 3)
    const text = await dump()
    t.ok(text.includes('bearer'), 'it is there')
    for (const token of tokens) {
      const [, selector = '', secret = ''] = token.split('.')
      const handle = readToken(token.split('.')[0] as string, token) as string
      const raw = Buffer.from(secret, 'base64url')
      for (const part of [token, selector, handle, Buffer.from(handle, 'base64url').toString('hex'), secret, raw.toString('base64'), raw.toString('hex'), raw.toString('latin1')]) t.notOk(text.includes(part))
    }
  })

  t.test('lastSeenAt, once a minute at most, and the idle end', async (t) => {
    const { users, sessions } = await open(t)
    const clock = stoppedClock()
    const app = await appWith(t, { users, sessions, clock: clock.now, strategy: opaque({ idleSeconds: 300 }) })
    const { id } = await app.users.getByEmail(ann.email) as { id: string }
    const { access } = await logIn(app, byCookie, ann)
    const start = clock.now()
    for (const [seconds, seenAfter] of [[59, 0], [1, 60], [59, 60], [1, 120], [299, 419]] as const) {
      clock.forward(seconds)
      t.equal(await statusOf(app, byCookie, access), 200)
      // Nobody waits for what is noted of a use, so it may be a moment behind; and what is noted meanwhile is not noted twice.
      await eventually(async () => {
        const status = await statusOf(app, byCookie, access)
        const { lastSeenAt } = await onlySession({ sessions }, id)
        if (status !== 200 || lastSeenAt !== start + seenAfter * 1000) throw new Error(`${status}, last seen at ${lastSeenAt}`)
      })
      t.match(await onlySession({ sessions }, id), { lastSeenAt: start + seenAfter * 1000, expiresAt: start + (seenAfter + 300) * 1000 })
    }
    clock.forward(300)
    t.equal(await statusOf(app, byCookie, access), 401)
  })
})

t.test('a session ends with its lifetime, however much it is used', async (t) => {
  const clock = stoppedClock()
  const app = await appWith(t, { clock: clock.now, strategy: opaque({ lifetimeSeconds: 1000, idleSeconds: 300 }) })
  const { access } = await logIn(app, byBearer, ann)
  for (let i = 0; i < 4; i++) {
    clock.forward(249)
    t.equal(await statusOf(app, byBearer, access), 200)
  }
  clock.forward(3)
  t.equal(await statusOf(app, byBearer, access), 200)
  clock.forward(1)
  t.equal(await statusOf(app, byBearer, access), 401)
})

t.test('without options it lives for a day', async (t) => {
  const clock = stoppedClock()
  const app = await appWith(t, { clock: clock.now, strategy: opaque() })
  const { access } = await logIn(app, byBearer, ann)
  clock.forward(86_399)
  t.equal(await statusOf(app, byBearer, access), 200)
  clock.forward(1)
  t.equal(await statusOf(app, byBearer, access), 401)
})

t.test('what was made up costs no look-up', async (t) => {
  const { store, calls } = faulty(memorySessions())
  const app = await appWith(t, { sessions: store, strategy: opaque() })
  const { access } = await logIn(app, byBearer, ann)
  calls()
  t.equal(await statusOf(app, byBearer, access), 200)
  t.strictSame(calls(), { find: 1 }, 'one look-up, and no write')

  const [kind, selector, secret, checksum] = access.split('.') as [string, string, string, string]
  const hostile = [
    access.slice(0, -1), access.slice(1), `${access}A`, access.toUpperCase(), access.toLowerCase(), access.replaceAll('.', '-'), access.split('.').reverse().join('.'),
    kind, `${kind}.`, `${kind}...`, `${kind}.${selector}`, `${kind}.${selector}.${secret}`, `${kind}.${selector}.${secret}.`, `${kind}.${selector}.${secret}.${checksum}.${checksum}`,
    createToken('fu-refresh', 'x'), createToken('fu-verify', 'x'), createToken('fu-reset', 'x'), createToken(kind, 'x', randomBytes(31)), createToken(kind, 'x'.repeat(400)),
    '.', '...', 'null', 'undefined', '0', 'A'.repeat(43), 'A'.repeat(8000),
    ...Array.from({ length: 1000 }, () => randomBytes(32).toString('base64url')),
    ...Array.from({ length: 100 }, () => `${kind}.${selector}.${randomBytes(32).toString('base64url')}.${checksum}`)
  ]
  for (const token of hostile) t.equal(await statusOf(app, byBearer, token), 401)
  t.strictSame(calls(), {}, 'not one')

  t.equal(await statusOf(app, byBearer, createToken(kind, 'x')), 401)
  t.strictSame(calls(), { find: 1 }, 'whoever counts the checksum costs one')
  const handle = readToken(kind, access) as string
  t.equal(await statusOf(app, byBearer, createToken(kind, handle)), 401, 'nor does the handle open anything')
  t.equal(await statusOf(app, byBearer, access), 200, 'or end it')
})

t.test('a session whose tokens were signed has no opaque one', async (t) => {
  const sessions = memorySessions()
  const signed = await started(t, jwt({ secret, sessions: true }), sessions)
  const { refreshToken = '' } = await signed.issue({ ...grant, refresh: { idleSeconds: 600, absoluteSeconds: 600, graceSeconds: 0 } })
  const handle = readToken('fu-refresh', refreshToken) as string
  const strategy = await started(t, opaque(), sessions)
  t.equal(await strategy.verify(createToken('fu-session', handle), 'one'), null)
})

t.test('an exchange ends the access token that was there before', async (t) => {
  const sessions = memorySessions()
  const app = await appWith(t, { sessions, strategy: opaque(), backends: [bearer({ refresh: true })] })
  const first = await logIn(app, byBearer, ann)
  const reply = await app.inject({ ...byBearer.withRefresh(first.refresh), method: 'POST', url: '/refresh/bearer' })
  t.equal(reply.statusCode, 200)
  t.equal(await statusOf(app, byBearer, first.access), 401)
  t.equal(await statusOf(app, byBearer, byBearer.tokensOf(reply).access), 200)
})

t.test('a store of the strategy\'s own goes before that of the plugin', async (t) => {
  const [own, plugins] = [faulty(memorySessions()), faulty(memorySessions())]
  const app = await appWith(t, { sessions: plugins.store, backends: [cookie({ strategy: opaque({ sessions: own.store }) }), bearer({ strategy: opaque() })] })
  await logIn(app, byCookie, ann)
  t.strictSame([own.calls(), plugins.calls()], [{ insert: 1 }, {}])
  await logIn(app, byBearer, ann)
  t.strictSame([own.calls(), plugins.calls()], [{}, { insert: 1 }])
})
