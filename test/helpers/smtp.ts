import Fastify, { type FastifyBaseLogger } from 'fastify'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerSession } from 'smtp-server'
import type { Test } from 'tap'

/** A mail as it came in: parsed, and with what the connection said. */
export interface CaughtMail extends Email {
  /** Who sent it and who gets it, whatever the headers say. */
  readonly envelope: { readonly from: string, readonly to: readonly string[] }
  /** The mail as it was sent. */
  readonly raw: string
  /** The value of a header, by any case of its name. */
  header (name: string): string | undefined
}

/**
 * What the server does with a mail: `accept` it; `refuse` its recipient for good (550) or its text (`refuse-text`, 554);
 * `defer` it (451); `stall`, and never answer; `drop` the connection.
 */
export type Behaviour = 'accept' | 'refuse' | 'refuse-text' | 'defer' | 'stall' | 'drop'

/** A real SMTP server that keeps what it is sent. */
export interface SmtpCatcher {
  /** `smtp://127.0.0.1:port`, for `smtp({ url })`. */
  readonly url: string
  readonly port: number
  /** Every mail so far, the oldest first. */
  readonly mails: readonly CaughtMail[]
  /** How many mails were offered so far, accepted or not. */
  readonly offered: number
  /** The next mail that no earlier call has given: waits up to 10 seconds for it. */
  next (): Promise<CaughtMail>
  /** What to do from now on, or with so many mails only. */
  behave (behaviour: Behaviour, mails?: number): void
  /** Ends all connections, and refuses new ones. */
  stop (): Promise<void>
  /** Comes back on the same port. */
  start (): Promise<void>
}

function reply (responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}

async function read (stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** Waits until something is so, but not for more than 10 seconds. */
export async function until (holds: () => boolean, complaint = 'it did not happen'): Promise<void> {
  const end = Date.now() + 10_000
  while (!holds()) {
    if (Date.now() > end) throw new Error(`${complaint} within 10 seconds`)
    await sleep(2)
  }
}

/** A line of the log, as it is written. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: number, readonly msg: string }

/** The logger of a real app, and what it wrote. */
export interface CapturedLog {
  readonly log: FastifyBaseLogger
  readonly lines: readonly LogLine[]
  /** All of it, as text. */
  text (): string
}

/** Keeps what is logged. 30 is info, 40 warn, 50 error. */
export function captureLog (): CapturedLog {
  const written: string[] = []
  const lines: LogLine[] = []
  const stream = {
    write (line: string) {
      written.push(line)
      lines.push(JSON.parse(line) as LogLine)
    }
  }
  return { log: Fastify({ logger: { stream } }).log, lines, text: () => written.join('') }
}

/** Starts a server that catches mails, on a free port of 127.0.0.1; it ends with the test. */
export async function smtpCatcher (t: Test, { up = true, secure = false, login }: { up?: boolean, secure?: boolean, login?: { user: string, pass: string } } = {}): Promise<SmtpCatcher> {
  const mails: CaughtMail[] = []
  let server: SMTPServer | undefined
  let port = 0
  let given = 0
  let offered = 0
  let behaviour: Behaviour = 'accept'
  let remaining = Infinity
  t.after(async () => { await stop() })

  function onRcptTo ({ address }: { address: string }, session: SMTPServerSession, callback: (error?: Error | null) => void): void {
    offered++
    const now = remaining > 0 ? behaviour : 'accept'
    if (now !== 'refuse-text') remaining--
    if (now === 'refuse') return callback(reply(550, `<${address}> is unknown here`))
    if (now === 'defer') return callback(reply(451, `Try <${address}> again later`))
    if (now === 'drop') return hangUp(session.id)
    if (now !== 'stall') callback()
  }

  function onData (stream: AsyncIterable<Buffer>, { envelope }: SMTPServerSession, callback: (error?: Error | null) => void): void {
    read(stream).then(async (raw) => {
      if (behaviour === 'refuse-text' && remaining-- > 0) return callback(reply(554, 'This looks like spam'))
      const mail = await PostalMime.parse(raw)
      const { mailFrom, rcptTo } = envelope
      mails.push({
        ...mail,
        raw,
        envelope: { from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address) },
        header: (name) => mail.headers.find(({ key }) => key === name.toLowerCase())?.value
      })
      callback()
    }).catch(callback)
  }

  function hangUp (id: string): void {
    for (const connection of server?.connections ?? []) if (connection.session.id === id) connection._socket.destroy()
  }

  async function start (): Promise<void> {
    const starting = new SMTPServer({
      secure,
      authOptional: login === undefined,
      allowInsecureAuth: true,
      disabledCommands: login === undefined ? ['STARTTLS', 'AUTH'] : ['STARTTLS'],
      disableReverseLookup: true,
      onAuth: ({ username, password }, _session, callback) => {
        if (username === login?.user && password === login?.pass) callback(null, { user: username })
        else callback(reply(535, 'Not with this password'))
      },
      onRcptTo,
      onData
    })
    await new Promise<void>((resolve, reject) => {
      starting.once('error', reject)
      starting.listen(port, '127.0.0.1', resolve)
    })
    // A client that hangs up is none of the test's concern.
    starting.on('error', () => {})
    server = starting
    port = (starting.server.address() as AddressInfo).port
  }

  async function stop (): Promise<void> {
    const stopping = server
    server = undefined
    if (stopping === undefined) return
    await new Promise<void>((resolve) => {
      stopping.close(resolve)
      for (const { _socket: socket } of stopping.connections) socket.destroy()
    })
  }

  await start()
  if (!up) await stop()
  return {
    url: `${secure ? 'smtps' : 'smtp'}://127.0.0.1:${port}`,
    port,
    mails,
    get offered () { return offered },
    async next () {
      await until(() => mails.length > given, 'no mail came')
      return mails[given++] as CaughtMail
    },
    behave (next, times = Infinity) {
      behaviour = next
      remaining = times
    },
    stop,
    start
  }
}
