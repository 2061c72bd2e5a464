import type { UserStore } from '../contracts/user-store.js'
import { unavailable } from '../errors.js'
import { isPromise, type MaybePromise } from '../maybe-promise.js'

type Methods = Pick<UserStore, 'insert' | 'findById' | 'findByEmail' | 'list' | 'replace' | 'remove' | 'retire'>

/**
 * A store whose failures are told apart from all others: each becomes a 503. A driver's own error may hold SQL, an address, or a
 * status code that would be taken for an answer to the client.
 */
export function sealedStore (store: UserStore): Methods {
  return {
    insert: (user) => sealed(() => store.insert(user)),
    findById: (id) => sealed(() => store.findById(id)),
    findByEmail: (emailKey) => sealed(() => store.findByEmail(emailKey)),
    list: (query) => sealed(() => store.list(query)),
    replace: (user, version) => sealed(() => store.replace(user, version)),
    remove: (id, version) => sealed(() => store.remove(id, version)),
    retire: (id, version, next) => sealed(() => store.retire(id, version, next))
  }
}

function sealed<T> (call: () => MaybePromise<T>): MaybePromise<T> {
  try {
    const result = call()
    return isPromise(result) ? result.catch((error: unknown) => { throw unavailable(error) }) : result
  } catch (error) {
    throw unavailable(error)
  }
}
