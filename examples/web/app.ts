// A site with accounts: pages without a framework, in front of the plugin's own JSON routes and a cookie.
import { join } from 'node:path'
import helmet from '@fastify/helmet'
import assets from '@fastify/static'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { cookie, opaque, type ObjectSchema, type UserStore } from 'fastify-users'
import { smtp } from 'fastify-users/smtp'
import { sqlite } from 'fastify-users/sql'
import { createMailbox } from './mailbox.js'
import { addPages } from './pages.js'

/**
 * Is there from the start, in development and in memory alone: a file may be taken along into production, and everybody knows this password.
 * `npx fastify-users create-user --superuser` makes one with a password that is none of ours.
 */
export const superuser = { email: 'admin@example.com', password: 'correct horse battery staple', name: 'Ada Admin' }

const fields: ObjectSchema = {
  type: 'object',
  properties: { name: { type: 'string', maxLength: 60, pattern: '\\S' } },
  required: ['name']
}

declare module 'fastify-users' {
  interface Register {
    fields: { name: string }
  }
}

export interface AppOptions {
  /** Default: the SQLite file that DATABASE names, or else one in memory. */
  readonly users?: UserStore
  readonly clock?: () => number
}

export async function createApp ({ users, clock = Date.now }: AppOptions = {}): Promise<FastifyInstance> {
  const { env } = process
  const production = env.NODE_ENV === 'production'
  // This file runs where it was compiled to; pages and styles are used as they were written.
  const source = join(import.meta.dirname, '../../../examples/web')
  const mailbox = createMailbox()

  // Which proxy to believe when it says who the client is.
  const app = Fastify({ logger: { level: 'warn' }, trustProxy: env.TRUST_PROXY ?? false })

  // All that a page may load or call is this site's own, and none of it stands in the page itself. No text becomes HTML, either.
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        requireTrustedTypesFor: ["'script'"],
        trustedTypes: ["'none'"]
      }
    }
  })
  await app.register(assets, { root: [join(source, 'public'), join(import.meta.dirname, 'browser')], prefix: '/assets/' })

  await app.register(fastifyUsers, {
    prefix: '/api',
    users: users ?? await sqlite(env.DATABASE ?? ':memory:'),
    fields,
    // A session ends 12 hours after the login, or with the browser; who wants to be remembered has 30 days.
    strategy: opaque({ lifetimeSeconds: 12 * 3600 }),
    backends: [cookie({
      rememberSeconds: 30 * 24 * 3600,
      // Both want HTTPS.
      cookieName: production ? '__Host-session' : 'session',
      cookieSecure: production
    })],
    routes: { register: true, verify: true, reset: true, me: true, sessions: true, users: true },
    confirmEmailChange: true,
    mails: {
      appName: 'Quay',
      mailer: production ? await smtp({ url: env.SMTP_URL, from: env.MAIL_FROM ?? '' }) : mailbox.mailer,
      baseUrl: env.BASE_URL
    },
    clock
  })

  await app.register(addPages, { folder: join(source, 'pages'), development: !production })
  if (!production) await app.register(mailbox.routes)
  await app.ready()
  if (!production && users === undefined && env.DATABASE === undefined) await app.users.create({ ...superuser, isVerified: true, isSuperuser: true })
  return app
}
