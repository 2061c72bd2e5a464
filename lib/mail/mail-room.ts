import type { Letter, Words } from '../contracts/letter.js'
import type { Mail, Mailer } from '../contracts/mailer.js'
import type { User } from '../contracts/user.js'
import type { MaybePromise } from '../maybe-promise.js'
import { describeError } from './describe-error.js'
import { createOutbox, type MailLog } from './outbox.js'
import { wordsFor } from './words.js'

/** The options `mails`, with every default in its place. */
export interface MailSettings {
  readonly mailer: Mailer | undefined
  /** Whether links are logged where there is no mailer. */
  readonly logLinks: boolean
  /** Without a trailing slash; `undefined`: where the app listens. */
  readonly baseUrl: string | undefined
  /** `undefined`: the host of the base URL. */
  readonly appName: string | undefined
  readonly verifyPath: string
  readonly resetPath: string
  readonly emailChangePath: string
  /** How long links are good, but those to reset a password: seconds. */
  readonly verifySeconds: number
  /** How long links to reset a password are good: seconds. */
  readonly resetSeconds: number
  readonly compose: ((letter: Letter) => MaybePromise<Words | undefined>) | undefined
  readonly concurrency: number
  readonly queueLimit: number
  readonly retryDelaysMs: readonly number[]
  readonly attemptTimeoutMs: number
}

/** What the room is told by the app it is in. */
export interface MailSurroundings {
  readonly log: MailLog
  /** Where the app listens, such as `http://127.0.0.1:3000`; `null` if it does not. */
  readonly origin: () => string | null
}

/** Turns letters into mails. */
export interface MailRoom {
  /** Sends a letter; one with a link is given the token. Never throws, never waits. */
  post (kind: Letter['kind'], user: User, to: string, token?: string): void
  /** Sends what is left, and closes the mailer. */
  drain (): Promise<void>
}

/** The way from "tell this user" to a mail on its way. */
export function createMailRoom (settings: MailSettings, { log, origin }: MailSurroundings): MailRoom {
  const { mailer, compose, concurrency, queueLimit, retryDelaysMs: delaysMs, attemptTimeoutMs } = settings
  const baseUrl = (): string => settings.baseUrl ?? origin() ?? 'http://localhost:3000'
  const letterOf = (kind: Letter['kind'], user: User, to: string, token: string): Letter => isNotice(kind)
    ? { kind, user, to }
    : { kind, user, to, link: `${baseUrl()}${pathOf(kind, settings)}#token=${encodeURIComponent(token)}`, lifetimeSeconds: kind === 'reset-password' ? settings.resetSeconds : settings.verifySeconds }

  if (mailer === undefined) {
    return {
      post: (kind, user, to, token = '') => { if (settings.logLinks) logLetter(letterOf(kind, user, to, token), log) },
      drain: async () => {}
    }
  }

  const outbox = createOutbox({ mailer, log, concurrency, queueLimit, delaysMs, attemptTimeoutMs })

  async function write (letter: Letter): Promise<Mail> {
    const own = await ownWords(letter)
    const { subject, text, html } = own ?? wordsFor(letter, settings.appName ?? new URL(baseUrl()).host)
    // A line break would begin another header.
    return { to: letter.to, subject: subject.replace(/[\r\n]+/g, ' '), text, html }
  }

  async function ownWords (letter: Letter): Promise<Words | undefined> {
    const { kind, user: { id: userId } } = letter
    try {
      const words = await compose?.(letter)
      if (words === undefined || isWords(words)) return words
      log.error({ kind, userId }, 'fastify-users: mails.compose gave neither words nor undefined: the default words are used')
    } catch (error) {
      log.error({ kind, userId, error: describeError(error) }, 'fastify-users: mails.compose failed: the default words are used')
    }
    return undefined
  }

  return {
    post: (kind, user, to, token = '') => {
      const letter = letterOf(kind, user, to, token)
      let mail: Promise<Mail> | undefined
      outbox.put(kind, user.id, to, () => (mail ??= write(letter)))
    },
    drain: async () => await outbox.drain()
  }
}

type NoticeKind = Exclude<Letter, { link: string }>['kind']

function isNotice (kind: Letter['kind']): kind is NoticeKind {
  return kind === 'password-changed' || kind === 'email-changed' || kind === 'registration-attempt'
}

function pathOf (kind: Exclude<Letter['kind'], NoticeKind>, { verifyPath, resetPath, emailChangePath }: MailSettings): string {
  if (kind === 'verify-address') return verifyPath
  return kind === 'confirm-email-change' ? emailChangePath : resetPath
}

/** For development: what would be in the mail's link stands where the developer looks. */
function logLetter (letter: Letter, log: MailLog): void {
  const { kind, user: { id: userId } } = letter
  if ('link' in letter) log.warn({ kind, userId }, `fastify-users: NO MAILER is set, so this link is logged instead of mailed (never do this in production). ${kind}: ${letter.link}`)
  else log.info({ kind, userId }, `fastify-users: ${kind} would be mailed, but no mailer is set`)
}

function isWords (value: unknown): value is Words {
  const { subject, text, html } = Object(value) as Partial<Words>
  return isText(subject) && isText(text) && (html === undefined || isText(html))
}

function isText (value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== ''
}
