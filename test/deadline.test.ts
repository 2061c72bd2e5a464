import t from 'tap'
import { createDeadline } from '../lib/deadline.js'
import { UnavailableError } from '../lib/errors.js'
import { sealed } from '../lib/sealed.js'

const never = (): Promise<never> => new Promise(() => {})
const passed = (): Error => new Error('too late')

// A deadline keeps no process alive.
t.beforeEach((t) => {
  const alive = setInterval(() => {}, 1000)
  t.after(() => { clearInterval(alive) })
})

t.test('what comes in time is what comes', async (t) => {
  const deadline = createDeadline(10_000, passed)
  t.equal(await deadline(Promise.resolve(1)), 1)
  t.equal(await deadline(Promise.resolve(undefined)), undefined)
  await t.rejects(deadline(Promise.reject(new Error('down'))), { message: 'down' })
})

t.test('what does not come ends with the error', async (t) => {
  const deadline = createDeadline(1, passed)
  await Promise.all([t.rejects(deadline(never()), { message: 'too late' }), t.rejects(deadline(never()), { message: 'too late' })])
  await t.rejects(deadline(never()), { message: 'too late' }, 'the timer starts anew')
  t.equal(await deadline(Promise.resolve(2)), 2)
})

t.test('one that has not passed is waited for, while earlier ones pass', async (t) => {
  let resolve = (_value: string): void => {}
  const deadline = createDeadline(600, passed)
  const first = deadline(never())
  const between = createDeadline(300, passed)
  await t.rejects(between(never()))
  const second = deadline(new Promise<string>((_resolve) => { resolve = _resolve }))
  await t.rejects(first, { message: 'too late' })
  resolve('in time')
  t.equal(await second, 'in time')
})

t.test('what comes too late is nobody\'s business, be it a failure', async (t) => {
  let reject = (_error: Error): void => {}
  const deadline = createDeadline(1, passed)
  await t.rejects(deadline(new Promise((_resolve, _reject) => { reject = _reject })), { message: 'too late' })
  reject(new Error('an unhandled rejection would end the process'))
  await new Promise((resolve) => { setImmediate(resolve) })
})

t.test('a sealed store', async (t) => {
  const driversError = Object.assign(new Error('select * from users'), { statusCode: 401 })
  const store = {
    prefix: 'a',
    atOnce (name: string) { return `${this.prefix} ${name}` },
    async later (name: string) { return `${this.prefix} ${name}` },
    throws () { throw driversError },
    rejects: async () => { throw driversError },
    quotes (name: string) { throw new Error(`no ${name}`) },
    hangs: never,
    untouched: () => 1
  }
  const answers = { atOnce: isText, later: isText, throws: isText, rejects: isText, quotes: isText, hangs: isText }
  const seal = sealed(store, answers, createDeadline(1, passed))
  t.strictSame(Object.keys(seal), ['atOnce', 'later', 'throws', 'rejects', 'quotes', 'hangs'])
  t.equal(seal.atOnce('b'), 'a b')
  t.equal(await seal.later('b'), 'a b')
  const unavailable = { name: 'FastifyError', code: 'FST_USERS_UNAVAILABLE', statusCode: 503, headers: { 'retry-after': '5' } }
  t.throws(() => seal.throws(), { ...unavailable, cause: { message: driversError.message, statusCode: undefined } })
  await t.rejects(seal.rejects(), { ...unavailable, cause: { message: driversError.message, statusCode: undefined } })
  t.throws(() => seal.quotes('ann@example.com'), { ...unavailable, cause: { message: 'no …' } }, 'without what the store was given')
  await t.rejects(seal.hangs(), { ...unavailable, cause: { message: 'too late' } })

  const own = new UnavailableError()
  t.throws(() => sealed({ throws: () => { throw own } }, { throws: isText }, createDeadline(1, passed)).throws(), own, 'one of ours is not wrapped twice')

  for (const lie of [undefined, 1, {}]) {
    const odd = sealed({ atOnce: () => lie, later: async () => lie }, { atOnce: isText, later: isText }, createDeadline(1000, passed))
    t.throws(() => odd.atOnce(), { ...unavailable, cause: { code: 'FST_USERS_STORE_ANSWER', message: /atOnce/ } })
    await t.rejects(odd.later(), { ...unavailable, cause: { code: 'FST_USERS_STORE_ANSWER', message: /later/ } })
  }
})

function isText (answer: unknown): boolean {
  return typeof answer === 'string'
}
