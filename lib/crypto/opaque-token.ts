import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** A token of ours has half of this. */
const maxLength = 512

/**
 * A token that says nothing: `<kind>.<selector>.<secret>.<checksum>`. The secret is 256 random bits. The kind is for whoever
 * finds a token where none should be, and keeps one kind from passing for another. The checksum tells a token that was
 * mistyped or made up from one that is worth a look-up.
 *
 * @param selector where to look it up
 * @param secret 32 bytes, where they are not to be random
 */
export function createToken (kind: string, selector: string, secret: Buffer = randomBytes(32)): string {
  const body = `${kind}.${Buffer.from(selector).toString('base64url')}.${secret.toString('base64url')}`
  return `${body}.${checksum(body)}`
}

/** The selector of a token of this kind, or `null` if the text is none. Whether the secret is right, the digest tells. */
export function readToken (kind: string, token: unknown): string | null {
  if (typeof token !== 'string' || token.length > maxLength) return null
  const end = token.lastIndexOf('.')
  const body = token.slice(0, end)
  const [head, selector, secret, ...more] = body.split('.')
  if (head !== kind || selector === undefined || secret?.length !== 43 || more.length > 0) return null
  return token.slice(end + 1) === checksum(body) ? Buffer.from(selector, 'base64url').toString() : null
}

/** What is kept of a token: SHA-256 is enough, for there is nothing to guess in 256 random bits. */
export function digestOf (token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** Whether a token is the one that was digested. */
export function hasDigest (token: string, digest: string): boolean {
  const one = Buffer.from(digestOf(token))
  const other = Buffer.from(digest)
  return one.length === other.length && timingSafeEqual(one, other)
}

function checksum (body: string): string {
  return crc32(body).toString(36).padStart(7, '0')
}
