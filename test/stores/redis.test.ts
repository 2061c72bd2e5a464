import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { Redis } from 'ioredis'
import type { SessionStore, StoredSession } from '../../lib/contracts/session-store.js'
import { BadOptionsError } from '../../lib/errors.js'
import { bearer, opaque } from '../../lib/index.js'
import { redisRateLimits, redisSessions, type RedisClient } from '../../lib/stores/redis/index.js'
import { allOf, changedSession, insertAll, insertedSession, latestFirst, newSession } from '../../lib/testing/stored-session.js'
import { rateLimitStoreContract } from '../../lib/testing/rate-limit-store-contract.js'
import { sessionStoreContract } from '../../lib/testing/session-store-contract.js'
import { ann, appWith } from '../helpers/app.js'
import { eventually, freshPrefix, keysOf, lossyWire, noRedis, noRedisProgram, ownRedis, redisClient, sharedRedis, skipped, type OwnRedis } from '../helpers/redis.js'

const hourMs = 3_600_000

t.test('a Redis server', async (t) => {
  const client = await sharedRedis(t)
  if (client === null) return skipped(t, noRedis)

  /** A store with keys of its own, and what they are called. */
  function open (t: Test): { store: SessionStore, prefix: string, keyOf: (id: string) => string, indexOf: (userId: string) => string } {
    const prefix = freshPrefix(t, client as Redis)
    return {
      store: redisSessions(client as Redis, { prefix }),
      prefix,
      keyOf: (id) => `${prefix}session:{${id}}`,
      indexOf: (userId) => `${prefix}user:{${createHash('sha256').update(userId).digest('base64url')}}`
    }
  }

  t.test('the contract', async (t) => {
    const { store } = open(t)
    for (const { name, run } of sessionStoreContract(() => store, { forgetsByItself: true })) t.test(name, run)
  })

  t.test('the contract of stores of limits', async (t) => {
    const limits = redisRateLimits(client, { prefix: freshPrefix(t, client) })
    for (const { name, run } of rateLimitStoreContract(() => limits, { forgetsByItself: true })) t.test(name, run)
  })

  t.test('a bucket is a number that goes an hour after it is empty, by whatever clock the app has', async (t) => {
    const prefix = freshPrefix(t, client)
    const limits = redisRateLimits(client, { prefix })
    const key = 'k'.repeat(43)
    for (const now of [Date.UTC(2999, 0), Date.now(), Date.UTC(2001, 0)]) {
      await limits.clear(key)
      t.equal(await limits.take(key, { costMs: 60_000, roomMs: 120_000 }, now), null)
      t.same(await keysOf(client, prefix), [`${prefix}limit:{${key}}`])
      t.equal(await client.get(`${prefix}limit:{${key}}`), String(now + 60_000))
      const ttl = await client.pttl(`${prefix}limit:{${key}}`)
      // However slow this machine is.
      t.ok(ttl > hourMs / 2 && ttl <= hourMs + 60_000, `${ttl}`)
      await limits.giveBack(key, 30_000, now)
      t.equal(await client.get(`${prefix}limit:{${key}}`), String(now + 30_000))
      const later = await client.pttl(`${prefix}limit:{${key}}`)
      t.ok(later > hourMs / 2 && later <= ttl, 'it goes nevertheless')
      await limits.giveBack(key, 30_000, now)
      t.same(await keysOf(client, prefix), [], 'one that is empty goes at once')
    }
  })

  t.test('what is no key of a limit is not asked for', async (t) => {
    let asked = 0
    const limits = redisRateLimits({ call: async () => { asked++ } })
    for (const key of ['', '*', 'a'.repeat(42), `${'a'.repeat(42)}}`, `${'a'.repeat(43)}\n`]) {
      await t.rejects(async () => await limits.take(key, { costMs: 1, roomMs: 1 }, 1), { message: 'The key of a limit has 43 letters, digits, - and _.' })
      await t.rejects(async () => { await limits.giveBack(key, 1, 1) }, TypeError)
      await t.rejects(async () => { await limits.clear(key) }, TypeError)
    }
    t.equal(asked, 0)
    t.throws(() => redisRateLimits({} as unknown as RedisClient), BadOptionsError)
  })

  t.test('a key is a name and a digest, whatever the id of a user is', async (t) => {
    const { store, prefix } = open(t)
    const userIds = ['', '*', '{x}', '}{', '\n', '\0', '\r\nFLUSHALL\r\n', 'session:{a}', 'é'.repeat(1000), '../..', ' ']
    const sessions = userIds.map((userId) => newSession({ userId }))
    await insertAll(store, sessions)
    for (const session of sessions) t.same(await allOf(store, session.userId), [session])
    const keys = await keysOf(client, prefix)
    t.equal(keys.length, 2 * userIds.length)
    for (const key of keys) t.match(key.slice(prefix.length), /^(?:session|user):\{[\w-]{43}\}$/)
  })

  t.test('what is no id is not asked for, and not stored', async (t) => {
    let asked = 0
    const store = redisSessions({ call: async () => { asked++ } })
    const session = newSession()
    for (const id of ['', '*', 'a'.repeat(42), 'a'.repeat(44), `${'a'.repeat(42)}}`, `${'a'.repeat(43)}\n`, `${'a'.repeat(42)}é`, `*${'a'.repeat(42)}`]) {
      t.equal(await store.find(id), null)
      t.equal(await store.remove(id), false)
      t.equal(await store.replace({ ...session, id }, 1), false)
      await t.rejects(async () => await store.insert({ ...session, id }), { name: 'TypeError', message: 'The id of a session has 43 letters, digits, - and _.' })
    }
    t.equal(asked, 0)
  })

  t.test('Redis forgets a session an hour after it has expired, by whatever clock the app has', async (t) => {
    const { store, keyOf, indexOf } = open(t)
    const month = 30 * 24 * hourMs
    for (const now of [Date.now(), Date.UTC(2001, 0), Date.now() - 5 * 60_000]) {
      const session = await insertedSession(store, { createdAt: now, lastSeenAt: now, expiresAt: now + month })
      const [ttl, indexTtl] = [await client.pttl(keyOf(session.id)), await client.pttl(indexOf(session.userId))]
      t.ok(ttl > month + hourMs - 60_000 && ttl <= month + hourMs, `${ttl}`)
      t.ok(indexTtl > ttl && indexTtl <= month + 2 * hourMs, `${indexTtl}`)

      // Earlier: the session goes earlier; the index need not, for there may be another session.
      const sooner = { ...session, version: 2, lastSeenAt: now + 1, expiresAt: now + 60_000 }
      t.equal(await store.replace(sooner, 1), true)
      t.ok(await client.pttl(keyOf(session.id)) <= 60_000 + hourMs)
      t.ok(await client.pttl(indexOf(session.userId)) > month)

      // Later: the index before the session.
      t.equal(await store.replace({ ...sooner, version: 3, expiresAt: now + 2 * month }, 2), true)
      const later = await client.pttl(keyOf(session.id))
      t.ok(later > 2 * month)
      t.ok(await client.pttl(indexOf(session.userId)) > later)

      // By now it has expired.
      t.equal(await store.replace({ ...sooner, version: 4, lastSeenAt: now + 2, expiresAt: now + 1 }, 3), true)
      t.equal(await client.exists(keyOf(session.id)), 0)
      t.same(await allOf(store, session.userId), [])
    }
    const ahead = Date.UTC(2999, 0)
    const session = await insertedSession(store, { createdAt: ahead, lastSeenAt: ahead, expiresAt: ahead + month })
    t.ok(await client.pttl(keyOf(session.id)) > month)
    t.equal(await store.purge(Date.now()), 0)
  })

  t.test('what has expired before it comes is not kept', async (t) => {
    const { store, prefix } = open(t)
    await insertedSession(store, { createdAt: Date.now() - 2, lastSeenAt: Date.now() - 1, expiresAt: Date.now() - 1 })
    t.same(await keysOf(client, prefix), [])
  })

  t.test('entries without a session are skipped, and dropped', async (t) => {
    const { store, keyOf, indexOf } = open(t)
    const [userId, now] = ['ann', Date.now()]
    const sessions = latestFirst(Array.from({ length: 40 }, (_, index) => newSession({ userId, createdAt: now - index % 7 })))
    await insertAll(store, sessions)
    const stay = sessions.filter((_, index) => index % 5 === 4)
    for (const session of sessions) if (!stay.includes(session)) await client.del(keyOf(session.id))
    t.equal(await client.zcard(indexOf(userId)), 40)
    t.same(await store.list({ userId, after: null, limit: 3 }), stay.slice(0, 3), 'a page is full')
    t.ok(await client.zcard(indexOf(userId)) < 40)
    t.same(await store.list({ userId, after: stay[2] ?? null, limit: 100 }), stay.slice(3))
    t.equal(await client.zcard(indexOf(userId)), stay.length)
    for (const { id } of stay) await client.del(keyOf(id))
    t.same(await store.list({ userId, after: null, limit: 1 }), [])
    t.equal(await client.exists(indexOf(userId)), 0)
  })

  t.test('of 10,000 sessions of one user of which most are gone, a page is full unless it is the last', async (t) => {
    const { store, keyOf, indexOf } = open(t)
    const userId = 'busy'
    const now = Date.now()
    const sessions = Array.from({ length: 10_000 }, (_, index) => newSession({ userId, createdAt: now - index }))
    await insertAll(store, sessions)
    t.equal(await client.zcard(indexOf(userId)), 10_000)
    const stay = sessions.filter((_, index) => index % 400 === 399)
    const gone = sessions.filter((session) => !stay.includes(session)).map(({ id }) => keyOf(id))
    for (let from = 0; from < gone.length; from += 1000) await client.del(...gone.slice(from, from + 1000))
    t.same(await allOf(store, userId, 10), stay)
    t.equal(await client.zcard(indexOf(userId)), stay.length)
    await store.removeAll(userId, stay[3]?.id ?? '')
    t.same(await allOf(store, userId), [stay[3]])
  })

  t.test('a user whose sessions nobody lists has no index that grows for ever', async (t) => {
    const { store, keyOf, indexOf } = open(t)
    const userId = 'robot'
    const kept = await insertedSession(store, { userId, createdAt: 1 })
    for (let index = 0; index < 1500; index++) {
      const { id } = await insertedSession(store, { userId })
      await client.del(keyOf(id))
    }
    t.ok(await client.zcard(indexOf(userId)) < 300)
    t.same(await allOf(store, userId), [kept])
  })

  t.test('an index that is lost comes back with the use of its sessions', async (t) => {
    const { store, indexOf } = open(t)
    const [one, other] = [await insertedSession(store, { userId: 'ann' }), await insertedSession(store, { userId: 'ann' })]
    await client.del(indexOf('ann'))
    t.same(await allOf(store, 'ann'), [])
    const next = changedSession(one)
    t.equal(await store.replace(next, 1), true)
    t.equal(await store.replace(changedSession(other), 7), false, 'and with a change that comes too late')
    t.same(await allOf(store, 'ann'), latestFirst([next, other]))
  })

  t.test('nothing depends on whether an entry could be dropped', async (t) => {
    const { prefix, keyOf, indexOf } = open(t)
    const failing = new Set(['ZREM', 'EXISTS'])
    const partly: RedisClient = {
      call: async (name, ...args) => failing.has(name) ? await Promise.reject(new Error('the node is down')) : await client.call(name, ...args)
    }
    const store = redisSessions(partly, { prefix })
    const sessions = Array.from({ length: 120 }, () => newSession({ userId: 'ann' }))
    await insertAll(store, sessions)
    const [first, second, third] = latestFirst(sessions) as [StoredSession, StoredSession, StoredSession]
    t.equal(await store.remove(first.id), true)
    await client.del(keyOf(second.id))
    t.same(await store.list({ userId: 'ann', after: null, limit: 1 }), [third])
    t.equal(await client.zcard(indexOf('ann')), 120)
    await store.removeAll('ann', null)
    t.equal(await client.zcard(indexOf('ann')), 120)
    failing.clear()
    t.same(await allOf(store, 'ann'), [])
    t.equal(await client.exists(indexOf('ann')), 0)
  })

  t.test('a change whose reply is lost is made once, and the client is told that it was made', async (t) => {
    const { prefix, store } = open(t)
    const { host = '', port = 0 } = client.options
    const wire = await lossyWire(t, port, host)
    const unlucky = redisSessions(redisClient(t, { port: wire.port, maxRetriesPerRequest: 20 }), { prefix })
    const session = newSession()
    await unlucky.find(session.id)

    wire.loseNextReply()
    await unlucky.insert(session)
    t.equal(wire.lost, 1)
    t.same(await allOf(store, session.userId), [session])

    const next = changedSession(session)
    // The first reply is that of the index.
    for (const command of ['index', 'session']) {
      const before = wire.lost
      const losing = new Proxy(redisClient(t, { port: wire.port, maxRetriesPerRequest: 20 }), {
        get: (target, name) => name !== 'call'
          ? Reflect.get(target, name)
          : async (...args: Parameters<RedisClient['call']>) => {
            if (args[3]?.includes(command === 'index' ? ':user:' : ':session:')) wire.loseNextReply()
            return await target.call(...args)
          }
      })
      await losing.ping()
      const version = command === 'index' ? 1 : 2
      t.equal(await redisSessions(losing, { prefix }).replace({ ...next, version: version + 1 }, version), true, command)
      t.equal(wire.lost, before + 1)
    }
    t.same(await store.find(session.id), { ...next, version: 3 })
    t.equal(await store.replace({ ...next, version: 3 }, 2), false, 'the same change by another call comes too late')

    wire.loseNextReply()
    t.equal(await unlucky.remove(session.id), false, 'the second time there was none')
    t.equal(await store.find(session.id), null)
    t.same(await allOf(store, session.userId), [])
  })

  t.test('a server that forgets its scripts is told them again', async (t) => {
    const { store } = open(t)
    const session = await insertedSession(store)
    await client.script('FLUSH')
    t.equal(await store.replace(changedSession(session), 1), true)
    await client.script('FLUSH')
    await store.insert(newSession({ userId: session.userId }))
    t.equal((await allOf(store, session.userId)).length, 2)
  })

  t.test('what is no session at a key is an error, which quotes nothing', async (t) => {
    const { store, keyOf, indexOf } = open(t)
    const session = await insertedSession(store)
    const key = keyOf(session.id)
    const secret = 'x9y8z7'
    for (const damaged of ['', secret, '{}', `1 ${secret}`, `1 n {"${secret}`, `1 n {${secret}}`, `1 n "${secret}"`]) {
      await client.set(key, damaged)
      const failure = { name: 'TypeError', message: 'Redis: a session is damaged.' }
      await t.rejects(async () => await store.find(session.id), failure)
      await t.rejects(async () => await store.list({ userId: session.userId, after: null, limit: 1 }), failure)
      await t.rejects(async () => await store.remove(session.id), failure)
    }
    const wrongType = { message: /^Redis: .*WRONGTYPE/ }
    await client.lpush(key, secret)
    for (const step of [() => store.find(session.id), () => store.remove(session.id), () => store.replace(changedSession(session), 1)]) {
      await t.rejects(async () => await step(), wrongType)
    }
    await client.set(indexOf('bob'), secret)
    for (const step of [() => store.insert(newSession({ userId: 'bob' })), () => store.list({ userId: 'bob', after: null, limit: 1 }), () => store.removeAll('bob', null)]) {
      await t.rejects(async () => await step(), wrongType)
    }
    await store.removeAll(session.userId, null)
    t.equal(await client.exists(key), 0, 'what it is matters not where it is to go')
  })

  t.test('an error tells nothing of the session', async (t) => {
    const { store, indexOf } = open(t)
    await client.set(indexOf('bob'), 'wrong')
    const session = newSession({ userId: 'bob' })
    try {
      await store.replace({ ...session, data: { ...session.data, ip: '192.0.2.77', userAgent: 'Some browser' } }, 1)
      t.fail('it worked')
    } catch (error) {
      const all = JSON.stringify(error, Object.getOwnPropertyNames(error)) + Object.getOwnPropertyNames(error).join()
      for (const part of [session.id, '192.0.2.77', 'Some browser', 'bob', 'command', 'cause']) t.notMatch(all, part)
    }
  })

  t.test('a client that gives numbers as text does as well', async (t) => {
    const { prefix, store } = open(t)
    const texts = redisSessions({ call: async (...command) => textual(await client.call(...command)) }, { prefix })
    const session = await insertedSession(texts)
    t.equal(await texts.replace(changedSession(session), 2), false)
    t.equal(await texts.replace(changedSession(session), 1), true)
    const sessions = Array.from({ length: 150 }, () => newSession({ userId: 'ann' }))
    await insertAll(texts, sessions)
    t.same(await allOf(store, 'ann'), latestFirst(sessions))
  })

  t.test('clients of ioredis that prefix keys, or gather commands by themselves', async (t) => {
    const { prefix } = open(t)
    const { host = '', port = 0 } = client.options
    const special = redisClient(t, { host, port, keyPrefix: prefix, enableAutoPipelining: true })
    const store = redisSessions(special, { prefix: 'own:' })
    const sessions = Array.from({ length: 20 }, () => newSession({ userId: 'ann' }))
    await insertAll(store, sessions)
    t.same(await allOf(store, 'ann', 7), latestFirst(sessions))
    const [first] = sessions as [StoredSession]
    t.equal(await store.replace(changedSession(first), 1), true)
    await store.removeAll('ann', first.id)
    for (const key of await keysOf(client, prefix)) t.match(key.slice(prefix.length), /^own:(?:session|user):\{[\w-]{43}\}$/)
  })

  t.test('nothing in Redis is a token, or makes one', async (t) => {
    const { store, prefix } = open(t)
    const app = await appWith(t, { sessions: store, strategy: opaque(), backends: [bearer({ refresh: true })] })
    const tokens: string[] = []
    let reply = await app.inject({ method: 'POST', url: '/login/bearer', payload: ann })
    for (let round = 0; round < 3; round++) {
      t.equal(reply.statusCode, 200)
      const { access_token: access, refresh_token: refresh } = reply.json<{ access_token: string, refresh_token: string }>()
      tokens.push(access, refresh)
      t.equal((await app.inject({ url: '/me', headers: { authorization: `Bearer ${access}` } })).statusCode, 200)
      reply = await app.inject({ method: 'POST', url: '/refresh/bearer', payload: { refresh_token: refresh } })
    }
    const dump: string[] = []
    for (const key of await keysOf(client, prefix)) {
      dump.push(key, ...await client.type(key) === 'string' ? [await client.get(key) ?? ''] : await client.zrange(key, '0', '-1'))
    }
    t.equal(dump.length, 4)
    const all = dump.join('\n')
    for (const token of tokens) {
      for (const part of token.split('.').slice(1)) t.notMatch(all, part)
      const [, selector = ''] = token.split('.')
      t.notMatch(all, Buffer.from(selector, 'base64url').toString())
    }
    t.notMatch(all, ann.email)
  })

  t.test('options', async (t) => {
    const complaint = (...given: unknown[]): string => {
      try {
        redisSessions(...given as Parameters<typeof redisSessions>)
        return 'none'
      } catch (error) {
        return error instanceof BadOptionsError ? error.message : 'another error'
      }
    }
    for (const prefix of ['', '{a}', 'a}', 'é', 'a b', 'a\n', '*', 'a'.repeat(101), 1, null]) t.match(complaint(client, { prefix }), /options\.prefix must be/)
    for (const wrong of [undefined, null, {}, 'redis://127.0.0.1']) t.match(complaint(wrong), /client must be/)
    t.match(complaint(client, { perfix: 'a' }), /options\.perfix is not known/)
    for (const prefix of ['a', 'a'.repeat(100), 'App_1-a.b:c/', undefined]) t.equal(complaint(client, { prefix }), 'none')
    const store = redisSessions(client)
    t.equal(store.close, undefined, 'the client is the app\'s')
    t.notOk(store.ephemeral)
  })
})

t.test('a Redis server that fails', async (t) => {
  const server = await ownRedis(t)
  if (server === null) return skipped(t, noRedisProgram)

  t.test('one that is killed is an error, never an empty place, and all is well when it is back', async (t) => {
    const store = storeAt(t, server)
    const app = await appWith(t, { sessions: store, strategy: opaque(), backends: [bearer()] })
    const login = async (): Promise<{ statusCode: number, token: string }> => {
      const reply = await app.inject({ method: 'POST', url: '/login/bearer', payload: ann })
      return { statusCode: reply.statusCode, token: reply.statusCode === 200 ? reply.json<{ access_token: string }>().access_token : '' }
    }
    const { token } = await login()
    const me = async (): Promise<number> => (await app.inject({ url: '/me', headers: { authorization: `Bearer ${token}` } })).statusCode
    t.equal(await me(), 200)
    const session = await insertedSession(store)

    await server.kill()
    for (const step of everyStep(store, session)) await t.rejects(async () => await step())
    t.equal(await me(), 503)
    t.equal((await login()).statusCode, 503)

    await server.start()
    t.same(await eventually(async () => await store.find(session.id)), session)
    t.equal(await me(), 200)
    t.equal((await login()).statusCode, 200)
    t.equal(await store.replace(changedSession(session), 1), true)
    t.same(await allOf(store, session.userId), [changedSession(session)])
  })

  t.test('one that is full still answers, and logs out, but logs nobody in', async (t) => {
    const store = storeAt(t, server)
    const admin = redisClient(t, { port: server.port })
    const session = await insertedSession(store)
    const other = await insertedSession(store, { userId: session.userId })
    await admin.config('SET', 'maxmemory-policy', 'noeviction')
    await admin.config('SET', 'maxmemory', '1')
    for (const step of [() => store.insert(newSession()), () => store.replace(changedSession(session), 1)]) {
      await t.rejects(async () => await step(), { message: /OOM/ })
    }
    t.same(await store.find(session.id), session)
    t.same(await allOf(store, session.userId), latestFirst([session, other]))
    t.equal(await store.remove(other.id), true)
    t.same(await allOf(store, session.userId), [session])
    await store.removeAll(session.userId, null)
    t.same(await allOf(store, session.userId), [])
    await admin.config('SET', 'maxmemory', '0')
    await insertedSession(store)
  })

  t.test('a replica can be read, and refuses all else, until it is the master', async (t) => {
    const replica = await ownRedis(t, ['--replicaof', '127.0.0.1', String(server.port), '--repl-diskless-sync-delay', '0'])
    if (replica === null) return skipped(t, noRedisProgram)
    const store = storeAt(t, server)
    const session = await insertedSession(store)
    const copy = storeAt(t, replica)
    await eventually(async () => {
      if (await copy.find(session.id) === null || (await allOf(copy, session.userId)).length === 0) throw new Error('the replica does not have it')
    })
    t.same(await copy.find(session.id), session)
    t.same(await allOf(copy, session.userId), [session])
    const [,, ...writes] = everyStep(copy, session)
    for (const step of writes) await t.rejects(async () => await step(), { message: /READONLY/ })
    t.same(await copy.find(session.id), session)
    await redisClient(t, { port: replica.port }).call('REPLICAOF', 'NO', 'ONE')
    t.equal(await copy.replace(changedSession(session), 1), true)
  })
})

function storeAt (t: Test, { port }: OwnRedis): SessionStore {
  return redisSessions(redisClient(t, { port }))
}

/** All that a store can be asked; first what only reads. */
function everyStep (store: SessionStore, session: StoredSession): Array<() => unknown> {
  return [
    () => store.find(session.id),
    () => store.list({ userId: session.userId, after: null, limit: 10 }),
    () => store.insert(newSession()),
    () => store.replace(changedSession(session), 1),
    () => store.remove(session.id),
    () => store.removeAll(session.userId, null)
  ]
}

function textual (reply: unknown): unknown {
  return typeof reply === 'number' ? String(reply) : reply
}
