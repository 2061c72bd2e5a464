import type { MayAnswer } from './answers.js'
import type { Deadline } from './deadline.js'
import { StoreAnswerError, unavailable } from './errors.js'
import { isPromise, type MaybePromise } from './maybe-promise.js'

/** Told of a call, with the first of its values: before it is made, and when it is over, or is waited for no longer. */
type Noted = (method: string, first: unknown) => void

/**
 * A store whose failures are told apart from all others: each becomes a 503, and so does a store that does not answer, or answers what it
 * may not. A driver's own error may hold SQL, an address, or a status code that would be taken for an answer to the client.
 *
 * @param answers what each method may answer; the result has these methods
 */
export function sealed<Store extends object, const Method extends keyof Store & string> (store: Store, answers: Readonly<Record<Method, MayAnswer>>, deadline: Deadline, note: Noted = () => {}): Pick<Store, Method> {
  const call = (method: Method): unknown => seal(method, (...values) => (store[method] as (...values: unknown[]) => MaybePromise<unknown>).apply(store, values), answers[method], deadline, note)
  return Object.fromEntries(Object.keys(answers).map((method) => [method, call(method as Method)])) as Pick<Store, Method>
}

function seal (method: string, ask: (...values: unknown[]) => MaybePromise<unknown>, mayAnswer: MayAnswer, deadline: Deadline, note: Noted): typeof ask {
  return (...values) => {
    const done = (): void => { note(method, values[0]) }
    const failed = (error: unknown): never => {
      done()
      throw unavailable(error, values)
    }
    const checked = (answer: unknown): unknown => mayAnswer(answer, ...values as never[]) ? answer : failed(new StoreAnswerError(method))

    done()
    let answer: MaybePromise<unknown>
    try {
      answer = ask(...values)
    } catch (error) {
      return failed(error)
    }
    // A store that answers after its time has still done what it was asked, then or before.
    if (isPromise(answer)) return deadline(Promise.resolve(answer).finally(done)).then(checked, failed)
    done()
    return checked(answer)
  }
}
