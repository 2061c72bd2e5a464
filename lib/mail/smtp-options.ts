import { misspelt } from '../misspelt.js'

/** A sender, or who gets the answers. */
export interface Mailbox {
  /** Such as the name of the application. */
  readonly name?: string | undefined
  readonly address: string
}

/** The server, and how to talk to it: options of nodemailer's pooled SMTP transport, all of which are passed on. */
export interface SmtpTransport {
  readonly host?: string | undefined
  /** Default 465 if `secure`, else 587. */
  readonly port?: number | undefined
  /** TLS from the first byte on. Default: `false`, and STARTTLS if the server offers it. */
  readonly secure?: boolean | undefined
  /** Refuse to go on without TLS. Default: where there is `auth` and the host is not this machine. */
  readonly requireTLS?: boolean | undefined
  readonly auth?: { readonly user?: string | undefined, readonly pass?: string | undefined, readonly [option: string]: unknown } | undefined
  /** Options of `tls.connect`. */
  readonly tls?: object | undefined
  /** How many connections there are at most. Default 5. */
  readonly maxConnections?: number | undefined
  readonly [option: string]: unknown
}

/** Options of {@link smtp}: `from`, and either `url` or `transport`. */
export interface SmtpOptions {
  /** `smtps://user:password@host:port`, or `smtp:` for a connection that becomes encrypted by STARTTLS; percent-encoded. */
  readonly url?: string | undefined
  /** The same in parts, and whatever else nodemailer can do. */
  readonly transport?: SmtpTransport | undefined
  /** Who sends: `hello@example.com`, `Example <hello@example.com>`, or the two apart. */
  readonly from: string | Mailbox
  /** Who gets the answers. Default: who sends. */
  readonly replyTo?: string | Mailbox | undefined
}

/** What nodemailer is told, and what is wrong with it. */
export interface ReadSmtpOptions {
  readonly transport: SmtpTransport
  readonly from: Required<Mailbox>
  readonly replyTo: Required<Mailbox> | undefined
  readonly problems: readonly string[]
}

/** What is often put beside `from`, as it says where to send to. */
const ofServer = ['host', 'port', 'secure', 'requireTLS', 'auth', 'service', 'tls', 'pool']

const nobody = { name: '', address: '' }

/** Reads the options. A problem never quotes the URL: it holds a password. */
export function readSmtpOptions (options: SmtpOptions): ReadSmtpOptions {
  const { url, transport, from, replyTo, ...unknown } = Object(options) as Partial<SmtpOptions>
  const misplaced = Object.keys(unknown).filter((name) => ofServer.includes(name))
  const others = Object.fromEntries(Object.entries(unknown).filter(([name]) => !ofServer.includes(name)))
  const problems = [...misspelt(others, ['url', 'transport', 'from', 'replyTo']), ...misplaced.map((name) => `${name} belongs into transport: { ${name} }`)].map((problem) => `smtp: ${problem}`)
  const expect = (holds: boolean, problem: string): void => { if (!holds) problems.push(`smtp: ${problem}`) }

  const sender = readMailbox(from)
  const answers = replyTo === undefined ? undefined : readMailbox(replyTo)
  expect(sender !== undefined, 'from must be an address, such as Example <hello@example.com>')
  expect(replyTo === undefined || answers !== undefined, 'replyTo must be an address, such as Example <hello@example.com>')
  expect(url === undefined || transport === undefined, 'either url or transport must be given, and not both')
  const isMissing = url === undefined && transport === undefined && misplaced.length === 0
  expect(!isMissing, "url is missing, such as 'smtp://user:password@mail.example.com:587'. If it stands in .env, start with node --env-file=.env, which reads that file")
  const server = url === undefined ? transport : readUrl(url)
  expect(url === undefined || server !== undefined, 'url must be smtp: or smtps:, user and password if needed, percent-encoded, a host and a port; whatever else goes into transport')
  expect(transport === undefined || isServer(Object(transport) as SmtpTransport), 'transport must be an object with a host, or a service that nodemailer knows')

  return { transport: withTls(Object(server) as SmtpTransport), from: sender ?? nobody, replyTo: answers, problems }
}

/** Whether a text is one address, and not the beginning of anything else. */
export function isMailbox (address: unknown): address is string {
  return typeof address === 'string' && address.length <= 320 && /^[^\s\p{C}@"(),:;<>[\]\\]+@[^\s\p{C}@"(),:;<>[\]\\]+$/u.test(address)
}

function readMailbox (given: unknown): Required<Mailbox> | undefined {
  const { name = '', address } = typeof given === 'string' ? takeApart(given) : Object(given) as Partial<Mailbox>
  return isMailbox(address) && typeof name === 'string' && !/\p{Cc}/u.test(name) ? { name, address } : undefined
}

function takeApart (text: string): Mailbox {
  const [, name = '', address = text] = /^\s*"?([^"<>]*?)"?\s*<([^<>]*)>\s*$/.exec(text) ?? []
  return { name, address }
}

function readUrl (text: unknown): SmtpTransport | undefined {
  const url = URL.canParse(`${text}`) ? new URL(`${text}`) : undefined
  if (url === undefined || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '' || !['', '/'].includes(url.pathname) || url.search + url.hash !== '') return undefined
  const { protocol, hostname, port, username, password } = url
  try {
    return {
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      secure: protocol === 'smtps:',
      ...(port === '' ? {} : { port: Number(port) }),
      ...(username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } })
    }
  } catch {
    return undefined
  }
}

function isServer ({ host, service, url }: SmtpTransport): boolean {
  return url === undefined && [host, service].some((name) => typeof name === 'string' && name !== '')
}

/** Where somebody in between could make the server seem to offer no encryption, they would be sent the password. */
function withTls (transport: SmtpTransport): SmtpTransport {
  const { auth, host, secure } = transport
  const isLocal = ['localhost', '127.0.0.1', '::1'].includes(`${host}`)
  return { requireTLS: auth !== undefined && secure !== true && !isLocal, ...transport }
}
