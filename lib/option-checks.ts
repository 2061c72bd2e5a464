import { misspelt } from './misspelt.js'

/** The problems of one option's own options, each under its path. */
export function reported (path: string, problems: readonly string[] = []): string[] {
  return problems.map((problem) => `options.${path}.${problem}`)
}

/** What is wrong with an option that holds members of one kind, each of which may be left out: whether one `is` as it `must` be. */
export function memberProblems (path: string, given: unknown, known: readonly string[], is: (value: unknown) => boolean, must: string): string[] {
  if (!isObject(given)) return [`options.${path} must be an object, which may hold ${known.join(', ')}`]
  const wrong = Object.entries(given).filter(([name, value]) => known.includes(name) && value !== undefined && !is(value))
  return reported(path, [...misspelt(given, known), ...wrong.map(([name]) => `${name} ${must}`)])
}

/** Whether there is something to look into. */
export function isObject (value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** RFC 6265bis §5.5: browsers keep no cookie for longer. Seconds: 400 days. */
export const longestLifetime = 400 * 24 * 3600

/** Whether a value is a whole number, exactly. */
export function isWhole (value: unknown): value is number {
  return Number.isSafeInteger(value)
}

export function isFunction (value: unknown): boolean {
  return typeof value === 'function'
}
