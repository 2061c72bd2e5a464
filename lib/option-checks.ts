/** The problems of one option's own options, each under its path. */
export function reported (path: string, problems: readonly string[] = []): string[] {
  return problems.map((problem) => `options.${path}.${problem}`)
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
