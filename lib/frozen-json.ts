/** A copy of a value that has been through JSON, as it would have been in a database, and can be changed by nobody. */
export function frozenJson<T> (value: T): T {
  return deepFreeze(JSON.parse(JSON.stringify(value)))
}

function deepFreeze<T> (value: T): T {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}
