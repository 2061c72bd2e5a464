import type { Letter, Words } from './contracts/letter.js'
import type { Mailer } from './contracts/mailer.js'
import type { MailSettings } from './mail/mail-room.js'
import { isPromise, type MaybePromise } from './maybe-promise.js'
import { misspelt } from './misspelt.js'
import { isObject, isWhole, reported } from './option-checks.js'

/** How mails are written and sent. */
export interface MailOptions {
  /** Sends them: `await smtp({ ... })` of `fastify-users/smtp`, or one of your own. Default: none; outside production links are logged instead. */
  readonly mailer?: Mailer | undefined
  /**
   * Where the pages are that links lead to, such as `https://example.com`. It is needed in production, and `https` there: what a request says of
   * its host is up to whoever sent it. Default in development: where the app listens, or else `http://localhost:3000`.
   */
  readonly baseUrl?: string | undefined
  /** What the application calls itself: plain text, 1 to 100 characters. Default: the host of `baseUrl`. */
  readonly appName?: string | undefined
  /** The page that verifies an address. Default `/verify`. */
  readonly verifyPath?: string | undefined
  /** The page where a password is chosen. Default `/reset-password`. */
  readonly resetPath?: string | undefined
  /** The page that confirms a new address. Default `/change-email`. */
  readonly emailChangePath?: string | undefined
  /** How long links are good, but those to reset a password: seconds, 60 to 604,800 (7 days). Default 86,400 (a day). */
  readonly verifySeconds?: number | undefined
  /** How long links to reset a password are good: seconds, 60 to 86,400 (a day). Default 3,600 (an hour). */
  readonly resetSeconds?: number | undefined
  /**
   * Finds other words for a letter: another language, say. `undefined`, or an error, leaves the default words.
   *
   * @example
   * ```ts
   * compose: (letter) => letter.kind === 'verify-address' ? { subject: 'Willkommen', text: `Bitte öffne ${letter.link}` } : undefined
   * ```
   */
  readonly compose?: ((letter: Letter) => MaybePromise<Words | undefined>) | undefined
  /** How many mails are being sent at once, from 1. Default 4. */
  readonly concurrency?: number | undefined
  /** How many mails there may be: waiting, being sent, and to be tried again, from 1. One more is dropped, and logged. Default 1,000. */
  readonly queueLimit?: number | undefined
  /**
   * How long to wait before a mail is tried again, each time: milliseconds, up to 86,400,000 each. Default 1,000, 10,000, 60,000,
   * 300,000 and 900,000. `[]`: never.
   */
  readonly retryDelaysMs?: readonly number[] | undefined
  /** After which time an attempt has failed: milliseconds, 1 to 600,000. Default 30,000. */
  readonly attemptTimeoutMs?: number | undefined
}

/**
 * Fills in the defaults.
 *
 * @param keepsSilent whether links stay out of the log even if there is no mailer: in production, or where hooks send them
 */
export function resolveMails (options: MailOptions | undefined, keepsSilent: boolean): MailSettings {
  const { mailer, baseUrl, appName, compose, ...others } = withDefaults(options ?? {})
  return {
    mailer,
    logLinks: mailer === undefined && !keepsSilent,
    baseUrl: baseUrl === undefined ? undefined : new URL(baseUrl).href.replace(/\/+$/, ''),
    appName,
    compose,
    ...others
  }
}

/** What is wrong with the options. */
export function mailProblems (options: MailOptions | undefined, production: boolean): string[] {
  if (options === undefined) return []
  if (!isObject(options)) return ['options.mails must be an object']
  const { mailer, baseUrl, appName, compose, verifyPath, resetPath, emailChangePath, verifySeconds, resetSeconds, concurrency, queueLimit, retryDelaysMs, attemptTimeoutMs } = withDefaults(options)
  const problems = misspelt(options, Object.keys(withDefaults({})))
  const expect = (holds: boolean, problem: string): void => { if (!holds) problems.push(problem) }

  if (mailer !== undefined) problems.push(...mailerProblems(mailer))
  if (baseUrl !== undefined) problems.push(...baseUrlProblems(baseUrl, production))
  expect(baseUrl !== undefined || mailer === undefined || !production, 'baseUrl is missing: in production, links in mails never come from the Host header')
  expect(appName === undefined || isPlainName(appName), 'appName must be plain text of 1 to 100 characters')
  expect(compose === undefined || typeof compose === 'function', 'compose must be a function')
  for (const [name, value] of Object.entries({ verifyPath, resetPath, emailChangePath })) {
    expect(typeof value === 'string' && /^\/[\w.~!$&'()*+,;=:@%/-]*$/.test(value), `${name} must begin with /, and have neither ? nor #, such as ${withDefaults({})[name as 'verifyPath']}`)
  }
  expect(isBetween(60, verifySeconds, 604_800), 'verifySeconds must be a whole number of seconds from 60 to 604800 (7 days)')
  expect(isBetween(60, resetSeconds, 86_400), 'resetSeconds must be a whole number of seconds from 60 to 86400 (a day)')
  expect(isBetween(1, concurrency), 'concurrency must be a whole number from 1')
  expect(isBetween(1, queueLimit), 'queueLimit must be a whole number from 1')
  expect(Array.isArray(retryDelaysMs) && retryDelaysMs.every((delay) => isBetween(0, delay, 86_400_000)), 'retryDelaysMs must hold whole numbers of milliseconds from 0 to 86400000 (a day)')
  expect(isBetween(1, attemptTimeoutMs, 600_000), 'attemptTimeoutMs must be a whole number of milliseconds from 1 to 600000 (10 minutes)')
  return reported('mails', problems)
}

function withDefaults (options: MailOptions) {
  const { verifyPath = '/verify', resetPath = '/reset-password', emailChangePath = '/change-email', verifySeconds = 86_400, resetSeconds = 3600, ...rest } = options
  const { mailer, baseUrl, appName, compose, concurrency = 4, queueLimit = 1000, retryDelaysMs = [1000, 10_000, 60_000, 300_000, 900_000], attemptTimeoutMs = 30_000, ...unknown } = rest
  return { mailer, baseUrl, appName, compose, verifyPath, resetPath, emailChangePath, verifySeconds, resetSeconds, concurrency, queueLimit, retryDelaysMs, attemptTimeoutMs, ...unknown }
}

function mailerProblems (mailer: Mailer): string[] {
  if (isPromise<unknown>(mailer)) return ['mailer is a promise: await it']
  const { send, close } = Object(mailer) as Partial<Mailer>
  return typeof send === 'function' && (close === undefined || typeof close === 'function') ? [] : ['mailer must have send, and may have close: await smtp({ ... }) from fastify-users/smtp, for example']
}

function baseUrlProblems (baseUrl: string, production: boolean): string[] {
  if (!isBaseUrl(baseUrl)) return ['baseUrl must be an absolute http(s) URL without user, query and fragment, such as https://example.com']
  const { protocol, hostname } = new URL(baseUrl)
  return production && protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname) ? ['baseUrl must begin with https in production: whoever reads the page on its way reads the token'] : []
}

function isBaseUrl (value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value) || !/^https?:\/\/[^\s\\?#]+$/i.test(value)) return false
  const { username, password } = new URL(value)
  return username + password === ''
}

/** Neither control characters nor line or paragraph separators: the name stands in subjects. */
function isPlainName (value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '' && /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{1,100}$/u.test(value)
}

function isBetween (least: number, value: unknown, most = Infinity): boolean {
  return isWhole(value) && value >= least && value <= most
}
