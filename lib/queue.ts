/** What runs at once, and what may wait. */
export interface QueueLimits {
  readonly concurrency: number
  /** How many tasks may wait. One more is refused at once. */
  readonly limit: number
}

/** Runs a task when its turn comes, first come first served. */
export type Queue = <T>(task: () => Promise<T>) => Promise<T>

/**
 * A bounded queue: what does not fit is told so at once, rather than kept waiting.
 *
 * @param whenFull makes the error that it is told
 */
export function createQueue ({ concurrency, limit }: QueueLimits, whenFull: () => Error): Queue {
  const waiting: Array<() => void> = []
  let running = 0

  return async function run<T> (task: () => Promise<T>): Promise<T> {
    if (running < concurrency) running++
    else if (waiting.length < limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else throw whenFull()

    try {
      return await task()
    } finally {
      // The place is handed on, so `running` counts it still.
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
