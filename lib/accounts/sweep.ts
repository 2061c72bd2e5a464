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

/** What one sweep does, bounded in itself: what is left is for the next one. */
export async function sweepOnce ({ sessions, buckets, clock }: Accounts): Promise<void> {
  for (const store of [...sessions, buckets]) {
    for (let round = 0; round < rounds; round++) {
      if (await store.purge(clock() - purgeMarginMs) === 0) break
    }
  }
}
