/**
 * What can be said of an error without quoting it: the messages of SMTP servers, and of an application, hold addresses. `originalCode`,
 * `syscall` and `command` are nodemailer's: what is behind its own code, and which step of the conversation failed.
 */
export function describeError (error: unknown): Record<string, string | number> {
  const { name, code, responseCode, originalCode, syscall, command } = Object(error) as Record<string, unknown>
  return Object.fromEntries(Object.entries({ name, code, responseCode, originalCode, syscall, command }).filter(isPlain))
}

/** A number, a name, or a command of SMTP, such as `RCPT TO`. */
function isPlain (entry: [string, unknown]): entry is [string, string | number] {
  return typeof entry[1] === 'number' || (typeof entry[1] === 'string' && /^(?:\w{1,40}|[A-Z]{1,10} [A-Z\d-]{1,20})$/.test(entry[1]))
}
