/** What runs at once, and what may wait. */
export interface QueueLimits {
  readonly concurrency: number
  /** How many tasks may wait. One more is refused at once. */
  readonly limit: number
  /** How long a task may wait: milliseconds. Then it is refused, and never runs. Default: as long as it takes. */
  readonly waitMs?: number
  /** How many tasks of one owner may run or wait. One more is refused at once, so that the others find room. Default: any number. */
  readonly share?: number
}

/** What a task is queued with. */
export interface Turn {
  /** Ends the wait, with its reason. A task that runs goes on. */
  readonly signal?: AbortSignal | undefined
  /** Whose task it is; of nobody's there may be any number. */
  readonly owner?: string | undefined
}

/** Runs a task when its turn comes, first come first served. */
export type Queue = <T>(task: () => Promise<T>, turn?: Turn) => Promise<T>

/** A task that waits, between two others. It may leave from the midst as cheaply as from the front. */
interface Place {
  before: Place
  after: Place
  readonly since: number
  /** Leaves the line: to run, or with an error. */
  readonly leave: (error?: unknown) => void
}

/**
 * A bounded queue: what does not fit is told so at once, rather than kept waiting. Each step takes the same time, however many wait.
 *
 * @param refusal makes the error for a task that may not wait, or no longer. It is told how long the first in line has waited:
 * milliseconds, and about what a newcomer would have to wait.
 */
export function createQueue ({ concurrency, limit, waitMs = Infinity, share = Infinity }: QueueLimits, refusal: (waitedMs: number) => Error): Queue {
  const line = createRing()
  /** Of those alone who have something here: as many as there are tasks at most. */
  const tasksOf = new Map<string, number>()
  let waiting = 0
  let running = 0
  let timer: NodeJS.Timeout | undefined

  return async function run<T> (task: () => Promise<T>, { signal, owner }: Turn = {}): Promise<T> {
    signal?.throwIfAborted()
    if ((running >= concurrency && waiting >= limit) || countOf(owner) >= share) throw refusal(waiting === 0 ? 0 : performance.now() - line.after.since)

    count(owner, 1)
    try {
      if (running < concurrency) running++
      else await turn(signal)
      return await inTurn(task)
    } finally {
      count(owner, -1)
    }
  }

  async function inTurn<T> (task: () => Promise<T>): Promise<T> {
    try {
      return await task()
    } finally {
      refuseLate()
      // The turn is handed on, so `running` counts it still.
      if (waiting === 0) running--
      else line.after.leave()
    }
  }

  function countOf (owner: string | undefined): number {
    return owner === undefined ? 0 : tasksOf.get(owner) ?? 0
  }

  function count (owner: string | undefined, change: number): void {
    if (owner === undefined) return
    const tasks = countOf(owner) + change
    if (tasks === 0) tasksOf.delete(owner)
    else tasksOf.set(owner, tasks)
  }

  function turn (signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => { place.leave(signal?.reason) }
      const place: Place = {
        before: line.before,
        after: line,
        since: performance.now(),
        leave (error) {
          place.before.after = place.after
          place.after.before = place.before
          waiting--
          signal?.removeEventListener('abort', onAbort)
          if (error === undefined) resolve()
          else reject(error)
        }
      }
      line.before.after = place
      line.before = place
      waiting++
      signal?.addEventListener('abort', onAbort)
      watch()
    })
  }

  /** Those who have waited longest are in front. */
  function refuseLate (): void {
    const now = performance.now()
    for (let first = line.after; first !== line && now - first.since >= waitMs; first = first.after) first.leave(refusal(now - first.since))
  }

  /** One timer for all who wait, set to when the first in line has waited too long. */
  function watch (): void {
    if (waitMs === Infinity) return
    timer ??= setTimeout(() => {
      timer = undefined
      refuseLate()
      if (waiting > 0) watch()
    }, line.after.since + waitMs - performance.now()).unref()
  }
}

/** A line that nobody stands in: before its first place and after its last is itself. */
function createRing (): Place {
  const ring = {} as unknown as Place
  return Object.assign(ring, { before: ring, after: ring })
}
