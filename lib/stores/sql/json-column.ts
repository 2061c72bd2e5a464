/**
 * The object that a column holds as JSON. What was taken for empty would be written back as empty: a damaged row must be
 * mended, not emptied.
 *
 * @param what the column, in words, and the row's id: for the error
 * @throws TypeError if it holds something else
 */
export function toObject (json: unknown, what: string, id: unknown): Record<string, never> {
  const value = parsed(String(json))
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, never>
  throw new TypeError(`The ${what} ${String(id)} are no JSON object.`)
}

/** `undefined` if it is no JSON. The error of the parser is dropped, as it quotes the text. */
function parsed (json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
