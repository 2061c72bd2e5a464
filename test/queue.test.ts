import t from 'tap'
import { createQueue, type Queue, type QueueLimits } from '../lib/queue.js'

/** A queue whose refusals tell how long the first in line had waited, and what has begun in it, in order. */
function queueOf (limits: QueueLimits): { enqueue: Queue, begun: unknown[], task (name: unknown): () => Promise<void>, finish (name: unknown): void } {
  const begun: unknown[] = []
  const finishing = new Map<unknown, () => void>()
  return {
    enqueue: createQueue(limits, (waitedMs) => Object.assign(new Error('refused'), { waitedMs })),
    begun,
    task: (name) => async () => {
      begun.push(name)
      await new Promise<void>((resolve) => { finishing.set(name, resolve) })
    },
    finish: (name) => { finishing.get(name)?.() }
  }
}

/** How often a promise may go on before the next step is looked at. */
async function settle (): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

/** Time passes, and nothing else happens meanwhile. */
function spin (ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

t.test('so many at once, and the others in the order in which they came', async (t) => {
  const { enqueue, begun, task, finish } = queueOf({ concurrency: 2, limit: 100 })
  const done = Array.from({ length: 20 }, async (_, name) => { await enqueue(task(name)) })
  await settle()
  t.strictSame(begun, [0, 1])
  for (let name = 0; name < 20; name++) {
    finish(name)
    await done[name]
    await settle()
    t.strictSame(begun, Array.from({ length: Math.min(20, name + 3) }, (_, index) => index))
  }
  const late = enqueue(task('late'))
  t.equal(begun.at(-1), 'late', 'an empty queue keeps nobody waiting')
  finish('late')
  await late
})

t.test('what a task gives or throws is what one gets, and the next one runs', async (t) => {
  const { enqueue } = queueOf({ concurrency: 1, limit: 2 })
  const [given, thrown, thrownAtOnce] = await Promise.allSettled([
    enqueue(async () => 'given'),
    enqueue(async () => { throw new Error('thrown') }),
    enqueue(() => { throw new Error('thrown at once') })
  ])
  t.match(given, { value: 'given' })
  t.match(thrown, { reason: { message: 'thrown' } })
  t.match(thrownAtOnce, { reason: { message: 'thrown at once' } })
  t.equal(await enqueue(async () => 'again'), 'again')
})

t.test('what does not fit is refused at once, and told how long the first in line has waited', async (t) => {
  const { enqueue, begun, task, finish } = queueOf({ concurrency: 1, limit: 2 })
  const done = ['a', 'b', 'c'].map((name) => enqueue(task(name)))
  spin(5)
  const error: { waitedMs: number } = await enqueue(task('d')).then(() => t.fail('it ran'), (error) => error)
  t.match(error, { message: 'refused' })
  t.ok(error.waitedMs >= 5, String(error.waitedMs))
  for (const name of ['a', 'b', 'c']) {
    await settle()
    finish(name)
  }
  await Promise.all(done)
  t.strictSame(begun, ['a', 'b', 'c'])
})

t.test('who hangs up leaves the line, wherever they stand, and their place is free', async (t) => {
  const { enqueue, begun, task, finish } = queueOf({ concurrency: 1, limit: 5 })
  const controllers = Array.from({ length: 6 }, () => new AbortController())
  const done = controllers.map(async ({ signal }, name) => { await enqueue(task(name), { signal }) })
  for (const name of [1, 3, 5]) {
    controllers[name]?.abort(new Error(`${name} has gone`))
    await t.rejects(done[name] as Promise<void>, { message: `${name} has gone` })
    // Once more is no matter.
    controllers[name]?.abort()
  }
  const joined = ['x', 'y', 'z'].map((name) => enqueue(task(name)))
  await t.rejects(enqueue(task('no')), { message: 'refused' }, 'three places were free, and no more')
  await t.rejects(enqueue(task('no'), { signal: AbortSignal.abort(new Error('gone before')) }), { message: 'gone before' })
  controllers[0]?.abort()
  for (const name of [0, 2, 4, 'x', 'y', 'z']) {
    await settle()
    t.equal(begun.at(-1), name)
    finish(name)
  }
  await Promise.all([done[0], done[2], done[4], ...joined])
  t.strictSame(begun, [0, 2, 4, 'x', 'y', 'z'], 'what had begun went on')
})

t.test('who has waited too long is refused, and does not run', async (t) => {
  const { enqueue, begun, task, finish } = queueOf({ concurrency: 1, limit: 5, waitMs: 1 })
  // The queue's own timer keeps no process alive.
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => { clearInterval(alive) })
  const first = enqueue(task('a'))
  await Promise.all([t.rejects(enqueue(task('b')), { message: 'refused' }), t.rejects(enqueue(task('c')), { message: 'refused' })])
  const late = t.rejects(enqueue(task('d')), { message: 'refused' })
  spin(2)
  finish('a')
  await Promise.all([first, late])
  t.strictSame(begun, ['a'], 'nor does it where its turn comes before the timer does')
})

t.test('each waits as long as the others, whoever has left before', async (t) => {
  const { enqueue, begun, task, finish } = queueOf({ concurrency: 1, limit: 5, waitMs: 300 })
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => { clearInterval(alive) })
  const first = enqueue(task('a'))
  const { signal, abort } = withAbort()
  const left = t.rejects(enqueue(task('b'), { signal }), { message: 'gone' })
  spin(200)
  const joined = performance.now()
  const waits = enqueue(task('c'))
  abort()
  await left
  const { waitedMs }: { waitedMs: number } = await waits.then(() => t.fail('it ran'), (error) => error)
  t.ok(waitedMs >= 300 && performance.now() - joined >= 300, 'not by the timer of the one who left')
  finish('a')
  await first
  t.strictSame(begun, ['a'])
})

t.test('a long line, half of which leaves', async (t) => {
  const { enqueue, begun, task, finish } = queueOf({ concurrency: 1, limit: 20_000 })
  const first = enqueue(task('first'))
  let ran = 0
  const clients = Array.from({ length: 20_000 }, withAbort)
  const outcomes = Promise.allSettled(clients.map(async ({ signal }) => { await enqueue(async () => { ran++ }, { signal }) }))
  for (const { abort } of clients.filter((_, index) => index % 2 === 1)) abort()
  finish('first')
  await first
  t.equal((await outcomes).filter(({ status }) => status === 'fulfilled').length, 10_000)
  t.equal(ran, 10_000)
  t.strictSame(begun, ['first'])
})

t.test('one owner has a share, whether it runs or waits, and the others find room', async (t) => {
  const { enqueue, begun, task, finish } = queueOf({ concurrency: 1, limit: 10, share: 3 })
  const { signal, abort } = withAbort()
  const mine = [1, 2].map((name) => enqueue(task(name), { owner: 'a' }))
  const left = t.rejects(enqueue(task('left'), { owner: 'a', signal }), { message: 'gone' })
  const refused = async (owner: string): Promise<void> => { await t.rejects(enqueue(task('no'), { owner }), { message: 'refused', waitedMs: Number }) }
  await refused('a')
  abort()
  await left
  mine.push(enqueue(task(3), { owner: 'a' }))
  await refused('a')
  const others = [enqueue(task('b'), { owner: 'b' }), ...['x', 'y', 'z', 'u'].map((name) => enqueue(task(name)))]
  for (const name of [1, 2, 3, 'b', 'x', 'y', 'z', 'u']) {
    await settle()
    t.equal(begun.at(-1), name)
    finish(name)
  }
  await Promise.all([...mine, ...others])
  await t.rejects(enqueue(async () => { throw new Error('thrown') }, { owner: 'a' }), { message: 'thrown' })
  t.strictSame(await Promise.all([1, 2, 3].map((name) => enqueue(async () => name, { owner: 'a' }))), [1, 2, 3], 'what has ended, however, takes no place')
})

t.test('a share below what runs at once is kept, and nobody has waited', async (t) => {
  const { enqueue, task, finish } = queueOf({ concurrency: 4, limit: 10, share: 1 })
  const first = enqueue(task('a'), { owner: 'a' })
  await t.rejects(enqueue(task('no'), { owner: 'a' }), { message: 'refused', waitedMs: 0 })
  finish('a')
  await first
})

function withAbort (): { signal: AbortSignal, abort (): void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => { controller.abort(new Error('gone')) } }
}
