import type { Background } from '../background.js'
import { purgeIntervalMs, purgeMarginMs } from '../stores/purge.js'
import type { Accounts } from './accounts.js'

/** How many times in a row a store is asked to, at most. */
const rounds = 10

/**
 * Sweeps expired sessions, and limits that nobody is near, out of the stores, now and then, until it is told to stop. They count for
 * nothing whether they are there or not.
 *
 * @returns stops it
 */
export function sweep (accounts: Accounts, background: Background): () => void {
  const timer = setInterval(() => { background.run(() => sweepOnce(accounts)) }, purgeIntervalMs).unref()
  return () => { clearInterval(timer) }
}

/** What one sweep does, bounded in itself: what is left is for the next one. That one store fails is no reason to leave the others. */
export async function sweepOnce ({ sessions, buckets, clock, log }: Pick<Accounts, 'sessions' | 'buckets' | 'clock' | 'log'>): Promise<void> {
  for (const store of [...sessions, buckets]) {
    try {
      for (let round = 0; round < rounds; round++) {
        if (await store.purge(clock() - purgeMarginMs) === 0) break
      }
    } catch (error) {
      log.error({ err: error }, 'fastify-users: a store could not be swept, which the next sweep tries again')
    }
  }
}
