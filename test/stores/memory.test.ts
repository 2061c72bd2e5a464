import t from 'tap'
import type { StoredSession } from '../../lib/contracts/session-store.js'
import { memorySessions } from '../../lib/stores/memory-sessions.js'
import { memoryRateLimits } from '../../lib/stores/memory-rate-limits.js'
import { memory, memoryRevocations } from '../../lib/stores/memory.js'
import { rateLimitStoreContract, revocationStoreContract, sessionStoreContract, userStoreContract } from '../../lib/testing/index.js'

t.test('the contract of user stores', async (t) => {
  for (const { name, run } of userStoreContract(memory)) t.test(name, run)
})

t.test('the contract of revocation stores', async (t) => {
  for (const { name, run } of revocationStoreContract(() => memoryRevocations())) t.test(name, run)
})

t.test('the contract of session stores', async (t) => {
  for (const { name, run } of sessionStoreContract(memorySessions)) t.test(name, run)
})

t.test('the contract of stores of limits', async (t) => {
  for (const { name, run } of rateLimitStoreContract(() => memoryRateLimits())) t.test(name, run)
})

t.test('no more buckets are held than were allowed; those that are empty soonest go', async (t) => {
  const limits = memoryRateLimits(1000)
  const terms = { costMs: 1000, roomMs: 10_000 }
  const isFull = (key: string): boolean => limits.take(key, terms, 1000) !== null
  for (let count = 0; count < 10; count++) limits.take('full', terms, 1000)
  // Nor do some that are fuller, and older, leave no place but theirs.
  for (let count = 0; count < 100; count++) limits.take(`years ${count}`, { costMs: 1e11, roomMs: 1e11 }, 1000)
  let counted = 0
  for (let count = 0; count < 25_000; count++) if (limits.take(`flood ${count}`, terms, 1000) === null) counted++
  t.equal(counted, 25_000)
  t.ok(isFull('full'), 'whoever floods it with others has no new try at this one')
  const flood = limits.purge(2000) as number
  t.ok(flood > 800 && flood <= 899, `${flood}`)
  t.equal(limits.purge(11_000), 1)
  t.equal(limits.purge(Infinity), 100)
})

t.test('a flood of buckets costs as much each, however many came before', async (t) => {
  const limits = memoryRateLimits()
  const flood = (from: number): number => {
    const before = process.cpuUsage()
    for (let count = from; count < from + 100_000; count++) limits.take(`flood ${count}`, { costMs: 9000, roomMs: 900_000 }, count)
    return process.cpuUsage(before).user / 1000
  }
  flood(0)
  const cost = flood(100_000) + flood(200_000)
  // To look for room among those that have gone took some seconds each.
  t.ok(cost < 2000, `${cost} ms`)
})

t.test('so few buckets that nothing is limited are none', async (t) => {
  for (const most of [0, 1, -5, 999, 1000.5, NaN, Infinity, '5000', null]) {
    t.throws(() => memoryRateLimits(most as number), { code: 'FST_USERS_BAD_OPTIONS', message: 'memoryRateLimits(most): most must be a whole number from 1000.' }, String(most))
  }
})

t.test('a bucket that is given back, and is empty, is not kept', async (t) => {
  const limits = memoryRateLimits()
  const terms = { costMs: 1000, roomMs: 10_000 }
  for (let count = 0; count < 2; count++) limits.take('key', terms, 5000)
  limits.giveBack('key', 1000, 5000)
  limits.giveBack('unknown', 1000, 5000)
  t.equal(limits.purge(5000), 0)
  limits.giveBack('key', 1000, 5000)
  t.equal(limits.purge(Infinity), 0)
})

t.test('sessions that have expired are dropped as one is added, once a minute, by the clock of the sessions', async (t) => {
  let now = 1_000_000
  const sessions = memory().sessions ?? memorySessions()
  const add = (id: string, lifetimeMs: number): unknown => sessions.insert(aSession({ id, createdAt: now, expiresAt: now + lifetimeMs }))
  t.equal(sessions.ephemeral, true)
  t.equal(add('short', 59_999), undefined)
  t.equal(add('long', 60_001), undefined)
  now += 59_999
  add('third', 1)
  t.match(sessions.find('short'), { id: 'short' }, 'less than a minute has gone by')
  now += 1
  add('fourth', 1)
  t.equal(sessions.find('short'), null)
  t.equal(sessions.find('third'), null)
  for (const id of ['long', 'fourth']) t.match(sessions.find(id), { id })
  t.equal(sessions.purge(now + 1), 2)
})

t.test('it answers at once, and says that it forgets', async (t) => {
  const store = memory()
  t.equal(store.ephemeral, true)
  t.equal(store.findById('unknown'), null)
  t.equal(store.revocations?.isRevoked('unknown'), false)
})

t.test('entries are dropped an hour after they expired, as a session ends, once a minute', async (t) => {
  let now = 1_000_000
  const hour = 3_600_000
  const revocations = memoryRevocations()
  revocations.revoke('first', now + 1000, now)
  now += 1000 + hour - 1
  revocations.revoke('second', now + hour, now)
  t.equal(revocations.isRevoked('first'), true, 'a clock behind ours may hold its token to be good')
  now += 59_999
  revocations.revoke('third', now + hour, now)
  t.equal(revocations.isRevoked('first'), true, 'less than a minute has gone by')
  now += 1
  revocations.revoke('fourth', now + hour, now)
  t.equal(revocations.isRevoked('first'), false)
  for (const id of ['second', 'third', 'fourth']) t.equal(revocations.isRevoked(id), true)
})

function aSession (given: Pick<StoredSession, 'id' | 'createdAt' | 'expiresAt'>): StoredSession {
  const data = { backend: 'cookie', epoch: 0, authenticatedAt: 0, endsAt: 0, idleMs: null, accessExpiresAt: 0, accessDigest: null, refresh: null, ip: null, userAgent: null }
  return { userId: 'ann', lastSeenAt: given.createdAt, version: 1, data, ...given }
}
