/** How many causes of causes are told. */
const deepest = 5

/** Shorter ones are in every text. */
const shortestText = 4

/** What escapes, in whatever language, would part a text at. */
const escaped = /['"`\\\s\p{C}]+/u

/**
 * What may be told of an error of somebody else's, a driver's say: its name, code, text and stack, and the same of its causes. What drivers
 * hang on it beside that stays behind: the statement, its values, the row. And so do the values of the call, wherever the text quotes them:
 * a database says who has a duplicate address, and some libraries write out the whole statement.
 *
 * @param told what the call was given
 */
export function retell (error: unknown, told: unknown = null, depth = deepest): Error {
  const { name, message, code, stack, cause } = Object(error) as Partial<Error> & { readonly code?: unknown }
  const hush = silencer(told)
  const text = [message, code, 'something that is no error was thrown'].find((one): one is string => typeof one === 'string' && one !== '') as string
  const retold = new Error(hush(text), cause === undefined || depth === 0 ? {} : { cause: retell(cause, told, depth - 1) })
  const rest = { name, code, stack: typeof stack === 'string' ? hush(stack) : undefined }
  for (const [key, value] of Object.entries(rest)) {
    if (typeof value === 'string' || typeof value === 'number') Object.defineProperty(retold, key, { value, configurable: true, writable: true, enumerable: key === 'code' })
  }
  return retold
}

/** Blots out all texts that are somewhere in a value. */
function silencer (told: unknown): (text: string) => string {
  const texts = new Set<string>()
  const seen = new Set<unknown>()

  function gather (value: unknown): void {
    if (typeof value === 'string') for (const part of value.split(escaped)) texts.add(part)
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    Object.values(value).forEach(gather)
  }

  gather(told)
  const longestFirst = [...texts].filter(({ length }) => length >= shortestText).sort((one, other) => other.length - one.length)
  return (text) => longestFirst.reduce((left, part) => left.replaceAll(part, '…'), text)
}
