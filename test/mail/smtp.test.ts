import t from 'tap'
import type { Mail } from '../../lib/contracts/mailer.js'
import { smtp, type SmtpOptions } from '../../lib/mail/smtp.js'
import { readSmtpOptions } from '../../lib/mail/smtp-options.js'
import { smtpCatcher, until } from '../helpers/smtp.js'

const from = 'Example <hello@example.com>'
const mail: Mail = { to: 'ann@example.com', subject: 'Hello', text: 'Hello, Ann', html: '<p>Hello, Ann' }
const patient = new AbortController().signal

/** What became of a mail. */
async function outcome (sending: Promise<void>): Promise<object> {
  return await sending.then(() => ({ sent: true }), ({ code, responseCode, permanent }: Record<string, unknown>) => ({ code, ...(responseCode === undefined ? {} : { responseCode }), permanent }))
}

t.test('a mail arrives as it was written', async (t) => {
  const catcher = await smtpCatcher(t)
  const mailer = await smtp({ url: catcher.url, from: 'Bücher & Töne <hello@example.com>', replyTo: { name: 'Help, please', address: 'help@example.com' } })
  t.after(async () => { await mailer.close?.() })
  const link = `https://example.com/verify#token=${'x'.repeat(300)}`
  const lines = { text: `Grüße aus 東京 🎉\n\n${link}\n.\n..\nEnd\n`, html: `<p>Grüße <a href="${link}">x</a></p>` }
  await mailer.send({ ...mail, ...lines, subject: 'Grüße 🎉' }, patient)

  const caught = await catcher.next()
  t.equal(caught.subject, 'Grüße 🎉')
  t.equal(caught.text?.trim(), lines.text.trim())
  t.equal(caught.html?.trim(), lines.html)
  t.same(caught.from, { name: 'Bücher & Töne', address: 'hello@example.com' })
  t.same(caught.replyTo, [{ name: 'Help, please', address: 'help@example.com' }])
  t.same(caught.to, [{ name: '', address: 'ann@example.com' }])
  t.same(caught.envelope, { from: 'hello@example.com', to: ['ann@example.com'] })
  t.equal(caught.header('Auto-Submitted'), 'auto-generated')
  t.equal(caught.header('X-Auto-Response-Suppress'), 'All')
  t.match(caught.messageId, /^<[^@<>]+@example\.com>$/)
  t.equal(caught.header('X-Mailer'), undefined)

  await mailer.send({ to: 'ann@example.com', subject: 'Text alone', text: 'So' }, patient)
  const second = await catcher.next()
  t.equal(second.html, undefined)
  t.match(second.header('Content-Type'), /^text\/plain/)
})

t.test('no option of the transport makes it log, which would log passwords', async (t) => {
  const catcher = await smtpCatcher(t)
  const { hostname: host, port } = new URL(catcher.url)
  const lines: unknown[] = []
  const log = (...line: unknown[]) => { lines.push(line) }
  const logger = { level: () => {}, trace: log, debug: log, info: log, warn: log, error: log, fatal: log }
  const mailer = await smtp({ transport: { host, port: Number(port), logger, debug: true, transactionLog: true }, from })
  t.after(async () => { await mailer.close?.() })
  await mailer.send(mail, patient)
  await catcher.next()
  t.strictSame(lines, [])
})

t.test('an address of other letters arrives', async (t) => {
  const catcher = await smtpCatcher(t)
  const mailer = await smtp({ url: catcher.url, from: 'hello@example.com' })
  t.after(async () => { await mailer.close?.() })
  await mailer.send({ ...mail, to: 'jörg@bücher.example' }, patient)
  const caught = await catcher.next()
  t.same(caught.envelope.to, ['jörg@bücher.example'])
  t.same(caught.from, { name: '', address: 'hello@example.com' })
})

t.test('one recipient, or none', async (t) => {
  const catcher = await smtpCatcher(t)
  const mailer = await smtp({ url: catcher.url, from })
  t.after(async () => { await mailer.close?.() })
  const lists = ['ann@example.com,eve@example.com', 'ann@example.com, eve@example.com', 'ann@example.com;eve@example.com', 'Ann <eve@example.com>', 'ann@example.com\r\nBcc: eve@example.com', 'ann@example.com\nRCPT TO:<eve@example.com>', 'ann@example.com>\r\nRCPT TO:<eve@example.com', 'friends:ann@example.com,eve@example.com;', '"ann@example.com,eve"@example.com', 'ann@example.com (eve@example.com)', 'ann@example.com ', 'ann@example.com\u0000', 'ann', 'ann@', '@example.com', `${'x'.repeat(320)}@example.com`, '']
  for (const to of lists) t.same(await outcome(mailer.send({ ...mail, to }, patient)), { code: 'EENVELOPE', permanent: true }, JSON.stringify(to))
  t.equal(catcher.offered, 0)

  await mailer.send({ ...mail, subject: 'Hello\r\nBcc: eve@example.com\r\n\r\nAnother text' }, patient)
  const caught = await catcher.next()
  t.same(caught.envelope.to, ['ann@example.com'])
  t.equal(caught.bcc, undefined)
  t.equal(caught.text?.trim(), 'Hello, Ann')
})

t.test('what is in a mail is text, whatever it looks like', async (t) => {
  const catcher = await smtpCatcher(t)
  const mailer = await smtp({ url: catcher.url, from })
  t.after(async () => { await mailer.close?.() })
  for (const text of [{ path: '/etc/hostname' }, { href: 'http://127.0.0.1:1/' }]) {
    t.match(await outcome(mailer.send({ ...mail, text: text as unknown as string }, patient)), { permanent: false })
  }
  t.equal(catcher.mails.length, 0)
})

t.test('which failures are for good', async (t) => {
  const catcher = await smtpCatcher(t)
  const mailer = await smtp({ url: catcher.url, from })
  t.after(async () => { await mailer.close?.() })
  catcher.behave('refuse', 1)
  t.same(await outcome(mailer.send(mail, patient)), { code: 'EENVELOPE', responseCode: 550, permanent: true })
  catcher.behave('refuse-text', 1)
  t.same(await outcome(mailer.send(mail, patient)), { code: 'EMESSAGE', responseCode: 554, permanent: true })
  catcher.behave('defer', 1)
  t.same(await outcome(mailer.send(mail, patient)), { code: 'EENVELOPE', responseCode: 451, permanent: false })
  catcher.behave('drop')
  t.match(await outcome(mailer.send(mail, patient)), { code: 'ECONNECTION', permanent: false })
  catcher.behave('accept')
  await mailer.send(mail, patient)
  await catcher.next()
  await catcher.stop()
  t.match(await outcome(mailer.send(mail, patient)), { code: 'ESOCKET', permanent: false })
  await catcher.start()
  t.same(await outcome(mailer.send(mail, patient)), { sent: true }, 'the server is back')
})

t.test('a signal ends the attempt, and the next one is not in its way', async (t) => {
  const catcher = await smtpCatcher(t)
  const mailer = await smtp({ transport: { host: '127.0.0.1', port: catcher.port, maxConnections: 1 }, from })
  t.after(async () => { await mailer.close?.() })
  catcher.behave('stall', 1)
  const abort = new AbortController()
  const sending = outcome(mailer.send(mail, abort.signal))
  const next = mailer.send({ ...mail, subject: 'Next' }, patient)
  await until(() => catcher.offered === 1)
  abort.abort()
  t.same(await sending, { code: 'EABORT', permanent: false })
  await next
  t.equal((await catcher.next()).subject, 'Next')
})

t.test('it logs in, and a wrong password may be mended', async (t) => {
  const login = { user: 'us@er', pass: 'p:a/s s%' }
  const catcher = await smtpCatcher(t, { login })
  const urlWith = (pass: string): string => catcher.url.replace('//', `//${encodeURIComponent(login.user)}:${encodeURIComponent(pass)}@`)
  const wrong = await smtp({ url: urlWith('wrong'), from })
  t.after(async () => { await wrong.close?.() })
  t.same(await outcome(wrong.send(mail, patient)), { code: 'EAUTH', responseCode: 535, permanent: false })
  const right = await smtp({ url: `${urlWith(login.pass)}/`, from })
  t.after(async () => { await right.close?.() })
  t.same(await outcome(right.send(mail, patient)), { sent: true })
})

t.test('encryption', async (t) => {
  const open = await smtpCatcher(t)
  const demanding = await smtp({ transport: { host: '127.0.0.1', port: open.port, requireTLS: true }, from })
  t.after(async () => { await demanding.close?.() })
  t.match(await outcome(demanding.send(mail, patient)), { permanent: false })
  t.equal(open.offered, 0, 'nothing goes out in the clear')

  const closed = await smtpCatcher(t, { secure: true })
  const strict = await smtp({ url: closed.url, from })
  t.after(async () => { await strict.close?.() })
  t.match(await outcome(strict.send(mail, patient)), { code: 'ESOCKET', permanent: false }, 'nobody vouches for the certificate')
  const trusting = await smtp({ transport: { host: '127.0.0.1', port: closed.port, secure: true, tls: { rejectUnauthorized: false } }, from })
  t.after(async () => { await trusting.close?.() })
  t.same(await outcome(trusting.send(mail, patient)), { sent: true })

  const requireTLS = (options: Partial<SmtpOptions>): unknown => readSmtpOptions({ from, ...options }).transport.requireTLS
  t.equal(requireTLS({ url: 'smtp://user:pass@mail.example.com' }), true)
  t.equal(requireTLS({ url: 'smtps://user:pass@mail.example.com' }), false, 'it is encrypted anyway')
  t.equal(requireTLS({ url: 'smtp://mail.example.com' }), false)
  t.equal(requireTLS({ url: 'smtp://user:pass@[::1]:25' }), false)
  t.equal(requireTLS({ transport: { host: 'mail.example.com', auth: { user: 'x', pass: 'y' }, requireTLS: false } }), false, 'who says so gets it')
})

t.test('options that are wrong are named, and no password is told', async (t) => {
  const url = 'smtp://127.0.0.1:25'
  const badUrl = 'url must be smtp: or smtps:'
  const badFrom = 'from must be an address'
  const cases: Array<[unknown, string]> = [
    [undefined, badFrom],
    [{ url }, badFrom],
    [{ url, from: '' }, badFrom],
    [{ url, from: 'Example' }, badFrom],
    [{ url, from: 'a@example.com, b@example.com' }, badFrom],
    [{ url, from: 'A <a@example.com>, B <b@example.com>' }, badFrom],
    [{ url, from: { name: 'A\r\nBcc: eve@example.com', address: 'a@example.com' } }, badFrom],
    [{ url, from: { name: 5, address: 'a@example.com' } }, badFrom],
    [{ url, from: { name: 'A' } }, badFrom],
    [{ url, from, replyTo: 'nobody' }, 'replyTo must be an address'],
    [{ from }, 'url is missing, such as'],
    [{ url: undefined, from }, "url is missing, such as 'smtp://user:password@mail.example.com:587'. If it stands in .env, start with node --env-file=.env, which reads that file"],
    [{ host: 'x', from }, 'host belongs into transport: { host }'],
    [{ url, transport: { host: 'x' }, from }, 'either url or transport must be given, and not both'],
    [{ url: '', from }, badUrl],
    [{ url: 5, from }, badUrl],
    [{ url: 'mail.example.com', from }, badUrl],
    [{ url: 'https://user:hunter22@mail.example.com', from }, badUrl],
    [{ url: 'smtp:', from }, badUrl],
    [{ url: 'smtp://user:hunter22@mail.example.com/path', from }, badUrl],
    [{ url: 'smtp://user:hunter22@mail.example.com?logger=true', from }, badUrl],
    [{ url: 'smtp://user:hunter22%@mail.example.com', from }, badUrl],
    [{ url: 'smtp://user:hunter22@mail.example.com:x', from }, badUrl],
    [{ transport: {}, from }, 'transport must be an object with a host'],
    [{ transport: 'smtp://user:hunter22@mail.example.com', from }, 'transport must be an object with a host'],
    [{ transport: null, from }, 'transport must be an object with a host'],
    [{ transport: { host: 'x', url }, from }, 'transport must be an object with a host'],
    [{ url, from, form: 'x' }, 'form is no option: there are url, transport, from, replyTo']
  ]
  for (const [given, message] of cases) {
    const error = await smtp(given as SmtpOptions).then(() => null, (error: Error & { code: string }) => error)
    t.equal(error?.code, 'FST_USERS_BAD_OPTIONS', message)
    t.match(error?.message, `smtp: ${message}`)
    t.notMatch(error?.message, 'hunter22')
  }
  t.same(readSmtpOptions({ from: { address: 'a@example.com' }, transport: { service: 'x' } }).problems, [])
  t.same(readSmtpOptions({ from: '"Doe, J." <a@example.com>', url }).from, { name: 'Doe, J.', address: 'a@example.com' })
})
