import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import type { Mail, Mailer } from '../../lib/contracts/mailer.js'
import { createOutbox, type Outbox, type OutboxSettings } from '../../lib/mail/outbox.js'
import { smtp } from '../../lib/mail/smtp.js'
import { captureLog, smtpCatcher, until, type CapturedLog } from '../helpers/smtp.js'

const mail: Mail = { to: 'ann@example.com', subject: 'Hello', text: 'https://example.com/#token=hunter22' }
const numbered = (number: number) => (): Mail => ({ ...mail, subject: `${number}` })
const hour = 3_600_000

/** An outbox in front of a mailer of the test's, and what it logs. */
function outboxOf (mailer: Mailer, settings: Partial<OutboxSettings> = {}): CapturedLog & { outbox: Outbox } {
  const captured = captureLog()
  return { ...captured, outbox: createOutbox({ mailer, log: captured.log, ...settings }) }
}

t.test('a mail goes out, and the outbox closes the mailer, once', async (t) => {
  const catcher = await smtpCatcher(t)
  const { outbox, text } = outboxOf(await smtp({ url: catcher.url, from: 'hello@example.com' }))
  t.after(async () => { await outbox.drain() })
  outbox.put('verify-address', 'u1', 'ann@example.com', () => mail)
  t.equal((await catcher.next()).text?.trim(), mail.text)
  outbox.put('verify-address', 'u1', 'ann@example.com', async () => mail)
  await Promise.all([outbox.drain(), outbox.drain()])
  t.equal(catcher.mails.length, 2, 'what waits is sent at the end')
  t.equal(text(), '')
})

t.test('a mail is tried again: after 451, and when the server was down', async (t) => {
  const catcher = await smtpCatcher(t)
  catcher.behave('defer', 2)
  const { outbox, lines, text } = outboxOf(await smtp({ url: catcher.url, from: 'hello@example.com' }), { delaysMs: Array<number>(1000).fill(5) })
  t.after(async () => { await outbox.drain() })
  outbox.put('verify-address', 'u1', 'ann@example.com', () => mail)
  await catcher.next()
  t.equal(catcher.offered, 3)
  t.match(lines, [1, 2].map((attempts) => ({ level: 40, kind: 'verify-address', userId: 'u1', attempts, error: { name: 'Error', code: 'EENVELOPE', responseCode: 451 }, msg: 'fastify-users: a mail could not be sent' })))

  await catcher.stop()
  outbox.put('reset-password', 'u2', 'ann@example.com', () => mail)
  await until(() => lines.length >= 4)
  await catcher.start()
  await catcher.next()
  t.match(lines[3], { level: 40, kind: 'reset-password', userId: 'u2', error: { code: 'ESOCKET', originalCode: 'ECONNREFUSED', syscall: 'connect', command: 'CONN' } })
  t.notMatch(text(), /ann@example|hunter22|err"|stack/)
})

t.test('a mail is given up: at once if it is refused for good, else after the last attempt', async (t) => {
  const catcher = await smtpCatcher(t)
  catcher.behave('refuse', 1)
  const { outbox, lines, text } = outboxOf(await smtp({ url: catcher.url, from: 'hello@example.com' }), { delaysMs: [1, 1] })
  t.after(async () => { await outbox.drain() })
  outbox.put('reset-password', 'u1', 'ann@example.com', () => mail)
  await until(() => lines.length === 1)
  t.match(lines[0], { level: 50, kind: 'reset-password', userId: 'u1', attempts: 1, error: { code: 'EENVELOPE', responseCode: 550, command: 'RCPT TO' }, msg: 'fastify-users: a mail could not be sent, and is given up' })

  catcher.behave('defer')
  outbox.put('reset-password', 'u2', 'ann@example.com', () => mail)
  await until(() => lines.length === 4)
  t.same(lines.map(({ level }) => level), [50, 40, 40, 50])
  t.match(lines[3], { userId: 'u2', attempts: 3, error: { responseCode: 451 } })
  t.equal(catcher.offered, 4)
  await outbox.drain()
  t.equal(catcher.offered, 4, 'what was given up does not come back')
  t.notMatch(text(), /ann@example|hunter22/)
})

t.test('an attempt that stalls is ended, and its place is free again', async (t) => {
  const catcher = await smtpCatcher(t)
  catcher.behave('stall', 1)
  const { outbox, lines } = outboxOf(await smtp({ url: catcher.url, from: 'hello@example.com' }), { concurrency: 1, attemptTimeoutMs: 1000, delaysMs: [hour] })
  t.after(async () => { await outbox.drain() })
  outbox.put('verify-address', 'u1', 'ann@example.com', numbered(1))
  outbox.put('verify-address', 'u2', 'ann@example.com', numbered(2))
  t.equal((await catcher.next()).subject, '2', 'a mail that waits is in nobody\'s way')
  t.match(lines, [{ level: 40, userId: 'u1', attempts: 1, error: { name: 'TimeoutError', code: 'ETIMEDOUT' } }])
  await outbox.drain()
  t.equal((await catcher.next()).subject, '1', 'and is tried once more at the end')
})

t.test('a mailer that heeds no signal, and one that fails in its own ways', async (t) => {
  let signalled = 0
  const failures: unknown[] = [undefined, null, 'ann@example.com', { code: 'ann@example.com', name: ['ann@example.com'], responseCode: '550', command: 'RCPT TO:<ann@example.com>', originalCode: 'ann at example' }, Object.assign(new TypeError('ann@example.com'), { code: 300 })]
  const { outbox, lines, text } = outboxOf({
    send ({ subject }, signal) {
      signal.addEventListener('abort', () => { signalled++ })
      if (subject !== '0') throw failures[Number(subject) - 1]
      return new Promise<never>(() => {})
    }
  }, { concurrency: 1, attemptTimeoutMs: 5, delaysMs: [] })
  t.after(async () => { await outbox.drain() })
  for (let number = 0; number <= failures.length; number++) outbox.put('verify-address', `u${number}`, 'ann@example.com', numbered(number))
  outbox.put('verify-address', 'u6', 'ann@example.com', () => { throw new RangeError('no mail') })
  outbox.put('verify-address', 'u7', 'ann@example.com', () => new Promise<never>(() => {}))
  await until(() => lines.length === 8)
  t.equal(signalled, 1)
  t.same(lines.map(({ level, userId, error }) => ({ level, userId, error })), [
    { name: 'TimeoutError', code: 'ETIMEDOUT' }, {}, {}, {}, { responseCode: '550' }, { name: 'TypeError', code: 300 }, { name: 'RangeError' }, { name: 'TimeoutError', code: 'ETIMEDOUT' }
  ].map((error, index) => ({ level: 50, userId: `u${index}`, error })))
  t.notMatch(text(), 'ann@example')
})

t.test('so many at once, so many in all', async (t) => {
  const release: Array<() => void> = []
  let running = 0
  let most = 0
  const { outbox, lines } = outboxOf({
    async send () {
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => release.push(resolve))
      running--
    }
  }, { concurrency: 2, queueLimit: 5 })
  t.after(async () => { await outbox.drain(1) })
  for (let number = 1; number <= 7; number++) outbox.put('verify-address', `u${number}`, 'ann@example.com', numbered(number))
  t.equal(running, 0, 'nothing happens before the caller has gone on')
  t.match(lines, ['u6', 'u7'].map((userId) => ({ level: 50, kind: 'verify-address', userId, attempts: 0, msg: 'fastify-users: a mail was dropped, because too many are under way' })))
  for (let sent = 0; sent < 5; sent++) {
    await until(() => release.length > 0)
    release.shift()?.()
  }
  await until(() => running === 0)
  t.equal(most, 2)
  outbox.put('verify-address', 'u8', 'ann@example.com', numbered(8))
  await until(() => running === 1)
  t.equal(lines.length, 2, 'there is room again')
  release.shift()?.()
})

t.test('mails that wait to be tried again count, too', async (t) => {
  const { outbox, lines } = outboxOf({ send: async () => { throw new Error('down') } }, { queueLimit: 2, delaysMs: [hour] })
  t.after(async () => { await outbox.drain() })
  for (const id of ['u1', 'u2']) outbox.put('verify-address', id, 'ann@example.com', () => mail)
  await until(() => lines.length === 2)
  outbox.put('verify-address', 'u3', 'ann@example.com', () => mail)
  t.match(lines[2], { level: 50, userId: 'u3' })
})

t.test('a newer mail takes the place of one of its kind that has not left', async (t) => {
  const sent: string[] = []
  const failing = new Set(['1'])
  const { outbox, lines } = outboxOf({ async send ({ subject }) { if (failing.has(subject)) throw new Error('down'); sent.push(subject) } }, { delaysMs: [hour] })
  t.after(async () => { await outbox.drain() })
  const put = (number: number, kind: 'reset-password' | 'verify-address' = 'reset-password', userId = 'u1', to = 'ann@example.com'): void => { outbox.put(kind, userId, to, numbered(number)) }
  put(1)
  await until(() => lines.length === 1)

  put(2)
  put(3)
  put(4, 'verify-address')
  put(5, 'reset-password', 'u2')
  put(6, 'reset-password', 'u1', 'other@example.com')
  put(7)
  await until(() => sent.length === 4)
  failing.clear()
  await outbox.drain()
  t.strictSame(sent, ['4', '5', '6', '7'], 'neither what waited for its turn, nor what waited to be tried again')
  t.equal(lines.length, 1)
})

t.test('what fails while a newer one of its kind has come is not tried again', async (t) => {
  const attempts: string[] = []
  let fail = (): void => {}
  const { outbox, lines } = outboxOf({
    async send ({ subject }) {
      attempts.push(subject)
      if (attempts.length === 1) await new Promise<void>((_resolve, reject) => { fail = () => { reject(new Error('down')) } })
    }
  }, { delaysMs: [1, 1, 1] })
  t.after(async () => { await outbox.drain(50) })
  outbox.put('reset-password', 'u1', 'ann@example.com', numbered(1))
  await until(() => attempts.length === 1)
  outbox.put('reset-password', 'u1', 'ann@example.com', numbered(2))
  await until(() => attempts.length === 2)
  fail()
  await until(() => lines.length === 1)
  await outbox.drain()
  t.strictSame(attempts, ['1', '2'])
  t.match(lines[0], { level: 40, userId: 'u1', attempts: 1 })
})

t.test('whoever asks again and again pushes nobody else out', async (t) => {
  for (const up of [true, false]) {
    const sent: string[] = []
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => { open = resolve })
    const { outbox, lines } = outboxOf({
      async send ({ subject }) {
        await opened
        if (!up) throw new Error('down')
        sent.push(subject)
      }
    }, { concurrency: 2, queueLimit: 6, delaysMs: [hour] })
    t.after(async () => { await outbox.drain() })
    for (let number = 0; number < 200; number++) {
      outbox.put('reset-password', 'mallory', 'mallory@example.com', numbered(number))
      // Some of them are on their way by then.
      if (number % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    outbox.put('password-changed', 'u1', 'ann@example.com', () => ({ ...mail, subject: 'notice' }))
    t.strictSame(lines, [], 'there was a place for everybody')
    open()
    if (!up) await until(() => lines.some(({ userId, attempts }) => userId === 'u1' && attempts === 1))
    await outbox.drain()
    if (up) t.ok(['notice', '199'].every((subject) => sent.includes(subject)), 'and the newest one goes out, too')
  }
})

t.test('at the end: once more, no longer than allowed, and nothing afterwards', async (t) => {
  const attempts: string[] = []
  let closed = 0
  let aborted = 0
  const { outbox, lines } = outboxOf({
    async send ({ subject }, signal) {
      attempts.push(subject)
      if (subject === '1') throw new Error('down')
      signal.addEventListener('abort', () => { aborted++ })
      await once(signal, 'abort')
      throw signal.reason
    },
    close () {
      closed++
      throw Object.assign(new Error('ann@example.com'), { code: 'ECLOSE' })
    }
  }, { concurrency: 2, delaysMs: [hour, hour] })
  outbox.put('verify-address', 'u1', 'ann@example.com', numbered(1))
  await until(() => lines.length === 1)
  for (const number of [2, 3, 4]) outbox.put('password-changed', `u${number}`, 'ann@example.com', numbered(number))
  await until(() => attempts.length === 3)
  const draining = outbox.drain(50)
  t.equal(outbox.drain(), draining, 'twice is once')
  outbox.put('verify-address', 'u5', 'ann@example.com', numbered(5))
  await draining
  t.same(attempts, ['1', '2', '3'], 'there was no place for another')
  t.equal(aborted, 2)
  t.equal(closed, 1)
  t.match(lines.slice(1), [
    { level: 50, userId: 'u5', msg: 'fastify-users: a mail was dropped, because the app is closing' },
    { level: 50, unsent: [{ kind: 'password-changed', userId: 'u4' }, { kind: 'verify-address', userId: 'u1' }, { kind: 'password-changed', userId: 'u2' }, { kind: 'password-changed', userId: 'u3' }], msg: 'fastify-users: the app closes, and 4 mails were not sent' },
    { level: 50, error: { name: 'Error', code: 'ECLOSE' }, msg: 'fastify-users: the mailer could not be closed' }
  ])
  t.equal(lines.length, 4, 'and nothing else')
})

t.test('what fails at the end is told with the rest', async (t) => {
  const { outbox, lines } = outboxOf({ send: async () => { throw new Error('down') } }, { delaysMs: [hour, hour] })
  outbox.put('verify-address', 'u1', 'ann@example.com', () => mail)
  await until(() => lines.length === 1)
  await outbox.drain()
  t.match(lines.slice(1), [
    { level: 40, userId: 'u1', attempts: 2 },
    { level: 50, unsent: [{ kind: 'verify-address', userId: 'u1' }] }
  ])
  await outbox.drain()
  t.equal(lines.length, 3)
})

t.test('its timers keep no process alive, and yet the end waits for mails', async (t) => {
  const source = `
    import { createOutbox } from './lib/mail/outbox.ts'
    const log = { info () {}, warn () { console.log('failed') }, error () { console.log('not sent') } }
    const mailer = { async send () { throw new Error('down') } }
    const outbox = createOutbox({ mailer, log, delaysMs: [${hour}, ${hour}] })
    outbox.put('verify-address', 'u1', 'ann@example.com', () => ({}))
    if (process.argv.includes('drain')) {
      mailer.send = () => new Promise(() => {})
      await outbox.drain(50)
      console.log('closed')
    }
  `
  const run = async (...args: string[]): Promise<string> => {
    const child = spawn(process.execPath, [...process.execArgv, '--input-type=module', '-e', source, '--', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => { child.kill() })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString() })
    await once(child, 'close')
    return out
  }
  t.equal(await run(), 'failed\n')
  t.equal(await run('drain'), 'not sent\nclosed\n')
})
