import { createHash } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { PasswordRuleSettings } from '../contracts/password-rule.js'

type Breaches = NonNullable<PasswordRuleSettings['breaches']>

/** Bytes. A range of Have I Been Pwned has about 40,000 with its padding. */
const longestReply = 1_000_000

/** `SUFFIX:COUNT`: the other 35 digits of a SHA-1, and how often its password was seen. Padding was seen never. */
const line = /^[0-9A-F]{35}:\d{1,15}$/i
const padding = /:0+$/

/**
 * Tells passwords known from breaches, by a range API as that of Have I Been Pwned. When the service cannot tell, the
 * password passes: nobody should be kept from choosing one because somebody else's server is down.
 */
export function createBreachCheck (breaches: Breaches, log: Pick<FastifyBaseLogger, 'warn'>): (password: string) => Promise<boolean> {
  return async (password) => {
    const seen = await within(breaches.timeoutMs, (signal) => askRange(breaches, password, signal))
    if (typeof seen !== 'string') return seen
    log.warn(`fastify-users: a new password could not be compared with breached ones: ${seen}`)
    return false
  }
}

/** Whether the password was seen, or why that is not known. */
async function askRange ({ fetch, url }: Breaches, password: string, signal: AbortSignal): Promise<boolean | string> {
  const hash = createHash('sha1').update(password).digest('hex').toUpperCase()
  // Padding hides from who watches the line which range it was.
  const reply = await fetch(url + hash.slice(0, 5), { headers: { 'Add-Padding': 'true' }, signal })
  if (!reply.ok) return `the service answered with status ${reply.status}`
  const text = await readText(reply)
  return text === null ? 'the reply cannot be read' : findInRange(text, hash.slice(5))
}

/** `null` where it is too long. Then the rest is not even received: whoever answers, or stands between, would decide how much memory that takes. */
async function readText (reply: Awaited<ReturnType<Breaches['fetch']>>): Promise<string | null> {
  const { body } = reply
  if (!isIterable(body)) {
    const text = await reply.text()
    return text.length > longestReply ? null : text
  }
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of body) {
    length += piece.length
    if (length > longestReply) return null
    pieces.push(Buffer.from(piece))
  }
  return Buffer.concat(pieces).toString()
}

function isIterable (body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof (body as Partial<AsyncIterable<Uint8Array>> | null | undefined)?.[Symbol.asyncIterator] === 'function'
}

function findInRange (text: string, suffix: string): boolean | string {
  const lines = text.split(/\r?\n/).filter((entry) => entry !== '')
  if (!lines.every((entry) => line.test(entry))) return 'the reply cannot be read'
  return lines.some((entry) => entry.slice(0, 35).toUpperCase() === suffix && !padding.test(entry))
}

/** An error's text stays here: it may quote the address that was asked for. */
function within (milliseconds: number, ask: (signal: AbortSignal) => Promise<boolean | string>): Promise<boolean | string> {
  return new Promise((resolve) => {
    const controller = new AbortController()
    const timer = setTimeout(() => {
      // Not left to the signal alone, which a fetch of one's own may ignore.
      resolve(`no answer within ${milliseconds} ms`)
      controller.abort()
    }, milliseconds)

    ask(controller.signal).then(resolve, () => resolve('the request failed')).finally(() => {
      clearTimeout(timer)
      // Lets go of a body that was not read.
      controller.abort()
    })
  })
}
