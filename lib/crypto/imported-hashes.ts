import { scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { importOptional } from '../optional-package.js'

const deriveKey = promisify(scrypt) as (password: string, salt: Buffer, length: number, options: object) => Promise<Buffer>

const bcryptHash = /^\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}$/
const scryptHash = /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d?),p=([1-9]\d?)\$([A-Za-z0-9+/]{11,128})\$([A-Za-z0-9+/]{22,171})$/

/** bcrypt reads no further (and stops at a NUL): two passwords that differ only behind that would be one. */
const bcryptMaxBytes = 72

/** Bounds on what a row of the database can make us do; more than any hash in use asks for. */
const scryptMaxMemory = 256 * 1024 * 1024
const scryptMaxLanes = 16

/** Whether a hash is of a kind that is verified here, within bounds on its cost. */
export function isImportedHash (hash: string): boolean {
  return bcryptHash.test(hash) || readScrypt(hash) !== null
}

/**
 * Verifies a hash that another system made: bcrypt (by the optional package `bcrypt`) or scrypt as a PHC string. The next
 * login replaces it.
 */
export async function verifyImportedHash (hash: string, password: string): Promise<boolean> {
  if (bcryptHash.test(hash)) return await verifyBcrypt(hash, password)
  const read = readScrypt(hash)
  return read !== null && await verifyScrypt(read, password)
}

async function verifyBcrypt (hash: string, password: string): Promise<boolean> {
  const { default: bcrypt } = await importOptional('bcrypt', 'A bcrypt hash is verified with', () => import('bcrypt'))
  // $2y$ is PHP's name for what others call $2b$.
  const matches = await bcrypt.compare(password, hash.replace(/^\$2y/, '$2b'))
  // Only now, so that a password that is too long costs what others cost.
  return matches && Buffer.byteLength(password) <= bcryptMaxBytes && !password.includes('\0')
}

async function verifyScrypt ({ cost, salt, key }: ScryptHash, password: string): Promise<boolean> {
  return timingSafeEqual(await deriveKey(password, salt, key.length, cost), key)
}

interface ScryptHash {
  readonly cost: { readonly N: number, readonly r: number, readonly p: number, readonly maxmem: number }
  readonly salt: Buffer
  readonly key: Buffer
}

/** Takes a PHC string apart; `null` if it is none, or asks for too much. */
function readScrypt (hash: string): ScryptHash | null {
  const [, ln, r, p, salt = '', key = ''] = scryptHash.exec(hash) ?? []
  const memory = 128 * 2 ** Number(ln) * Number(r)
  // Of a text that is no such hash all three are NaN, and no comparison holds. The last is scrypt's own bound on N (RFC 7914 §2).
  if (!(memory <= scryptMaxMemory && Number(p) <= scryptMaxLanes && Number(ln) < 16 * Number(r))) return null
  // Node counts a little more than the formula does.
  const cost = { N: 2 ** Number(ln), r: Number(r), p: Number(p), maxmem: 2 * scryptMaxMemory }
  return { cost, salt: Buffer.from(salt, 'base64'), key: Buffer.from(key, 'base64') }
}
