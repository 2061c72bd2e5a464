import type { Deadline } from './deadline.js'
import { unavailable } from './errors.js'
import { isPromise, type MaybePromise } from './maybe-promise.js'

/**
 * A store whose failures are told apart from all others: each becomes a 503, and so does a store that does not answer. A driver's
 * own error may hold SQL, an address, or a status code that would be taken for an answer to the client.
 *
 * @param settled told of each call that the store has answered, or failed to, with the first of its values
 */
export function sealed<Store extends object, const Method extends keyof Store> (store: Store, methods: readonly Method[], deadline: Deadline, settled: (method: Method, first: unknown) => void = () => {}): Pick<Store, Method> {
  const call = (method: Method) => (...values: unknown[]) => seal(
    () => (store[method] as (...values: unknown[]) => MaybePromise<unknown>).apply(store, values),
    () => { settled(method, values[0]) },
    deadline
  )
  return Object.fromEntries(methods.map((method) => [method, call(method)])) as Pick<Store, Method>
}

function seal<T> (run: () => MaybePromise<T>, settled: () => void, deadline: Deadline): MaybePromise<T> {
  try {
    const result = run()
    // A store that answers after its time has still done what it was asked.
    if (isPromise(result)) return deadline(Promise.resolve(result).finally(settled)).catch((error: unknown) => { throw unavailable(error) })
    settled()
    return result
  } catch (error) {
    settled()
    throw unavailable(error)
  }
}
