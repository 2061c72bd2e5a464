import t from 'tap'
import type { Mailer } from '../../lib/contracts/mailer.js'
import { mailProblems, resolveMails, type MailOptions } from '../../lib/mail-options.js'

const mailer: Mailer = { send: async () => {} }

t.test('options that are wrong are named', async (t) => {
  const badUrl = 'baseUrl must be an absolute http(s) URL without user, query and fragment'
  const badMailer = 'mailer must have send, and may have close'
  const cases: Array<[object, string]> = [
    [{ mailer: null }, badMailer],
    [{ mailer: {} }, badMailer],
    [{ mailer: { ...mailer, close: 5 } }, badMailer],
    [{ mailer: Promise.resolve(mailer) }, 'mailer is a promise: await it'],
    ...['', 5, 'example.com', '/path', 'ftp://example.com', 'https://', 'https:example.com', 'https://ann@example.com', 'https://:pw@example.com', 'https://example.com?a', 'https://example.com/?', 'https://example.com#a', 'https://example.com/#', ' https://example.com', 'https://example.com\\a'].map((baseUrl): [object, string] => [{ baseUrl }, badUrl]),
    ...['', ' ', 5, 'a\nb', 'a\u2028b', 'a'.repeat(101)].map((appName): [object, string] => [{ appName }, 'appName must be plain text of 1 to 100 characters']),
    [{ compose: 'x' }, 'compose must be a function'],
    [{ verifyPath: 'verify' }, 'verifyPath must begin with /, and have neither ? nor #, such as /verify'],
    [{ resetPath: '/reset?a=1' }, 'resetPath must begin with /, and have neither ? nor #, such as /reset-password'],
    [{ emailChangePath: '/change#a' }, 'emailChangePath must begin with /, and have neither ? nor #, such as /change-email'],
    [{ verifyPath: '/a b' }, 'verifyPath must begin with /'],
    [{ verifyPath: 5 }, 'verifyPath must begin with /'],
    ...[59, 604_801, 3600.5, '3600', null].map((verifySeconds): [object, string] => [{ verifySeconds }, 'verifySeconds must be a whole number of seconds from 60 to 604800 (7 days)']),
    ...[59, 86_401].map((resetSeconds): [object, string] => [{ resetSeconds }, 'resetSeconds must be a whole number of seconds from 60 to 86400 (a day)']),
    [{ concurrency: 0 }, 'concurrency must be a whole number from 1'],
    [{ queueLimit: 0 }, 'queueLimit must be a whole number from 1'],
    ...[5, [-1], [86_400_001], ['1']].map((retryDelaysMs): [object, string] => [{ retryDelaysMs }, 'retryDelaysMs must hold whole numbers of milliseconds from 0 to 86400000 (a day)']),
    ...[0, 600_001].map((attemptTimeoutMs): [object, string] => [{ attemptTimeoutMs }, 'attemptTimeoutMs must be a whole number of milliseconds from 1 to 600000 (10 minutes)']),
    [{ baseURL: 'https://example.com' }, 'baseURL is no option']
  ]
  for (const [given, message] of cases) {
    const problems = mailProblems(given as MailOptions, false)
    t.equal(problems.length, 1, message)
    t.match(problems[0], `options.mails.${message}`)
  }
  t.same(mailProblems(null as unknown as MailOptions, false), ['options.mails must be an object'])
  t.equal(mailProblems({ concurrency: 0, queueLimit: 0 }, false).length, 2, 'all at once')
})

t.test('what is asked of production alone', async (t) => {
  t.match(mailProblems({ mailer }, true), ['options.mails.baseUrl is missing: in production, links in mails never come from the Host header'])
  t.same(mailProblems({ mailer }, false), [])
  t.match(mailProblems({ mailer, baseUrl: 'http://example.com' }, true), ['options.mails.baseUrl must begin with https in production'])
  t.same(mailProblems({ mailer, baseUrl: 'http://example.com' }, false), [])
  for (const host of ['localhost:3000', '127.0.0.1', '[::1]:3000']) t.same(mailProblems({ mailer, baseUrl: `http://${host}` }, true), [])
  for (const options of [undefined, {}, { mailer, baseUrl: 'https://example.com/app/' }]) t.same(mailProblems(options, true), [])
})

t.test('the defaults', async (t) => {
  t.same(resolveMails(undefined, false), {
    mailer: undefined,
    logLinks: true,
    baseUrl: undefined,
    appName: undefined,
    compose: undefined,
    verifyPath: '/verify',
    resetPath: '/reset-password',
    emailChangePath: '/change-email',
    verifySeconds: 86_400,
    resetSeconds: 3600,
    concurrency: 4,
    queueLimit: 1000,
    retryDelaysMs: [1000, 10_000, 60_000, 300_000, 900_000],
    attemptTimeoutMs: 30_000
  })
  t.equal(resolveMails(undefined, true).logLinks, false)
  const compose = (): undefined => undefined
  const given = { mailer, appName: 'Example', compose, verifyPath: '/a', resetPath: '/b', emailChangePath: '/c', verifySeconds: 60, resetSeconds: 61, concurrency: 1, queueLimit: 2, retryDelaysMs: [], attemptTimeoutMs: 3 }
  t.same(mailProblems(given, false), [])
  t.same(resolveMails({ ...given, baseUrl: 'https://EXAMPLE.com/app//' }, false), { ...given, logLinks: false, baseUrl: 'https://example.com/app' })
  t.equal(resolveMails({ verifySeconds: undefined, baseUrl: undefined }, false).verifySeconds, 86_400)
})
