/**
 * The object that a column holds as JSON. What was taken for empty would be written back as empty: a damaged row must be
 * mended, not emptied.
 *
 * @param what begins the message of the error
 * @throws TypeError if it holds something else
 */
export function toObject (json: unknown, what: string): Record<string, never> {
  const value = parsed(String(json))
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, never>
  throw new TypeError(`${what} are no JSON object.`)
}

/** `undefined` if it is no JSON. The error of the parser is dropped, as it quotes the text. */
function parsed (json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
