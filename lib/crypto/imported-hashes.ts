import { scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { importOptional } from '../optional-package.js'

const deriveKey = promisify(scrypt) as (password: string, salt: Buffer, length: number, options: object) => Promise<Buffer>

const bcryptHash = /^\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}$/
const scryptHash = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,128})\$([A-Za-z0-9+/]{22,171})$/

/** bcrypt reads no further (and stops at a NUL): two passwords that differ only behind that would be one. */
const bcryptMaxBytes = 72

/** 256 MiB: more than any hash in use asks for, and a bound on what a row of the database can make us allocate. */
const scryptMaxMemory = 256 * 1024 * 1024

/** Whether a hash is of a kind that is verified here, within bounds on its cost. */
export function isImportedHash (hash: string): boolean {
  return bcryptHash.test(hash) || scryptHash.test(hash)
}

/**
 * Verifies a hash that another system made: bcrypt (by the optional package `bcrypt`) or scrypt as a PHC string. The next
 * login replaces it.
 */
export async function verifyImportedHash (hash: string, password: string): Promise<boolean> {
  if (bcryptHash.test(hash)) return await verifyBcrypt(hash, password)
  const parameters = scryptHash.exec(hash)
  return parameters !== null && await verifyScrypt(parameters, password)
}

async function verifyBcrypt (hash: string, password: string): Promise<boolean> {
  const { default: bcrypt } = await importOptional('bcrypt', 'A bcrypt hash is verified with', () => import('bcrypt'))
  // $2y$ is PHP's name for what others call $2b$.
  const matches = await bcrypt.compare(password, hash.replace(/^\$2y/, '$2b'))
  // Only now, so that a password that is too long costs what others cost.
  return matches && Buffer.byteLength(password) <= bcryptMaxBytes && !password.includes('\0')
}

async function verifyScrypt (parameters: RegExpExecArray, password: string): Promise<boolean> {
  const [, ln = '', r = '', p = '', salt = '', expected = ''] = parameters
  const cost = { N: 2 ** Number(ln), r: Number(r), p: Number(p), maxmem: scryptMaxMemory }
  const key = Buffer.from(expected, 'base64')
  // Parameters out of range make it throw: no match.
  const derived = await deriveKey(password, Buffer.from(salt, 'base64'), key.length, cost).catch(() => null)
  return derived !== null && timingSafeEqual(derived, key)
}
