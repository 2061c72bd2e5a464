/** What can be said of an error without quoting it: the messages of SMTP servers, and of an application, hold addresses. */
export function describeError (error: unknown): Record<string, string | number> {
  const { name, code, responseCode } = Object(error) as Record<string, unknown>
  return Object.fromEntries(Object.entries({ name, code, responseCode }).filter(isPlain))
}

function isPlain (entry: [string, unknown]): entry is [string, string | number] {
  return typeof entry[1] === 'number' || (typeof entry[1] === 'string' && /^\w{1,40}$/.test(entry[1]))
}
