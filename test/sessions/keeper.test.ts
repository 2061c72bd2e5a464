import t from 'tap'
import type { Exchange, Grant, Refreshed, Renewed, SessionData, SessionStore, StoredSession } from '../../lib/index.js'
import { memorySessions } from '../../lib/index.js'
import { createToken, digestOf } from '../../lib/crypto/opaque-token.js'
import { isSessionStore } from '../../lib/sessions/is-session-store.js'
import { createLookUps } from '../../lib/look-ups.js'
import { createKeeper, type Keeper } from '../../lib/sessions/keeper.js'
import { createRotations, type ReplyOutcome } from '../../lib/sessions/rotations.js'
import { stoppedClock, type Clock } from '../helpers/sessions.js'

const terms = { idleSeconds: 1000, absoluteSeconds: 5000, graceSeconds: 0 }
const grant: Grant = { userId: 'ann', epoch: 3, backend: 'one', lifetimeSeconds: 60, refresh: terms, ip: '192.0.2.1', userAgent: 'a browser' }

interface Bench {
  readonly keeper: Keeper
  readonly clock: Clock
  readonly store: SessionStore
  /** Lets the replies leave that were waited for. */
  reply (outcome?: ReplyOutcome): void
  refresh (token: string, given?: Partial<Exchange>): Promise<Refreshed>
  /** The row of the only session. */
  row (): Promise<StoredSession>
}

/** A keeper of opaque tokens. What is put in place of the store's methods is handed the store. */
function bench (twist: (store: SessionStore) => Partial<SessionStore> = () => ({}), idleSeconds?: number): Bench {
  const clock = stoppedClock(Date.UTC(2030, 0, 1))
  const plain = memorySessions()
  const store = { ...plain, ...twist(plain) }
  const keeper = createKeeper(store, { clock: clock.now, lookUps: createLookUps({ findById: () => null }) }, { areOpaque: true, make: (_session, _backend, handle, secret) => createToken('x', handle, secret) }, idleSeconds)
  let leaving: Array<(outcome: ReplyOutcome) => void> = []
  return {
    keeper,
    clock,
    store,
    reply (outcome = 'answered') {
      for (const one of leaving) one(outcome)
      leaving = []
    },
    refresh: (token, given = {}) => keeper.refresh(token, { backend: 'one', lifetimeSeconds: 60, graceSeconds: 0, cameAt: performance.now(), onReplied: (listener) => { leaving.push(listener) }, onReuse: () => {}, admits: async () => true, ...given }),
    async row () {
      const [row] = await store.list({ userId: 'ann', after: null, limit: 1 })
      return row as StoredSession
    }
  }
}

/** The tokens of an exchange that must have worked. */
function renewed (outcome: Refreshed): Renewed {
  if (typeof outcome === 'string') throw new Error(`the exchange came to nothing: ${outcome}`)
  return outcome
}

const always = () => true

/** Of a token of the kind that {@link createToken} makes. */
function secretIn (token: string): string {
  return token.split('.')[2] as string
}

t.test('what is stored of a session', async (t) => {
  const { keeper, clock, row } = bench()
  const now = clock.now()
  const { token, session, refreshToken = '' } = await keeper.issue(grant)
  t.strictSame(session, { id: session.id, userId: 'ann', epoch: 3, issuedAt: now, expiresAt: now + 60_000, authenticatedAt: now })
  t.match(session.id, /^[\w-]{43}$/)
  t.strictSame(await row(), {
    id: session.id,
    userId: 'ann',
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + 1_000_000,
    version: 1,
    data: {
      backend: 'one',
      epoch: 3,
      authenticatedAt: now,
      endsAt: now + 5_000_000,
      idleMs: 1_000_000,
      accessExpiresAt: now + 60_000,
      accessDigest: digestOf(token),
      refresh: { digest: digestOf(refreshToken), usedDigest: null, salt: '', rotatedAt: now },
      ip: '192.0.2.1',
      userAgent: 'a browser'
    }
  })
})

t.test('without refresh tokens it ends with its token, or sooner if it is not used', async (t) => {
  for (const [idleSeconds, idleMs, after] of [[undefined, null, 60_000], [30, 30_000, 30_000], [90, 90_000, 60_000]] as const) {
    const { keeper, clock, row } = bench(undefined, idleSeconds)
    const { refreshToken } = await keeper.issue({ ...grant, refresh: undefined })
    t.equal(refreshToken, undefined)
    t.match(await row(), { expiresAt: clock.now() + after, data: { endsAt: clock.now() + 60_000, idleMs, refresh: null } })
  }
})

t.test('an access token does not outlive its session', async (t) => {
  const { keeper, clock, refresh, reply } = bench()
  const long = { ...grant, lifetimeSeconds: 9000 }
  const { session, refreshToken = '' } = await keeper.issue(long)
  t.equal(session.expiresAt, clock.now() + 5_000_000)
  clock.forward(900)
  t.equal(renewed(await refresh(refreshToken, { lifetimeSeconds: 9000 })).session.expiresAt, clock.now() + 4_100_000)
  reply()
})

t.test('who sees a session, and where', async (t) => {
  const { keeper, clock } = bench()
  const { session: { id } } = await keeper.issue(grant)
  t.match(keeper.see(id, 'one', always, null), { session: { id, userId: 'ann' } }, 'at once, as the store answers at once')
  t.equal(keeper.see(id, 'two', always, null), null)
  t.equal(keeper.see(id, 'one', () => false, null), null)
  t.equal(keeper.see('other', 'one', always, null), null)
  clock.forward(999)
  t.ok(keeper.see(id, 'one', always, null))
  clock.forward(999)
  t.ok(keeper.see(id, 'one', always, null), 'it was used')
  clock.forward(1000)
  t.equal(keeper.see(id, 'one', always, null), null, 'it was not')
})

t.test('a session ends when it must, however much it is used', async (t) => {
  const { keeper, clock } = bench()
  const { session: { id } } = await keeper.issue(grant)
  for (let seconds = 0; seconds < 4500; seconds += 500) {
    clock.forward(500)
    t.ok(keeper.see(id, 'one', always, null))
  }
  clock.forward(499)
  t.ok(keeper.see(id, 'one', always, null))
  clock.forward(1)
  t.equal(keeper.see(id, 'one', always, null), null)
})

t.test('a session ends when it must, whatever else its row says', async (t) => {
  const { keeper, clock, refresh } = bench((store) => ({
    async find (id) {
      const row = await store.find(id)
      return row === null ? null : { ...row, expiresAt: row.expiresAt + 10_000_000 }
    }
  }))
  const { session: { id }, refreshToken = '' } = await keeper.issue(grant)
  clock.forward(4999)
  t.ok(await keeper.see(id, 'one', always, null))
  clock.forward(1)
  t.equal(await keeper.see(id, 'one', always, null), null)
  t.equal(await refresh(refreshToken), 'invalid')
})

t.test('that it was seen is written once a minute, and moves the idle end on', async (t) => {
  const { keeper, clock, row } = bench()
  const { session: { id } } = await keeper.issue(grant)
  const start = clock.now()
  for (const [seconds, version, seenAfter] of [[1, 1, 0], [58, 1, 0], [1, 2, 60], [1, 2, 60], [58, 2, 60], [1, 3, 120]] as const) {
    clock.forward(seconds)
    await keeper.see(id, 'one', always, null)
    t.match(await row(), { version, lastSeenAt: start + seenAfter * 1000, expiresAt: start + seenAfter * 1000 + 1_000_000 })
  }
})

t.test('that it cannot be written is no reason to refuse', async (t) => {
  const failing: Array<SessionStore['replace']> = [
    () => { throw new Error('down') },
    async () => { throw new Error('down') },
    () => new Promise(() => {}),
    () => false
  ]
  for (const replace of failing) {
    const { keeper, clock, row } = bench(() => ({ replace }))
    const { session: { id } } = await keeper.issue(grant)
    clock.forward(60)
    t.match(await keeper.see(id, 'one', always, null), { session: { id } })
    t.match(await row(), { version: 1 })
  }
})

t.test('what is noted of a use gives way to another change', async (t) => {
  const { keeper, clock, store, row } = bench((store) => ({ find: async (id) => await store.find(id) }))
  const { session: { id } } = await keeper.issue(grant)
  clock.forward(60)
  const seen = keeper.see(id, 'one', (row) => {
    store.replace({ ...row, version: 2, data: { ...row.data, epoch: 4 } }, 1)
    return true
  }, null)
  t.match(await seen, { session: { id } })
  t.match(await row(), { version: 2, data: { epoch: 4 } })
})

t.test('a chain of exchanges', async (t) => {
  const { keeper, clock, refresh, reply, row } = bench()
  const first = await keeper.issue(grant)
  const { id } = first.session
  const start = clock.now()
  const seen = new Set([first.token, first.refreshToken])
  let token = first.refreshToken ?? ''
  for (let i = 1; i <= 5; i++) {
    clock.forward(500)
    const next = renewed(await refresh(token))
    reply()
    t.match(next.session, { id, userId: 'ann', epoch: 3, issuedAt: clock.now(), expiresAt: clock.now() + 60_000, authenticatedAt: start }, 'the same session, proved at its log-in')
    t.match(await row(), {
      id,
      createdAt: start,
      lastSeenAt: clock.now(),
      expiresAt: clock.now() + 1_000_000,
      version: i + 1,
      data: { accessDigest: digestOf(next.token), accessExpiresAt: clock.now() + 60_000, refresh: { digest: digestOf(next.refreshToken), usedDigest: digestOf(token), rotatedAt: clock.now(), salt: '' } }
    })
    seen.add(next.token).add(next.refreshToken)
    t.equal(seen.size, 2 + 2 * i, 'no two tokens are alike')
    token = next.refreshToken
  }
})

t.test('what is no refresh token of the session is refused, and changes nothing', async (t) => {
  const { keeper, refresh, row, store } = bench()
  const { token, refreshToken = '', session } = await keeper.issue(grant)
  const before = await row()
  const withoutRefresh = await keeper.issue({ ...grant, userId: 'bob', refresh: undefined })
  const handle = Buffer.from(withoutRefresh.token.split('.')[1] as string, 'base64url').toString()

  for (const [what, text] of Object.entries({
    nothing: '',
    'the access token': token,
    'the id of the session': session.id,
    'one that was cut': refreshToken.slice(0, -1),
    'another kind': refreshToken.replace('fu-refresh', 'fu-session'),
    'of nobody': createToken('fu-refresh', 'no such handle'),
    'of a session without refresh tokens': createToken('fu-refresh', handle)
  })) t.equal(await refresh(text), 'invalid', what)
  t.equal(await refresh(refreshToken, { backend: 'two' }), 'invalid', 'of another backend')
  t.strictSame(await row(), before)
  t.ok(await store.find(withoutRefresh.session.id))
})

t.test('neither token of a session tells the secret of the other', async (t) => {
  const { keeper, refresh, reply } = bench()
  const first = await keeper.issue(grant)
  const second = renewed(await refresh(first.refreshToken ?? ''))
  reply()
  for (const { token, refreshToken = '' } of [first, second]) t.not(secretIn(token), secretIn(refreshToken))

  const { token } = second
  const handle = Buffer.from(token.split('.')[1] as string, 'base64url').toString()
  const made = createToken('fu-refresh', handle, Buffer.from(secretIn(token), 'base64url'))
  t.equal(await refresh(made), 'reused', 'of an access token no refresh token can be made')
})

t.test('it ends by idleness, and at the latest when it must', async (t) => {
  const { keeper, clock, refresh, reply } = bench()
  const idle = await keeper.issue(grant)
  clock.forward(1000)
  t.equal(await refresh(idle.refreshToken ?? ''), 'invalid')

  let token = (await keeper.issue(grant)).refreshToken ?? ''
  for (let i = 0; i < 5; i++) {
    token = renewed(await refresh(token)).refreshToken
    reply()
    clock.forward(999)
  }
  token = renewed(await refresh(token)).refreshToken
  clock.forward(5)
  t.equal(await refresh(token), 'invalid', 'it was in use all the time')
})

t.test('a user who may not go on ends the session', async (t) => {
  const { keeper, refresh, store } = bench()
  const { session, refreshToken = '' } = await keeper.issue(grant)
  const admits: unknown[] = []
  t.equal(await refresh(refreshToken, { admits: async (session) => { admits.push(session); return false } }), 'invalid')
  t.strictSame(admits, [session])
  t.equal(await store.find(session.id), null)
})

t.test('an old token ends the session', async (t) => {
  for (const age of [1, 2]) {
    const { keeper, refresh, reply, store } = bench()
    const { session, refreshToken: r1 = '' } = await keeper.issue(grant)
    let newest = r1
    for (let i = 0; i < age; i++) {
      newest = renewed(await refresh(newest)).refreshToken
      reply()
    }
    t.equal(await refresh(r1), 'reused', `used ${age} times ago`)
    t.equal(await store.find(session.id), null)
    t.equal(await refresh(newest), 'invalid', 'the newest with it')
  }
})

t.test('one that was made up by whoever knows another token of the session ends it too', async (t) => {
  const { keeper, refresh, store } = bench()
  const { session, refreshToken = '' } = await keeper.issue(grant)
  const handle = Buffer.from(refreshToken.split('.')[1] as string, 'base64url').toString()
  t.equal(await refresh(createToken('fu-refresh', handle)), 'reused')
  t.equal(await store.find(session.id), null)
})

t.test('within the grace an old token gives the same once more, and no longer', async (t) => {
  const { keeper, clock, refresh, reply, row, store } = bench()
  const { session, refreshToken: r1 = '' } = await keeper.issue(grant)
  const first = renewed(await refresh(r1, { graceSeconds: 10 }))
  reply()
  const after = await row()
  clock.forward(9)
  const again = renewed(await refresh(r1, { graceSeconds: 10 }))
  t.strictSame(again, first)
  t.strictSame(await row(), after, 'the family is not forked')

  clock.forward(1)
  t.equal(await refresh(r1, { graceSeconds: 10 }), 'reused')
  t.equal(await store.find(session.id), null)
})

t.test('within the grace only the last but one gives anything', async (t) => {
  const { keeper, refresh, reply } = bench()
  const { refreshToken: r1 = '' } = await keeper.issue(grant)
  const r2 = renewed(await refresh(r1, { graceSeconds: 10 })).refreshToken
  reply()
  const r3 = renewed(await refresh(r2, { graceSeconds: 10 })).refreshToken
  reply()
  t.equal(renewed(await refresh(r2, { graceSeconds: 10 })).refreshToken, r3)
  t.equal(await refresh(r1, { graceSeconds: 10 }), 'reused')
})

t.test('the grace admits nobody who may not go on', async (t) => {
  const { keeper, refresh, reply } = bench()
  const { refreshToken: r1 = '' } = await keeper.issue(grant)
  renewed(await refresh(r1, { graceSeconds: 10 }))
  reply()
  t.equal(await refresh(r1, { graceSeconds: 10, admits: async () => false }), 'reused')
})

t.test('at the same time: one is served, and nothing happens to the session', async (t) => {
  const { keeper, refresh, reply, row } = bench()
  const { refreshToken: r1 = '' } = await keeper.issue(grant)
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => refresh(r1)))
  t.equal(outcomes.filter((outcome) => outcome === 'raced').length, 19)
  t.equal(await refresh(r1), 'raced', 'the reply has not left yet')
  const winner = renewed(outcomes.find((outcome) => typeof outcome !== 'string') ?? 'raced')
  t.match(await row(), { version: 2, data: { refresh: { digest: digestOf(winner.refreshToken) } } })
  reply()
  t.equal(await refresh(r1, { cameAt: performance.now() - 60_000 }), 'raced', 'on its way before the reply left')
  t.equal(await refresh(r1), 'reused', 'and after it')
})

t.test('a request that the store holds up is as early as it came', async (t) => {
  let letGo = (): void => {}
  const held = new Promise<void>((resolve) => { letGo = resolve })
  const waits = [held]
  const { keeper, refresh, reply, row } = bench((store) => ({
    async find (id) {
      await waits.shift()
      return await store.find(id)
    }
  }))
  const { refreshToken: r1 = '' } = await keeper.issue(grant)
  const slow = refresh(r1)
  const fast = renewed(await refresh(r1))
  reply()
  letGo()
  t.equal(await slow, 'raced')
  t.match(await row(), { data: { refresh: { digest: digestOf(fast.refreshToken) } } })
  t.equal(await refresh(r1), 'reused', 'a late one is late')
})

t.test('an exchange that another process makes is told from a reuse by the clocks', async (t) => {
  const one = bench()
  const other = createKeeper(one.store, { clock: one.clock.now, lookUps: createLookUps({ findById: () => null }) }, { areOpaque: true, make: (_session, _backend, handle, secret) => createToken('x', handle, secret) })
  const exchange: Exchange = { backend: 'one', lifetimeSeconds: 60, graceSeconds: 0, cameAt: performance.now() - 60_000, onReplied: () => {}, onReuse: () => {}, admits: async () => true }
  const { session, refreshToken: r1 = '' } = await one.keeper.issue(grant)
  renewed(await one.refresh(r1))
  t.equal(await other.refresh(r1, exchange), 'raced', 'it came a minute ago')
  t.equal(await other.refresh(r1, { ...exchange, cameAt: performance.now() }), 'raced', 'clocks may differ by two seconds')
  t.ok(await one.store.find(session.id))
  one.clock.forward(120)
  t.equal(await other.refresh(r1, exchange), 'reused')
  t.equal(await one.store.find(session.id), null)
})

t.test('of exchanges that were begun, the one that was made counts', async (t) => {
  const rotations = createRotations()
  const now = Date.now()
  const early = performance.now()
  const cameBefore = (cameAt: number, rotatedAt = 0): boolean => rotations.cameBefore('a', cameAt, rotatedAt, now)

  t.equal(cameBefore(early), false, 'none is known here: the clocks decide')
  t.equal(cameBefore(early, now + 1000), true)
  t.equal(cameBefore(early, now - 1000), true, 'in doubt, for the client')
  const [lost, won] = [rotations.begin('a', 'one'), rotations.begin('a', 'two')]
  t.equal(cameBefore(performance.now()), true)
  t.equal(cameBefore(performance.now() + 10_001), false, 'who reads slowly gains nothing')
  t.equal(rotations.cameBefore('b', early, 0, now), false)
  lost.lost()
  t.equal(cameBefore(performance.now()), true)
  won.replied('answered')
  t.equal(cameBefore(early), true)
  t.equal(cameBefore(performance.now() + 1), false)

  const again = rotations.begin('c', 'one')
  again.lost()
  t.equal(rotations.cameBefore('c', early, 0, now), false, 'it was not made here')
  for (let i = 0; i < 1000; i++) rotations.begin(`${i}`, 'one')
  t.equal(cameBefore(early), false, 'so many are remembered')
  won.replied('answered')
  t.equal(cameBefore(early), false)
})

t.test('a session that is changed all the time is not ended', async (t) => {
  const { keeper, refresh, row } = bench(() => ({ replace: () => false }))
  const { refreshToken = '' } = await keeper.issue(grant)
  t.equal(await refresh(refreshToken), 'raced')
  t.match(await row(), { version: 1 })
})

t.test('what is not a clear yes from the store is no yes', async (t) => {
  for (const answer of [undefined, null, 1, 'true', {}]) {
    const { keeper, refresh } = bench(() => ({ replace: () => answer as unknown as boolean }))
    const { refreshToken = '' } = await keeper.issue(grant)
    t.equal(await refresh(refreshToken), 'raced', String(answer))
  }
})

t.test('a store that fails leaves the token as it was', async (t) => {
  let down = true
  const { keeper, refresh } = bench((store) => ({
    replace (session, version) {
      if (down) throw new Error('down')
      return store.replace(session, version)
    }
  }))
  const { refreshToken = '' } = await keeper.issue(grant)
  await t.rejects(refresh(refreshToken), { message: 'down' })
  down = false
  t.ok(renewed(await refresh(refreshToken)))
})

t.test('a store that has made the exchange and then fails', async (t) => {
  let down = true
  const { keeper, refresh, reply, row, store } = bench((store) => ({
    replace (session, version) {
      const done = store.replace(session, version)
      if (down) throw new Error('down')
      return done
    }
  }))
  const { refreshToken: r1 = '', session } = await keeper.issue(grant)
  await t.rejects(refresh(r1), { message: 'down' })
  down = false
  t.equal(await refresh(r1), 'raced', 'nobody was told anything yet')
  reply('failed')
  const { refreshToken: r2 } = renewed(await refresh(r1))
  t.match(await row(), { version: 2, data: { refresh: { digest: digestOf(r2), usedDigest: digestOf(r1) } } })
  const { refreshToken: r3 } = renewed(await refresh(r2))
  reply()
  t.equal(await refresh(r1), 'reused', 'its successor was used')
  t.equal(await refresh(r3), 'invalid')
  t.equal(await store.find(session.id), null)
})

t.test('whom we have told that something failed may ask again, once for each time; who has gone away may not', async (t) => {
  const { keeper, refresh, reply, row } = bench()
  const { refreshToken: r1 = '' } = await keeper.issue(grant)
  const first = renewed(await refresh(r1))
  t.equal(await refresh(r1), 'raced')
  reply('failed')
  const after = await row()
  t.strictSame(renewed(await refresh(r1)), first)
  t.equal(await refresh(r1), 'raced', 'one at a time')
  reply('failed')
  t.strictSame(renewed(await refresh(r1)), first)
  reply('answered')
  t.strictSame(await row(), after)
  t.equal(await refresh(r1), 'reused', 'now it has')
})

t.test('what another process has exchanged meanwhile is not given out for what failed here', async (t) => {
  let down = true
  const one = bench((store) => ({
    replace (session, version) {
      if (down) throw new Error('down')
      return store.replace(session, version)
    }
  }))
  const other = createKeeper(one.store, { clock: one.clock.now, lookUps: createLookUps({ findById: () => null }) }, { areOpaque: true, make: (_session, _backend, handle, secret) => createToken('x', handle, secret) })
  const { refreshToken: r1 = '' } = await one.keeper.issue(grant)
  await t.rejects(one.refresh(r1), { message: 'down' })
  one.reply('failed')
  down = false
  const robbed: string[] = []
  renewed(await other.refresh(r1, { backend: 'one', lifetimeSeconds: 60, graceSeconds: 0, cameAt: performance.now(), onReplied: () => {}, onReuse: () => {}, admits: async () => true }))
  one.clock.forward(10)
  t.equal(await one.refresh(r1, { onReuse: ({ userId }) => { robbed.push(userId) } }), 'reused')
  t.strictSame(robbed, ['ann'])
})

t.test('without a grace, the store does not know what new tokens are made with', async (t) => {
  const { keeper, refresh, row } = bench()
  const { refreshToken: r1 = '' } = await keeper.issue(grant)
  renewed(await refresh(r1))
  t.equal((await row()).data.refresh?.salt, '')
})

t.test('a clock that is ahead makes no grace', async (t) => {
  const one = bench()
  const other = createKeeper(one.store, { clock: () => one.clock.now() - 30_000, lookUps: createLookUps({ findById: () => null }) }, { areOpaque: true, make: (_session, _backend, handle, secret) => createToken('x', handle, secret) })
  for (const graceSeconds of [0, 10]) {
    const { refreshToken: r1 = '' } = await one.keeper.issue(grant)
    renewed(await one.refresh(r1, { graceSeconds }))
    t.equal(await other.refresh(r1, { backend: 'one', lifetimeSeconds: 60, graceSeconds, cameAt: performance.now(), onReplied: () => {}, onReuse: () => {}, admits: async () => true }), 'raced')
  }
})

t.test('who may not go on gets nothing, failed or not', async (t) => {
  const { keeper, refresh, reply, store } = bench()
  const { session, refreshToken: r1 = '' } = await keeper.issue(grant)
  renewed(await refresh(r1))
  reply('failed')
  t.equal(await refresh(r1, { admits: async () => false }), 'reused')
  t.equal(await store.find(session.id), null)
})

t.test('an end is an end', async (t) => {
  const { keeper, refresh } = bench()
  const { session, refreshToken = '' } = await keeper.issue(grant)
  await keeper.revoke(session)
  await keeper.revoke(session)
  t.equal(await keeper.see(session.id, 'one', always, null), null)
  t.equal(await refresh(refreshToken), 'invalid')
})

t.test('what a session store is', async (t) => {
  t.equal(isSessionStore(memorySessions()), true)
  for (const other of [undefined, null, true, 'x', {}, [], { ...memorySessions(), find: undefined }, { ...memorySessions(), purge: 1 }]) t.equal(isSessionStore(other), false)
})

t.test('a client that was told 503, because the store took too long, may ask once more', async (t) => {
  const told: Array<() => void> = []
  let hangs = true
  const { keeper, refresh, reply } = bench((store) => ({
    async replace (row, version) {
      const won = await store.replace(row, version)
      if (hangs) await new Promise<void>((resolve) => { told.push(resolve) })
      return won
    }
  }))
  const { refreshToken: first = '' } = await keeper.issue(grant)
  const hanging = refresh(first)
  while (told.length === 0) await new Promise(setImmediate)
  hangs = false
  t.equal(await refresh(first), 'raced', 'nobody was told anything yet')

  reply('failed')
  const again = renewed(await refresh(first))
  told[0]?.()
  t.same(renewed(await hanging), again, 'what nobody was told')
  t.ok(await keeper.see(again.session.id, 'one', ({ data }) => data.accessDigest === digestOf(again.token), null))
})

t.test('what was lost after all has not failed', async (t) => {
  const rotations = createRotations()
  const lost = rotations.begin('a', 'one')
  lost.replied('failed')
  lost.lost()
  t.strictSame(rotations.takeFailed('a'), [])
  const failed = rotations.begin('a', 'two')
  failed.replied('failed')
  lost.lost()
  failed.replied('answered')
  t.strictSame(rotations.takeFailed('a'), ['two'], 'the first word counts, and another one\'s loss is nothing to it')
  t.strictSame(rotations.takeFailed('a'), [], 'once')
  t.strictSame(rotations.takeFailed('b'), [])

  for (let i = 0; i < 12; i++) rotations.begin('c', `${i}`).replied('failed')
  t.strictSame(rotations.takeFailed('c'), ['2', '3', '4', '5', '6', '7', '8', '9', '10', '11'], 'the latest ten')
})

t.test('a client that was told twice that something failed, while the store was still at work, is not logged out', async (t) => {
  const held: Array<() => void> = []
  const { keeper, refresh, reply, row } = bench((store) => ({
    replace: (session, version) => new Promise<boolean>((resolve) => { held.push(() => { resolve(store.replace(session, version)) }) })
  }))
  const { refreshToken: r1 = '' } = await keeper.issue(grant)
  const tries = [refresh(r1), refresh(r1)]
  while (held.length < tries.length) await new Promise((resolve) => { setImmediate(resolve) })
  reply('failed')
  held.forEach((go) => { go() })
  const [first, second] = await Promise.all(tries) as [Refreshed, Refreshed]
  t.strictSame(second, first, 'the later one, of whom nobody hears any more, has found what the earlier one has made')
  t.equal((await row()).version, 2)
  reply('failed')
  t.strictSame(await refresh(r1), first)
})

t.test('an answer that is none: nothing is told by it', async (t) => {
  const other: { row?: StoredSession | null } = {}
  const { keeper, refresh, row, store } = bench((plain) => ({ find: (id) => other.row === undefined ? plain.find(id) : other.row }))
  const { session, refreshToken = '' } = await keeper.issue(grant)
  const own = await row()
  const odd = { code: 'FST_USERS_STORE_ANSWER', message: /find/ }

  other.row = { ...own, id: 'x'.repeat(43) }
  await t.rejects(async () => await keeper.see(session.id, 'one', always, null), odd, 'a session that nobody has asked for')
  await t.rejects(refresh(refreshToken), odd)
  const without = <T extends object>(row: T, member: keyof T): Partial<T> => ({ ...row, [member]: undefined })
  const halves = [
    ...(Object.keys(own) as Array<keyof StoredSession>).map((member) => without(own, member)),
    ...(Object.keys(own.data) as Array<keyof SessionData>).filter((member) => member !== 'ip' && member !== 'userAgent').map((member) => ({ ...own, data: without(own.data, member) }))
  ]
  t.equal(halves.length, 15)
  for (const row of [{}, 1, 'yes', true, ...halves] as unknown[]) {
    other.row = row as StoredSession
    await t.rejects(async () => await keeper.see(session.id, 'one', always, null), odd)
    await t.rejects(refresh(refreshToken), odd)
  }
  other.row = null
  t.equal(await keeper.see(session.id, 'one', always, null), null)
  t.same(await store.list({ userId: 'ann', after: null, limit: 10 }), [own], 'and nothing has changed')

  for (const answer of [undefined, null, 1, 'yes', own] as unknown[]) {
    const { keeper } = bench(() => ({ remove: () => answer as boolean }))
    await t.rejects(async () => await keeper.revoke((await keeper.issue(grant)).session), { code: 'FST_USERS_STORE_ANSWER', message: /remove/ })
  }
})
