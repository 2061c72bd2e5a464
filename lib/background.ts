import type { FastifyBaseLogger } from 'fastify'
import { createDeadline } from './deadline.js'
import type { MaybePromise } from './maybe-promise.js'
import { createQueue } from './queue.js'

/** Work that nobody waits for. */
export interface Background {
  /** Does the work soon. It never throws: work that fails is logged. */
  run (work: () => MaybePromise<unknown>): void
  /** Resolves when all work is done, what was begun meanwhile included; or when it has taken too long, which is logged. */
  drain (): Promise<void>
}

/** How much of it there may be, and how long it may take. */
export interface BackgroundLimits {
  /** How much is done at once. Default 4: a flood of it leaves the database to the requests that wait for it. */
  readonly concurrency?: number
  /** How much may wait. More is not done, and that is logged. Default 1,000. */
  readonly limit?: number
  /** After which time work is given up, so that work that hangs keeps no other waiting: milliseconds. Default 30,000. */
  readonly workMs?: number
  /** How long `drain` waits: milliseconds. Default 10,000. */
  readonly drainMs?: number
}

/** What a request has asked for, and its reply must not tell about, is done when the reply has left. */
export function createBackground (log: Pick<FastifyBaseLogger, 'error'>, { concurrency = 4, limit = 1000, workMs = 30_000, drainMs = 10_000 }: BackgroundLimits = {}): Background {
  const enqueue = createQueue({ concurrency, limit }, () => new Error('Too much work is waiting.'))
  const deadline = createDeadline(workMs, () => new Error('The work took too long.'))
  const pending = new Set<Promise<void>>()

  return {
    run (work) {
      const done: Promise<void> = enqueue(() => deadline(Promise.resolve().then(work)))
        .then(() => {}, (error: unknown) => { log.error({ err: error }, 'fastify-users: work behind a reply has failed') })
        .finally(() => { pending.delete(done) })
      pending.add(done)
    },

    async drain () {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<'late'>((resolve) => { timer = setTimeout(resolve, drainMs, 'late') })
      while (pending.size > 0) {
        if (await Promise.race([Promise.all(pending), late]) === 'late') break
      }
      clearTimeout(timer)
      if (pending.size > 0) log.error({ count: pending.size }, 'fastify-users: the app closes, and work behind replies was not done')
    }
  }
}
