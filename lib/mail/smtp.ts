/**
 * Mails by SMTP.
 *
 * @module fastify-users/smtp
 */
import type { Mail, Mailer } from '../contracts/mailer.js'
import { BadOptionsError } from '../errors.js'
import { importOptional } from '../optional-package.js'
import { isMailbox, readSmtpOptions, type SmtpOptions } from './smtp-options.js'

export type { Mailbox, SmtpOptions, SmtpTransport } from './smtp-options.js'

/** How long a server may take: milliseconds. nodemailer would wait for minutes. */
const patience = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 }

/** What no option changes: nothing is read from disk or fetched into a mail, and no mail is written to the console. */
const fixed = { pool: true, disableFileAccess: true, disableUrlAccess: true, logger: false, debug: false, transactionLog: false } as const

/** No machine should answer: no absence note, no report (RFC 3834 §5; the other is Exchange's). */
const headers = { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' }

/**
 * A mailer that sends by SMTP, over a few connections that stay open. It needs the package `nodemailer`.
 *
 * With a user and a password, the connection must be encrypted, unless it is to this very machine: `smtps:`, or `smtp:` and
 * STARTTLS.
 *
 * @throws `FST_USERS_BAD_OPTIONS` if an option is wrong, or `nodemailer` is not installed
 * @example
 * ```ts
 * const mailer = await smtp({ url: process.env.SMTP_URL, from: 'Example <hello@example.com>' })
 * await app.register(fastifyUsers, { ..., mails: { mailer, baseUrl: 'https://example.com' } })
 * ```
 */
export async function smtp (options: SmtpOptions): Promise<Mailer> {
  const { transport, from, replyTo, problems } = readSmtpOptions(options)
  if (problems.length > 0) throw new BadOptionsError(problems.join('\n'))
  const { createTransport } = await importOptional('nodemailer', 'smtp() needs', () => import('nodemailer'))
  // One more connection for a mail whose connection had been idle for too long; more attempts are the outbox's affair.
  const transporter = createTransport({ maxRequeues: 1, ...patience, ...transport, ...fixed })

  return {
    async send ({ to, subject, text, html }: Mail, signal: AbortSignal) {
      if (!isMailbox(to)) throw Object.assign(new Error('The address is none.'), { code: 'EENVELOPE', permanent: true })
      try {
        // As an object: nodemailer reads a text as a list of addresses.
        await transporter.sendMail({ from, to: { name: '', address: to }, replyTo, subject, text, html, headers, signal })
      } catch (error) {
        throw Object.assign(error as Error, { permanent: isRefusal(error as SmtpError) })
      }
    },
    close () { transporter.close() }
  }
}

interface SmtpError {
  readonly responseCode?: number
  readonly command?: string
}

/** Whether this mail, or its recipient, is refused for good. What is wrong with a password or a sender can be mended meanwhile. */
function isRefusal ({ responseCode = 0, command = '' }: SmtpError): boolean {
  return responseCode >= 500 && responseCode !== 503 && ['RCPT TO', 'DATA'].includes(command)
}
