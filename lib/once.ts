/**
 * Makes something when it is first asked for, and then hands out the same: a package that is loaded when it is first needed,
 * say, so that an app does not start later for it.
 */
export function once<T> (make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}
