import type { MayAnswer } from './answers.js'
import type { Deadline } from './deadline.js'
import { StoreAnswerError, unavailable } from './errors.js'
import { isPromise, type MaybePromise } from './maybe-promise.js'

/**
 * A store whose failures are told apart from all others: each becomes a 503, and so does a store that does not answer, or answers what it
 * may not. A driver's own error may hold SQL, an address, or a status code that would be taken for an answer to the client.
 *
 * @param answers what each method may answer; the result has these methods
 */
export function sealed<Store extends object, const Method extends keyof Store & string> (store: Store, answers: Readonly<Record<Method, MayAnswer>>, deadline: Deadline): Pick<Store, Method> {
  return Object.fromEntries(Object.keys(answers).map((method) => [method, seal(store, method as Method, answers[method as Method], deadline)])) as Pick<Store, Method>
}

function seal<Store extends object> (store: Store, method: keyof Store & string, mayAnswer: MayAnswer, deadline: Deadline): (...values: unknown[]) => MaybePromise<unknown> {
  return (...values) => {
    const checked = (answer: unknown): unknown => {
      if (!mayAnswer(answer, ...values as never[])) throw new StoreAnswerError(method)
      return answer
    }
    try {
      const answer = (store[method] as (...values: unknown[]) => MaybePromise<unknown>).apply(store, values)
      return isPromise(answer) ? deadline(answer).then(checked).catch((error: unknown) => { throw unavailable(error, values) }) : checked(answer)
    } catch (error) {
      throw unavailable(error, values)
    }
  }
}
