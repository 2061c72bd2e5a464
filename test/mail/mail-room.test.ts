import t, { type Test } from 'tap'
import type { Letter, Words } from '../../lib/contracts/letter.js'
import type { User } from '../../lib/contracts/user.js'
import { createMailRoom, type MailRoom } from '../../lib/mail/mail-room.js'
import { smtp } from '../../lib/mail/smtp.js'
import { resolveMails, type MailOptions } from '../../lib/mail-options.js'
import { captureLog, smtpCatcher, type CapturedLog, type CaughtMail, type SmtpCatcher } from '../helpers/smtp.js'

const user: User = { id: 'u1', email: 'ann@example.com', isActive: true, isVerified: false, isSuperuser: false, createdAt: '', updatedAt: '' }
const token = 'hunter22+/=&#'
const fragment = '#token=hunter22%2B%2F%3D%26%23'

/** A room that sends to a catcher. */
async function room (t: Test, options: MailOptions = {}, origin: string | null = null): Promise<CapturedLog & { catcher: SmtpCatcher, mails: MailRoom }> {
  const catcher = await smtpCatcher(t)
  const captured = captureLog()
  const mailer = await smtp({ url: catcher.url, from: 'Example <hello@example.com>' })
  const mails = createMailRoom(resolveMails({ mailer, ...options }, false), { log: captured.log, origin: () => origin })
  t.after(async () => { await mails.drain() })
  return { ...captured, catcher, mails }
}

t.test('every letter arrives, as text and as HTML', async (t) => {
  const { mails, catcher, text } = await room(t, { baseUrl: 'https://example.com/app/', appName: 'Böse & Co', verifySeconds: 172_800, resetSeconds: 1800, verifyPath: '/a', resetPath: '/b', emailChangePath: '/c' })
  const cases: Array<[Letter['kind'], string, string?]> = [
    ['verify-address', '/a', '2 days'],
    ['reset-password', '/b', '30 minutes'],
    ['set-password', '/b', '2 days'],
    ['confirm-email-change', '/c', '2 days'],
    ['password-changed', ''],
    ['email-changed', ''],
    ['registration-attempt', '']
  ]
  for (const [kind, path, lifetime] of cases) {
    const to = `${kind}@example.com`
    if (lifetime === undefined) mails.post(kind, user, to)
    else mails.post(kind, user, to, token)
    const mail = await catcher.next()
    t.same(mail.envelope.to, [to])
    t.same(mail.to, [{ name: '', address: to }])
    t.match(mail.subject, 'Böse & Co')
    t.match(mail.html, 'Böse &amp; Co')
    const link = `https://example.com/app${path}${fragment}`
    t.equal(mail.text?.includes(`\n\n${link}\n\n`), lifetime !== undefined, kind)
    t.equal(mail.html?.includes(`href="${link}"`), lifetime !== undefined)
    if (lifetime !== undefined) t.match(mail.text, `The link is good for ${lifetime}.`)
  }
  t.equal(text(), '', 'what goes well is not logged')
})

t.test('without a base URL links lead to where the app listens', async (t) => {
  const listening = await room(t, {}, 'http://127.0.0.1:4711')
  listening.mails.post('verify-address', user, user.email, token)
  const mail = await listening.catcher.next()
  t.match(mail.text, `http://127.0.0.1:4711/verify${fragment}`)
  t.equal(mail.subject, 'Verify your e-mail address for 127.0.0.1:4711')

  const silent = await room(t)
  silent.mails.post('verify-address', user, user.email, token)
  t.match((await silent.catcher.next()).text, `http://localhost:3000/verify${fragment}`)
})

t.test('an app has its own words', async (t) => {
  const letters: Letter[] = []
  let answer: () => unknown = () => undefined
  const { mails, catcher, lines, text } = await room(t, { appName: 'Example', compose: (letter) => { letters.push(letter); return answer() as Words } })
  const sent = async (given: () => unknown): Promise<CaughtMail> => {
    answer = given
    mails.post('reset-password', user, 'new@example.com', token)
    return await catcher.next()
  }

  const usual = 'Reset your password for Example'
  t.equal((await sent(() => undefined)).subject, usual, 'none for this letter')
  t.same(letters, [{ kind: 'reset-password', user, to: 'new@example.com', link: `http://localhost:3000/reset-password${fragment}`, lifetimeSeconds: 3600 }])
  const own = await sent(async () => ({ subject: 'Neues Kennwort\r\nBcc: eve@example.com\n\nx', text: 'Grüße', html: '<b>Grüße</b>' }))
  t.equal(own.subject, 'Neues Kennwort Bcc: eve@example.com x')
  t.same(own.envelope.to, ['new@example.com'])
  t.equal(own.text?.trim(), 'Grüße')
  t.equal(own.html?.trim(), '<b>Grüße</b>')
  t.equal((await sent(() => ({ subject: 'Text', text: 'alone' }))).html, undefined)
  t.equal(lines.length, 0)

  for (const nonsense of [null, 5, '<b>', [], { subject: 'x' }, { subject: '', text: 'x' }, { subject: 'x', text: ' ' }, { subject: 'x', text: 5 }, { subject: 'x', text: 'x', html: null }]) {
    t.equal((await sent(() => nonsense)).subject, usual, JSON.stringify(nonsense))
    t.match(lines.at(-1), { level: 50, kind: 'reset-password', userId: 'u1', msg: 'fastify-users: mails.compose gave neither words nor undefined: the default words are used' })
  }
  for (const failing of [() => { throw new TypeError('new@example.com hunter22') }, async () => { throw new TypeError('hunter22') }]) {
    t.equal((await sent(failing)).subject, usual)
    t.match(lines.at(-1), { level: 50, kind: 'reset-password', userId: 'u1', error: { name: 'TypeError' }, msg: 'fastify-users: mails.compose failed: the default words are used' })
  }
  t.equal(lines.length, 11)
  t.notMatch(text(), /@example|hunter22/)
})

t.test('words are found once, however often a mail is tried', async (t) => {
  let composed = 0
  const { mails, catcher, text } = await room(t, { retryDelaysMs: [1, 1], compose: () => { composed++; return undefined } })
  catcher.behave('defer', 2)
  mails.post('reset-password', user, user.email, token)
  await catcher.next()
  t.equal(catcher.offered, 3)
  t.equal(composed, 1)
  t.notMatch(text(), /@example|hunter22/)
})

t.test('without a mailer, a developer finds the link in the log', async (t) => {
  const { log, lines, text } = captureLog()
  const settings = resolveMails({ baseUrl: 'http://localhost:8080' }, false)
  const mails = createMailRoom(settings, { log, origin: () => null })
  mails.post('verify-address', user, user.email, token)
  mails.post('password-changed', user, user.email)
  mails.post('set-password', user, user.email)
  t.match(lines, [
    { level: 40, kind: 'verify-address', userId: 'u1', msg: `fastify-users: NO MAILER is set, so this link is logged instead of mailed (never do this in production). verify-address: http://localhost:8080/verify${fragment}` },
    { level: 30, kind: 'password-changed', userId: 'u1', msg: 'fastify-users: password-changed would be mailed, but no mailer is set' },
    { level: 40 }
  ])
  t.notMatch(text(), '@example')
  await mails.drain()

  for (const quiet of [resolveMails({}, true), { ...settings, logLinks: false }]) {
    const { log, lines } = captureLog()
    const mails = createMailRoom(quiet, { log, origin: () => null })
    mails.post('verify-address', user, user.email, token)
    mails.post('password-changed', user, user.email)
    await mails.drain()
    t.equal(lines.length, 0)
  }
})
