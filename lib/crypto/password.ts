import type { Argon2Cost, PasswordHasher } from '../contracts/password-hasher.js'
import { once } from '../once.js'

/** At the first hash: the library is native code, and an app answers most requests without it. */
const library = once(async () => (await import('argon2')).default)

/** OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane. */
export const owaspCost: Argon2Cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** The cheapest of the equivalent settings on OWASP's list (7 MiB, five passes), as KiB × passes. */
export const owaspLeastWork = 7_168 * 5

/** The reference writes m, t, p; others, such as `argon2` from 0.45 on, sort them. */
const phc = /^\$argon2(id|i|d)\$v=19\$(m=\d{1,7},(?:t=\d{1,4},p=\d{1,2}|p=\d{1,2},t=\d{1,4}))\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,171}$/

/** Bounds on what an imported hash can make us do at each login; more than any hash in use asks for. */
const maxMemory = 256 * 1024
const maxWork = 1024 * 1024
const maxLanes = 16
/** Passes × lanes, where there are several: each pass starts four threads for each of them, whatever memory it is about. */
const maxLanePasses = 1024

/** Whether a text is an argon2 hash, of a cost that one can bear: 256 MiB, and 1 GiB × passes. */
export function isArgon2Hash (hash: string): boolean {
  const { m, t, p } = costOf(phc.exec(hash)?.[2])
  return p >= 1 && p <= maxLanes && t >= 1 && m >= 8 * p && m <= maxMemory && m * t <= maxWork && (p === 1 || t * p <= maxLanePasses)
}

/** Whether a hash is none of argon2id, or of less memory × passes than those made now. */
export function isWeaker (hash: string, { memoryCost, timeCost }: Argon2Cost): boolean {
  const [, kind, parameters] = phc.exec(hash) ?? []
  const { m, t } = costOf(parameters)
  return kind !== 'id' || m * t < memoryCost * timeCost
}

function costOf (parameters = ''): { readonly m: number, readonly t: number, readonly p: number } {
  const found = new Map(parameters.split(',').map((parameter) => [parameter.slice(0, 1), Number(parameter.slice(2))]))
  return { m: found.get('m') ?? 0, t: found.get('t') ?? 0, p: found.get('p') ?? 0 }
}

/** Hashes by argon2id (RFC 9106), as PHC strings. */
export function argon2Hasher (cost: Argon2Cost): PasswordHasher {
  return {
    async hash (password) {
      const argon2 = await library()
      return await argon2.hash(password, { ...cost, type: argon2.argon2id })
    },

    async verify (hash, password) {
      const argon2 = await library()
      // A text that is no hash makes the library throw: it is no match, and no reason to fail.
      return await argon2.verify(hash, password).catch(() => false) === true
    },

    needsRehash: (hash) => isWeaker(hash, cost)
  }
}
