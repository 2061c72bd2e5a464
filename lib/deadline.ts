/** How often deadlines are looked at: milliseconds. One that has passed is noticed up to this much later. */
const tickMs = 250

/** Gives a promise a limit. */
export interface Deadline {
  /** The value, or a rejection with the error of {@link createDeadline} if the limit passes first. What comes of the promise then is nobody's business. */
  <T>(promise: Promise<T>): Promise<T>
}

/** A promise that is waited for. */
interface Waiting {
  readonly until: number
  readonly giveUp: () => void
}

/**
 * Limits how long a store is waited for. All promises share one timer, which runs only while there are any: a timer for each
 * would cost each request more than the rest of the guard.
 *
 * @param limitMs milliseconds
 * @param whenPassed makes the error
 */
export function createDeadline (limitMs: number, whenPassed: () => Error): Deadline {
  const waiting = new Set<Waiting>()
  let timer: NodeJS.Timeout | undefined

  function tick (): void {
    const now = performance.now()
    for (const one of waiting) {
      // They were added in the order in which they end.
      if (one.until > now) break
      waiting.delete(one)
      one.giveUp()
    }
    if (waiting.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return <T>(promise: Promise<T>) => new Promise<T>((resolve, reject) => {
    const one = { until: performance.now() + limitMs, giveUp: () => { reject(whenPassed()) } }
    waiting.add(one)
    timer ??= setInterval(tick, tickMs).unref()
    promise.then(
      (value) => {
        waiting.delete(one)
        resolve(value)
      },
      (error: Error) => {
        waiting.delete(one)
        reject(error)
      }
    )
  })
}
