import { isPromise, type MaybePromise } from '../../maybe-promise.js'
import { isDeadlock } from './client.js'

/** How often a write is begun at most. */
const TRIES = 5

/**
 * Two statements that meet the same rows in another order wait for each other; one of them is then undone by the database, and begins
 * anew. Where statements answer at once, there is one at a time, and none waits for another.
 */
export function insist<T> (write: () => MaybePromise<T>, tries = TRIES): MaybePromise<T> {
  const done = write()
  return !isPromise(done)
    ? done
    : done.catch((error: unknown) => {
      if (tries === 1 || !isDeadlock(error)) throw error
      return insist(write, tries - 1)
    })
}
