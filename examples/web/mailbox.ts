// In the place of a mail server, while you develop. It shows links to whoever asks: never let it near real users.
import type { FastifyInstance } from 'fastify'
import type { Mail, Mailer } from 'fastify-users'

export interface Mailbox {
  readonly mailer: Mailer
  routes (app: FastifyInstance): Promise<void>
}

interface CaughtMail extends Omit<Mail, 'html'> {
  readonly sentAt: string
}

export function createMailbox (): Mailbox {
  /** The newest first. */
  const mails: CaughtMail[] = []

  return {
    mailer: {
      async send ({ to, subject, text }) {
        mails.unshift({ to, subject, text, sentAt: new Date().toISOString() })
        mails.splice(20)
      }
    },

    async routes (app) {
      app.get('/dev/mails', async (_request, reply) => {
        reply.header('cache-control', 'no-store')
        return mails
      })
    }
  }
}
