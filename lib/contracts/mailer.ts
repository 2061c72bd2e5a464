import type { MaybePromise } from '../maybe-promise.js'

/** A mail, ready to be sent. */
export interface Mail {
  /** One bare address. It comes from the store, never from a request. */
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html?: string | undefined
}

/**
 * Sends mails: by SMTP (`smtp()` of `fastify-users/smtp`), or by the service of your choice.
 *
 * @example
 * ```ts
 * const mailer: Mailer = {
 *   async send ({ to, subject, text, html }) { await postmark.sendEmail({ From: 'hello@example.com', To: to, Subject: subject, TextBody: text, HtmlBody: html }) }
 * }
 * ```
 */
export interface Mailer {
  /**
   * Hands one mail over. It is called again, later, if it rejects; but not if the error has `permanent: true`, because the
   * address is refused, say.
   *
   * @param signal aborts when the attempt has taken too long: whatever comes of it then is not waited for
   */
  send (mail: Mail, signal: AbortSignal): Promise<void>
  /** Called when the Fastify app has closed and no mail is under way. */
  close? (): MaybePromise<void>
}
