import t from 'tap'
import { redisRateLimits, redisSessions } from '../../lib/stores/redis/index.js'
import { allOf, changedSession, insertAll, latestFirst, newSession } from '../../lib/testing/stored-session.js'
import { rateLimitStoreContract } from '../../lib/testing/rate-limit-store-contract.js'
import { sessionStoreContract } from '../../lib/testing/session-store-contract.js'
import { clusterClient, eventually, noRedisProgram, ownCluster, skipped } from '../helpers/redis.js'

t.test('a cluster of Redis servers', async (t) => {
  const cluster = await ownCluster(t)
  if (cluster === null) return skipped(t, noRedisProgram)
  const client = clusterClient(t, cluster)
  const store = redisSessions(client)

  t.test('the contract', async (t) => {
    for (const { name, run } of sessionStoreContract(() => store, { forgetsByItself: true })) t.test(name, run)
  })

  t.test('the contract of stores of limits', async (t) => {
    const limits = redisRateLimits(client)
    for (const { name, run } of rateLimitStoreContract(() => limits, { forgetsByItself: true })) t.test(name, run)
  })

  t.test('a user\'s sessions are on all masters', async (t) => {
    await insertAll(store, Array.from({ length: 100 }, () => newSession({ userId: 'spread' })))
    for (const master of client.nodes('master')) t.ok(await master.dbsize() > 20)
    await store.removeAll('spread', null)
    t.same(await allOf(store, 'spread'), [])
  })

  t.test('a master is killed: answers are right or errors, and after the failover all is as before', async (t) => {
    const sessions = latestFirst(Array.from({ length: 60 }, (_, index) => newSession({ userId: `user-${index % 3}` })))
    await insertAll(store, sessions)
    // Redis confirms a write before its replica has it. What a master had for itself goes with it.
    const copies = await Promise.all(client.nodes('master').map(async (master) => Number(await master.call('WAIT', '1', '10000'))))
    t.same(copies, [1, 1, 1])

    const tally = { right: 0, wrong: 0, failed: 0 }
    async function look (id: string): Promise<void> {
      try {
        await store.find(id) === null ? tally.wrong++ : tally.right++
      } catch {
        tally.failed++
      }
    }
    async function logInAndLook (): Promise<void> {
      const session = newSession({ userId: 'busy' })
      try {
        await store.insert(session)
      } catch {
        tally.failed++
        return
      }
      await look(session.id)
    }
    const lookAtAll = async (): Promise<unknown> => await Promise.all(sessions.map(async ({ id }) => await look(id)))

    await Promise.all([lookAtAll(), cluster.killMasterOf(`fastify-users:session:{${sessions[0]?.id}}`), lookAtAll()])
    await eventually(async () => {
      const { failed } = tally
      await Promise.all([lookAtAll(), ...Array.from({ length: 10 }, logInAndLook)])
      if (tally.failed > failed) throw new Error('the cluster is not whole yet')
    }, 40)
    t.comment(JSON.stringify(tally))
    t.equal(tally.wrong, 0)
    t.ok(tally.failed > 0, 'there was a time without a master')

    for (const [index, userId] of ['user-0', 'user-1', 'user-2'].entries()) {
      const own = sessions.filter((session) => session.userId === userId)
      t.same(await allOf(store, userId), own)
      const [one, other] = own
      if (one === undefined || other === undefined) throw new Error('a user has no sessions')
      t.equal(await store.replace(changedSession(one), 1), true)
      t.equal(await store.remove(other.id), true)
      await store.removeAll(userId, index === 0 ? null : one.id)
      t.same(await allOf(store, userId), index === 0 ? [] : [changedSession(one)])
      t.equal(await store.find(other.id), null)
    }
  })
})
