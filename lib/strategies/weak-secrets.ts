/** Words that stand in tutorials and templates where a secret should stand. */
const placeholders = [
  'secret', 'secretkey', 'mysecret', 'mysecretkey', 'supersecret', 'supersecretkey', 'topsecret', 'jwtsecret', 'authsecret',
  'cookiesecret', 'sessionsecret', 'appsecret', 'yoursecret', 'yoursecretkey', 'yoursecrethere', 'yourbitsecret',
  'changeme', 'changeit', 'changethis', 'pleasechangeme', 'changemeinproduction', 'replaceme', 'password', 'passwd',
  'default', 'example', 'test', 'testing', 'development', 'todo', 'fixme', 'keyboardcat', 'letmein', 'qwerty', 'admin',
  'abcdefghijklmnopqrstuvwxyz', 'abcdef', 'qwertyuiopasdfghjklzxcvbnm', 'undefined', 'null'
]

/** Sentences that documentation of various libraries prints as a secret that is long enough. */
const published = [
  'a string secret at least 256 bits long', 'averylogphrasebiggerthanthirtytwochars', 'a secret with minimum length of 32 characters',
  'your 256 bit secret', 'your 384 bit secret', 'your 512 bit secret', 'super secret key that is at least 32 characters',
  'my 32 character ultra secure and ultra long secret', 'your jwt secret key here change in production',
  'complex password at least 32 characters long', 'please change this secret to something random', 'this is a secret key',
  'this is my custom secret key for authentication', 'secret should be at least 32 characters', 'must have at least 32 characters'
]

const weak = new Set([...placeholders, ...published].map(letters))

/** What is wrong with a secret, or `null`. The secret itself is never part of the answer. */
export function secretProblem (secret: unknown, bytes: number): string | null {
  const advice = 'make one with: openssl rand -base64 48'
  if (secret === undefined || secret === null || secret === '') return `secret is missing; ${advice}`
  if (typeof secret !== 'string' && !Buffer.isBuffer(secret)) return 'secret must be a string or a Buffer'
  if (Buffer.byteLength(secret) < bytes) return `secret must have at least ${bytes} bytes; ${advice}`
  if (isWeak(secret.toString('latin1'))) return `secret is a well-known or repeated text, which attackers try first; ${advice}`
  return null
}

/** Few characters, one short text over and over, or a known text: once or repeated, padded with whatever is no letter. */
function isWeak (secret: string): boolean {
  const rest = letters(secret)
  return new Set(secret).size < 5 || period(secret) <= 16 || weak.has(rest) || weak.has(rest.slice(0, period(rest)))
}

/** All but letters is dropped: digits and signs are what a text is padded with, or told apart by. */
function letters (text: string): string {
  return text.toLowerCase().replace(/[^a-z]/g, '')
}

/** The length of the shortest text that, over and over, makes up this one; its last round may be cut off. */
function period (text: string): number {
  let length = 1
  while (length < text.length && !text.startsWith(text.slice(length))) length++
  return length
}
