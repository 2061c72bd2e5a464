import type { Deadline } from './deadline.js'
import { unavailable } from './errors.js'
import { isPromise, type MaybePromise } from './maybe-promise.js'

/**
 * A store whose failures are told apart from all others: each becomes a 503, and so does a store that does not answer. A driver's
 * own error may hold SQL, an address, or a status code that would be taken for an answer to the client.
 */
export function sealed<Store extends object, const Method extends keyof Store> (store: Store, methods: readonly Method[], deadline: Deadline): Pick<Store, Method> {
  const call = (method: Method) => (...values: unknown[]) => seal(() => (store[method] as (...values: unknown[]) => MaybePromise<unknown>).apply(store, values), deadline)
  return Object.fromEntries(methods.map((method) => [method, call(method)])) as Pick<Store, Method>
}

function seal<T> (run: () => MaybePromise<T>, deadline: Deadline): MaybePromise<T> {
  try {
    const result = run()
    return isPromise(result) ? deadline(result).catch((error: unknown) => { throw unavailable(error) }) : result
  } catch (error) {
    throw unavailable(error)
  }
}
