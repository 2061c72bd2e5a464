import { crc32 } from 'node:zlib'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { AuditEvent, AuditEventType, FastifyUsersOptions, Letter, Mail, MailOptions, RouteGroups } from '../../lib/index.js'
import { sameOrigin } from './app.js'

/** All groups of routes. */
export const everyRoute: RouteGroups = { register: true, verify: true, reset: true, me: true, deleteMe: true, users: true }

/** Fields that an application might add: one for the user to set, one for superusers alone. */
export const fields = {
  type: 'object',
  properties: { nickname: { type: 'string', maxLength: 20 }, plan: { type: 'string', enum: ['free', 'paid'], readOnly: true, default: 'free' } }
} as const

/** Passwords that the rules allow, each another one. */
export function aPassword (name: string | number): string {
  return `the ${name} long password`
}

/** What comes in at some time: kept until it is taken. */
export interface Arrivals<T> {
  readonly untaken: readonly T[]
  put (item: T): void
  /** The oldest one that fits and was not taken yet: waits for it up to 10 seconds. */
  take (fits: (item: T) => boolean, what: string): Promise<T>
}

export function arrivals<T> (): Arrivals<T> {
  const untaken: T[] = []
  const waiting: Array<{ fits: (item: T) => boolean, resolve: (item: T) => void }> = []

  return {
    untaken,
    put (item) {
      const index = waiting.findIndex(({ fits }) => fits(item))
      if (index === -1) untaken.push(item)
      else waiting.splice(index, 1)[0]?.resolve(item)
    },
    take (fits, what) {
      const index = untaken.findIndex(fits)
      if (index !== -1) return Promise.resolve(untaken.splice(index, 1)[0] as T)
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => { reject(new Error(`there was no ${what} within 10 seconds`)) }, 10_000)
        waiting.push({ fits, resolve: (item) => { clearTimeout(timer); resolve(item) } })
      })
    }
  }
}

/** Where the links of {@link postOffice} lead to. */
export const baseUrl = 'https://app.example/base'

/** Takes the mails of an app, and what it tells its audit. */
export interface PostOffice {
  /** For the plugin: `subject` is a mail's kind, `text` its link, or its kind again. */
  readonly options: Pick<FastifyUsersOptions, 'audit'> & { readonly mails: MailOptions }
  readonly mails: Arrivals<Mail>
  readonly events: Arrivals<AuditEvent>
  /** The next mail of this kind to this address. */
  mail (kind: Letter['kind'], to: string): Promise<Mail>
  /** The token of that mail. */
  token (kind: Letter['kind'], to: string): Promise<string>
  /** The next event of this type: what is to follow an answer has been done by then. */
  event (type: AuditEventType): Promise<AuditEvent>
}

export function postOffice (): PostOffice {
  const mails = arrivals<Mail>()
  const events = arrivals<AuditEvent>()
  const mail: PostOffice['mail'] = (kind, to) => mails.take((mail) => mail.subject === kind && mail.to === to, `mail of the kind ${kind}`)

  return {
    options: {
      audit: (event) => { events.put(event) },
      mails: {
        baseUrl,
        mailer: { async send (mail) { mails.put(mail) } },
        compose: (letter) => ({ subject: letter.kind, text: 'link' in letter ? letter.link : letter.kind })
      }
    },
    mails,
    events,
    mail,
    token: async (kind, to) => tokenOf(await mail(kind, to)),
    event: (type) => events.take((event) => event.type === type, `event of the type ${type}`)
  }
}

/** What the link of a mail carries to the page that it leads to. */
export function tokenOf ({ text }: Pick<Mail, 'text'>): string {
  const [, token] = /#token=(\S+)/.exec(text) ?? []
  if (token === undefined) throw new Error('the mail has no link')
  return decodeURIComponent(token)
}

/** A token of ours, but for its checksum, made whole: that anybody can do. */
export function withChecksum (body: string): string {
  return `${body}.${crc32(body).toString(36).padStart(7, '0')}`
}

/** Sends a request as a page of the app itself would. */
export async function send (app: FastifyInstance, credential: InjectOptions, method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE', url: string, payload?: unknown): Promise<LightMyRequestResponse> {
  const body = payload === undefined ? {} : { payload: typeof payload === 'string' ? payload : JSON.stringify(payload) }
  const type = payload === undefined ? {} : { 'content-type': 'application/json' }
  return await app.inject({ ...credential, ...body, method, url, headers: { ...sameOrigin, ...type, ...credential.headers } })
}

/** Sends a request, and gives what of the answer is mostly asked: status and code. */
export async function outcome (...request: Parameters<typeof send>): Promise<string> {
  return briefly(await send(...request))
}

/** `400 LOGIN_BAD_CREDENTIALS`, or the status alone. */
export function briefly (reply: LightMyRequestResponse): string {
  const { code } = reply.body === '' ? {} as { code?: string } : reply.json<{ code?: string }>()
  return `${reply.statusCode} ${code ?? ''}`.trim()
}

/** Nobody. */
export const stranger: InjectOptions = {}

/** What an answer gave to send from now on. */
export function credentialOf (reply: LightMyRequestResponse): InjectOptions {
  const [set] = reply.cookies
  if (set !== undefined) return { cookies: { [set.name]: set.value } }
  return { headers: { authorization: `Bearer ${reply.json<{ access_token: string }>().access_token}` } }
}
