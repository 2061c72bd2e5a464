import Fastify from 'fastify'
import t, { type Test } from 'tap'
import fastifyUsers, { memory, memoryRateLimits, memorySessions, opaque } from '../lib/index.js'
import { options } from './helpers/app.js'

type Close = () => void | Promise<void>

/** What closing an app comes to, whose stores of users, sessions and limits close so; and which of them were closed. */
async function closing (t: Test, ...closes: readonly [Close, Close, Close]): Promise<{ outcome: unknown, closed: number[] }> {
  const closed: number[] = []
  const [ofUsers, ofSessions, ofLimits] = closes.map((close, index) => () => {
    closed.push(index)
    return close()
  }) as [Close, Close, Close]
  const app = Fastify()
  t.after(async () => { await app.close() })
  await app.register(fastifyUsers, options({
    users: { ...memory(), close: ofUsers },
    sessions: { ...memorySessions(), close: ofSessions },
    limits: { ...memoryRateLimits(), close: ofLimits },
    strategy: opaque(),
    throttle: {}
  }))
  await app.ready()
  return { outcome: await app.close().catch((error: unknown) => error), closed }
}

t.test('a store that cannot be closed leaves no other open, and is told of', async (t) => {
  const [one, other] = [new Error('one'), new Error('another')]
  const fine: Close = () => {}

  t.strictSame(await closing(t, fine, fine, fine), { outcome: undefined, closed: [0, 1, 2] })
  t.strictSame(await closing(t, () => { throw one }, fine, fine), { outcome: one, closed: [0, 1, 2] })
  t.strictSame(await closing(t, fine, async () => { throw one }, fine), { outcome: one, closed: [0, 1, 2] })
  const { outcome, closed } = await closing(t, () => { throw one }, async () => { throw other }, fine)
  t.ok(outcome instanceof AggregateError)
  t.strictSame((outcome as AggregateError).errors, [one, other])
  t.strictSame(closed, [0, 1, 2])
})

t.test('a store that hangs while it closes leaves no other open', async (t) => {
  let letGo = (): void => {}
  const hangs = new Promise<void>((resolve) => { letGo = resolve })
  const all = new Promise<void>((resolve) => {
    const over = closing(t, () => hangs, () => {}, resolve)
    t.teardown(async () => { await over })
  })
  await all
  letGo()
  t.pass('the last one was closed')
})
