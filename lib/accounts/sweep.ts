import type { Background } from '../background.js'
import type { Accounts } from './accounts.js'

/** How often expired sessions are swept out: milliseconds. */
const everyMs = 60_000

/** How many times in a row a store is asked to, at most. */
const rounds = 10

/** A machine whose clock is ahead must not sweep out what has not expired for the others: milliseconds. */
const marginMs = 3_600_000

/**
 * Sweeps expired sessions out of the stores, now and then, until it is told to stop. They are dead whether they are there or not.
 *
 * @returns stops it
 */
export function sweep (accounts: Accounts, background: Background): () => void {
  const timer = setInterval(() => { background.run(() => sweepOnce(accounts)) }, everyMs).unref()
  return () => { clearInterval(timer) }
}

/** What one sweep does, bounded in itself: what is left is for the next one. */
export async function sweepOnce ({ sessions, clock }: Accounts): Promise<void> {
  for (const store of sessions) {
    for (let round = 0; round < rounds; round++) {
      if (await store.purge(clock() - marginMs) === 0) break
    }
  }
}
