/** What secrets of tutorials, templates and hurried developers are made of; the longest word that fits is taken. */
const words = `
  0123456789 01234567 1234567890 123456789 12345678 1234567 123456 12345 1234 123 2024 2025 2026 256 384 512
  abcdefghijklmnopqrstuvwxyz abcdefgh abcdef abcd abc qwertyuiop asdfghjkl zxcvbnm qwerty asdf letmein xxx
  access account acme add admin advised an and any api app application are as asdf at auth authentication authorization
  backend bar base64 baz be before bigger bit bits but by byte bytes can cat change changed changeit changeme changethis char
  character characters chars client code com company complex config cookie corp custom database default demo deploy deployed dev
  develop developer development do dont dummy edit encryption enough enter env environment every example express extra extremely
  fastify file fixme foo for from fun generate generated good guess hard hash hello here hex highly hs256 hs384 hs512 if in insert
  ipsum is it json jwt keep key keyboard keys least length local localhost log long longer lorem main make master me min minimum
  more must my name never new no nobody node nodejs not null number of on one only open openssl or org our own pass passphrase
  passwd password phrase placeholder please private prod production project public put quiet rand random really real refresh
  replace replaceme replacethis root safe sale salt sample save secret secretkey secrets secure security server service sesame
  session set share should shh sign signature signing site some something staging staple store string strong super system temp
  test testing text than that the thirty this to todo token tokens top two ultra undefined unique use used user users value very
  web website welcome will with word world you your
`.trim().split(/\s+/)

const known = new RegExp(words.sort((one, other) => other.length - one.length).join('|'), 'g')

/** What stands between words. */
const between = /[\s_.-]+/g

/** As many characters that are none of a known word take 64 bits to guess, even if they are hexadecimal. */
const enough = 16

/** What is wrong with a secret, or `null`. The secret itself is never part of the answer. */
export function secretProblem (secret: unknown, bytes: number): string | null {
  const advice = 'make one with: npx fastify-users secret'
  if (secret === undefined || secret === null || secret === '') return `secret is missing; ${advice}. If it stands in .env, start with node --env-file=.env, which reads that file`
  if (typeof secret !== 'string' && !Buffer.isBuffer(secret)) return 'secret must be a string or a Buffer'
  if (Buffer.byteLength(secret) < bytes) return `secret must have at least ${bytes} bytes; ${advice}`
  if (isWeak(secret.toString('latin1'))) return `secret is a well-known, repeated or guessable text, which attackers try first; ${advice}`
  return null
}

/**
 * Few characters, one short text over and over, or little more than words that are known. By chance a random text has a short one of
 * them, but never so many that so little is left.
 */
function isWeak (secret: string): boolean {
  const rest = secret.toLowerCase().replace(known, '').replace(between, '')
  return new Set(secret).size < 5 || period(secret) <= 16 || rest.length < enough
}

/** The length of the shortest text that, over and over, makes up this one; its last round may be cut off. */
function period (text: string): number {
  let length = 1
  while (length < text.length && !text.startsWith(text.slice(length))) length++
  return length
}
