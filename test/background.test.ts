import t from 'tap'
import { createBackground, type Background, type BackgroundLimits } from '../lib/background.js'
import { captureLog, until, type CapturedLog } from './helpers/smtp.js'

/** Work of the background's, and what it logs. */
function backgroundOf (limits?: BackgroundLimits): Background & Pick<CapturedLog, 'lines'> {
  const { log, lines } = captureLog()
  return { ...createBackground(log, limits), lines }
}

/** A promise that is kept when the test says so. */
function gate (): { readonly opened: Promise<void>, open (): void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => { open = resolve })
  return { opened, open: () => { open() } }
}

const never = new Promise<never>(() => {})

t.test('work is done, and that it fails is logged', async (t) => {
  const { run, drain, lines } = backgroundOf()
  let done = 0
  run(() => { done++ })
  t.equal(done, 0, 'not before the caller has gone on')
  run(async () => { done++ })
  run(() => { throw new Error('at once') })
  run(async () => { throw new Error('later') })
  await drain()
  t.equal(done, 2)
  t.match(lines, ['at once', 'later'].map((message) => ({ level: 50, msg: 'fastify-users: work behind a reply has failed', err: { message } })))
})

t.test('the end waits for work that other work has begun', async (t) => {
  const { run, drain, lines } = backgroundOf()
  const order: number[] = []
  run(async () => {
    await new Promise((resolve) => setImmediate(resolve))
    order.push(1)
    run(() => { order.push(2) })
  })
  await drain()
  t.strictSame(order, [1, 2])
  t.strictSame(lines, [])
  await drain()
})

t.test('work that hangs is given up, and keeps no other waiting', async (t) => {
  const { run, drain, lines } = backgroundOf({ concurrency: 1, workMs: 1 })
  const { opened, open } = gate()
  run(() => never)
  run(async () => {
    await opened
    throw new Error('nobody asks any more')
  })
  let done = false
  run(() => { done = true })
  await drain()
  t.equal(done, true)
  t.match(lines, [1, 2].map(() => ({ level: 50, msg: 'fastify-users: work behind a reply has failed', err: { message: 'The work took too long.' } })))
  open()
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(lines.length, 2, 'what comes of it then is nobody\'s business')
})

t.test('the end waits for so long and no longer, and says what was left undone', async (t) => {
  const { run, drain, lines } = backgroundOf({ concurrency: 2, drainMs: 1 })
  const { opened, open } = gate()
  for (let i = 0; i < 3; i++) run(() => opened)
  await drain()
  t.match(lines, [{ level: 50, count: 3, msg: 'fastify-users: the app closes, and work behind replies was not done' }])
  open()
  await drain()
  t.equal(lines.length, 1)
})

t.test('four at once, a thousand waiting, and no more', async (t) => {
  const { run, drain, lines } = backgroundOf()
  const { opened, open } = gate()
  let begun = 0
  let done = 0
  for (let i = 0; i < 1006; i++) {
    run(async () => {
      begun++
      await opened
      done++
    })
  }
  await until(() => lines.length === 2)
  t.equal(begun, 4)
  t.match(lines, [1, 2].map(() => ({ level: 50, err: { message: 'Too much work is waiting.' } })))
  open()
  await drain()
  t.equal(done, 1004)
  t.equal(lines.length, 2)
})
