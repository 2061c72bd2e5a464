import type { FastifyBaseLogger } from 'fastify'
import type { Letter } from '../contracts/letter.js'
import type { Mail, Mailer } from '../contracts/mailer.js'
import type { MaybePromise } from '../maybe-promise.js'
import { describeError } from './describe-error.js'
import { withTimeout } from './with-timeout.js'

/** Where it is told what becomes of mails. */
export type MailLog = Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>

/** How mails are sent. */
export interface OutboxSettings {
  readonly mailer: Mailer
  readonly log: MailLog
  /** How many mails are being sent at once. Default 4. */
  readonly concurrency?: number | undefined
  /** How many mails there may be: waiting, being sent, and to be tried again. One more is dropped. Default 1,000. */
  readonly queueLimit?: number | undefined
  /** How long to wait before each further attempt, and so how many there are: milliseconds. Up to a quarter is added by chance. */
  readonly delaysMs?: readonly number[] | undefined
  /** After which time an attempt has failed: milliseconds. Default 30,000. */
  readonly attemptTimeoutMs?: number | undefined
}

/** Mails on their way. They are kept in memory alone: if the process dies, those that were not sent are lost. */
export interface Outbox {
  /**
   * Takes a mail. Never throws, never waits. One of the same kind, to the same user at the same address, that has not left yet is
   * dropped for it: the link in that is no good any more, and whoever asks again and again takes one place.
   *
   * @param write is asked for the mail at each attempt, when its turn has come
   */
  put (kind: Letter['kind'], userId: string, to: string, write: () => MaybePromise<Mail>): void
  /**
   * Sends what is left, each mail at most once more, and closes the mailer. From then on nothing is taken.
   *
   * @param deadlineMs how long to wait for mails: milliseconds. Default 10,000
   */
  drain (deadlineMs?: number): Promise<void>
}

interface Entry {
  readonly kind: Letter['kind']
  readonly userId: string
  readonly to: string
  readonly write: () => MaybePromise<Mail>
  attempts: number
  /** Whether a newer one has come while this one was being sent: if that fails, it is not tried again. */
  isOutdated: boolean
}

/** A queue of mails in front of a mailer. Its timers keep no process alive, but that of `drain`. */
export function createOutbox ({ mailer, log, concurrency = 4, queueLimit = 1000, delaysMs = [1000, 10_000, 60_000, 300_000, 900_000], attemptTimeoutMs = 30_000 }: OutboxSettings): Outbox {
  const ready: Entry[] = []
  const sending = new Map<Entry, AbortController>()
  const waiting = new Map<Entry, NodeJS.Timeout>()
  const unsent: Entry[] = []
  let drained: Promise<void> | undefined
  let late = false
  let onEmpty = (): void => {}

  function put (kind: Letter['kind'], userId: string, to: string, write: () => MaybePromise<Mail>): void {
    const dropped = { kind, userId, attempts: 0 }
    if (drained !== undefined) return log.error(dropped, 'fastify-users: a mail was dropped, because the app is closing')
    dropOlder(kind, userId, to)
    if (ready.length + sending.size + waiting.size >= queueLimit) return log.error(dropped, 'fastify-users: a mail was dropped, because too many are under way')
    ready.push({ kind, userId, to, write, attempts: 0, isOutdated: false })
    // Not now: what the caller answers must not depend on how long it takes to write a mail.
    setImmediate(sendNext)
  }

  function dropOlder (kind: Letter['kind'], userId: string, to: string): void {
    const isOlder = (entry: Entry): boolean => entry.userId === userId && entry.kind === kind && entry.to === to
    const at = ready.findIndex(isOlder)
    if (at !== -1) ready.splice(at, 1)
    for (const [entry, timer] of waiting) {
      if (!isOlder(entry)) continue
      clearTimeout(timer)
      waiting.delete(entry)
    }
    for (const entry of sending.keys()) entry.isOutdated ||= isOlder(entry)
  }

  function sendNext (): void {
    while (sending.size < concurrency) {
      const entry = ready.shift()
      if (entry === undefined) break
      send(entry)
    }
    if (ready.length + sending.size === 0) onEmpty()
  }

  async function send (entry: Entry): Promise<void> {
    const controller = new AbortController()
    sending.set(entry, controller)
    entry.attempts++
    try {
      await withTimeout(controller, attemptTimeoutMs, async (signal) => { await mailer.send(await entry.write(), signal) })
    } catch (error) {
      // What failed because time is up is told by `close`.
      if (!late) failed(entry, error)
    }
    sending.delete(entry)
    sendNext()
  }

  function failed (entry: Entry, error: unknown): void {
    const { kind, userId, attempts } = entry
    const failure = { kind, userId, attempts, error: describeError(error) }
    const delay = delaysMs[attempts - 1]
    if (delay === undefined || isPermanent(error)) return log.error(failure, 'fastify-users: a mail could not be sent, and is given up')
    log.warn(failure, 'fastify-users: a mail could not be sent')
    if (entry.isOutdated) return
    if (drained === undefined) waiting.set(entry, setTimeout(sendAgain, delay * (1 + Math.random() / 4), entry).unref())
    else unsent.push(entry)
  }

  function sendAgain (entry: Entry): void {
    clearTimeout(waiting.get(entry))
    waiting.delete(entry)
    ready.push(entry)
    sendNext()
  }

  async function close (deadlineMs: number): Promise<void> {
    const empty = new Promise<void>((resolve) => { onEmpty = resolve })
    const deadline = setTimeout(onEmpty, deadlineMs)
    for (const entry of waiting.keys()) sendAgain(entry)
    sendNext()
    await empty
    clearTimeout(deadline)

    late = true
    unsent.push(...ready.splice(0), ...sending.keys())
    for (const controller of sending.values()) controller.abort()
    if (unsent.length > 0) log.error({ unsent: unsent.map(({ kind, userId }) => ({ kind, userId })) }, `fastify-users: the app closes, and ${unsent.length} mails were not sent`)
    try {
      await mailer.close?.()
    } catch (error) {
      log.error({ error: describeError(error) }, 'fastify-users: the mailer could not be closed')
    }
  }

  return { put, drain: (deadlineMs = 10_000) => (drained ??= close(deadlineMs)) }
}

function isPermanent (error: unknown): boolean {
  return (error as { permanent?: unknown } | null | undefined)?.permanent === true
}
