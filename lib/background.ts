import type { FastifyBaseLogger } from 'fastify'
import type { MaybePromise } from './maybe-promise.js'
import { createQueue } from './queue.js'

/** Work that nobody waits for. */
export interface Background {
  /** Does the work soon. It never throws: work that fails is logged. */
  run (work: () => MaybePromise<unknown>): void
  /** Resolves when all work is done, what was begun meanwhile included. */
  drain (): Promise<void>
}

/** Little at a time, so that a flood of it leaves the database to the requests that wait for it. */
const limits = { concurrency: 4, limit: 10_000 }

/** What a request has asked for, and its reply must not tell about, is done when the reply has left. */
export function createBackground (log: Pick<FastifyBaseLogger, 'error'>): Background {
  const enqueue = createQueue(limits, () => new Error('Too much work is waiting.'))
  const pending = new Set<Promise<void>>()

  return {
    run (work) {
      const done: Promise<void> = enqueue(async () => { await work() })
        .catch((error: unknown) => { log.error({ err: error }, 'fastify-users: work behind a reply has failed') })
        .finally(() => { pending.delete(done) })
      pending.add(done)
    },

    async drain () {
      while (pending.size > 0) await Promise.all(pending)
    }
  }
}
