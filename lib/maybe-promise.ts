/**
 * A value, or a promise of it. Ports return this so that an embedded store answers at once: a guarded request then costs
 * no promise at all.
 */
export type MaybePromise<T> = T | Promise<T>

/** Goes on with `next` at once where the value is at hand, else when the promise holds it. */
export function andThen<T, R> (value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return isPromise(value) ? value.then(next) : next(value)
}

/**
 * Tells a promise, of whatever library, from a value. Where each request comes by, values are told by what they are before this is asked:
 * it meets all kinds of them, and what has no `then` is dear to look through.
 */
export function isPromise<T> (value: MaybePromise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
