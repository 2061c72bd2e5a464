/** Words that stand in tutorials and templates where a secret should stand; what is left of one when all but letters is dropped. */
const placeholders = new Set([
  'secret', 'secretkey', 'mysecret', 'mysecretkey', 'supersecret', 'supersecretkey', 'topsecret', 'jwtsecret', 'authsecret',
  'cookiesecret', 'sessionsecret', 'appsecret', 'yoursecret', 'yoursecretkey', 'yoursecrethere', 'yourbitsecret',
  'changeme', 'changeit', 'changethis', 'pleasechangeme', 'changemeinproduction', 'replaceme', 'password', 'passwd',
  'default', 'example', 'test', 'testing', 'development', 'todo', 'fixme', 'keyboardcat', 'letmein', 'qwerty', 'admin',
  'abcdefghijklmnopqrstuvwxyz', 'abcdefghijklmnopqrstuvwxyzabcdef', 'abcdef', 'shhhhh', 'shhhh'
])

/** What is wrong with a secret, or `null`. The secret itself is never part of the answer. */
export function secretProblem (secret: unknown, bytes: number): string | null {
  const advice = 'make one with: openssl rand -base64 48'
  if (secret === undefined || secret === null || secret === '') return `secret is missing; ${advice}`
  if (typeof secret !== 'string' && !Buffer.isBuffer(secret)) return 'secret must be a string or a Buffer'
  if (Buffer.byteLength(secret) < bytes) return `secret must have at least ${bytes} bytes; ${advice}`
  if (isWeak(secret.toString('latin1'))) return `secret is a well-known or repeated text, which attackers try first; ${advice}`
  return null
}

/** A placeholder, once or repeated, padded with whatever is no letter; or a text of very few characters. */
function isWeak (secret: string): boolean {
  if (new Set(secret).size < 5) return true
  const letters = secret.toLowerCase().replace(/[^a-z]/g, '')
  const repeated = /^(.+?)\1*$/.exec(letters)?.[1] ?? ''
  return placeholders.has(letters) || placeholders.has(repeated)
}
