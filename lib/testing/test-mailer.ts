import type { Mail, Mailer } from '../contracts/mailer.js'
import { refuseInProduction } from './tests-only.js'

/** A mail that {@link testMailer} was given. */
export interface TestMail extends Mail {
  /** The link with a token in it; `null` if the mail has none. */
  readonly link: string | null
  /** What the page behind the link would read from its address; `null` if there is none. */
  readonly token: string | null
}

/** A mailer that keeps what it is given. */
export interface TestMailer extends Mailer {
  /** All mails so far, the oldest first. */
  readonly mails: readonly TestMail[]
  /**
   * The next mail that `next` has not given yet; it is waited for. A mail leaves a moment after the reply.
   *
   * @param wanted `to`: only one to this address. `timeoutMs`: how long to wait, in milliseconds; default 5,000
   * @throws if there is none in time
   */
  next (wanted?: { readonly to?: string | undefined, readonly timeoutMs?: number | undefined }): Promise<TestMail>
}

/**
 * Takes the mails of an app, for its tests to read.
 *
 * @throws `FST_USERS_BAD_OPTIONS` where `NODE_ENV` is `production`: nobody would get their mails
 * @example
 * ```ts
 * const mailer = testMailer()
 * const app = await buildApp({ users: memory(), passwords: cheapHashes, mails: { mailer } })
 * await app.inject({ method: 'POST', url: '/forgot-password', payload: { email } })
 * const { token } = await mailer.next({ to: email })
 * ```
 */
export function testMailer (): TestMailer {
  refuseInProduction('testMailer()')
  const mails: TestMail[] = []
  const untaken: TestMail[] = []
  const waiting = new Set<{ readonly fits: (mail: TestMail) => boolean, readonly take: (mail: TestMail) => void }>()

  return {
    mails,

    async send (mail) {
      const [link = null, token] = /https?:\/\/[^\s"'<>]*#token=([\w.~%-]*\w)/.exec(`${mail.text}\n${mail.html ?? ''}`) ?? []
      const kept: TestMail = { ...mail, link, token: token === undefined ? null : decodeURIComponent(token) }
      mails.push(kept)
      const waiter = [...waiting].find(({ fits }) => fits(kept))
      if (waiter === undefined) untaken.push(kept)
      else waiter.take(kept)
    },

    async next ({ to, timeoutMs = 5_000 } = {}) {
      const fits = (mail: TestMail): boolean => to === undefined || mail.to === to
      const index = untaken.findIndex(fits)
      if (index !== -1) return untaken.splice(index, 1)[0] as TestMail

      return await new Promise((resolve, reject) => {
        const waiter = { fits, take }
        const timer = setTimeout(() => {
          waiting.delete(waiter)
          reject(new Error(`No mail${to === undefined ? '' : ` to ${to}`} came within ${timeoutMs} ms. Not taken yet: ${untaken.map((mail) => `"${mail.subject}" to ${mail.to}`).join(', ') || 'none'}`))
        }, timeoutMs)
        waiting.add(waiter)

        function take (mail: TestMail): void {
          waiting.delete(waiter)
          clearTimeout(timer)
          resolve(mail)
        }
      })
    }
  }
}
