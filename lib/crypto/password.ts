import argon2 from 'argon2'
import type { PasswordHasher } from '../contracts/password-hasher.js'

/** What one argon2id hash costs. */
export interface Argon2Cost {
  /** KiB. */
  readonly memoryCost: number
  /** Passes over the memory. */
  readonly timeCost: number
  /** Lanes. */
  readonly parallelism: number
}

/** OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane. */
export const owaspCost: Argon2Cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** The cheapest of the equivalent settings on OWASP's list (7 MiB, five passes), as KiB × passes. */
export const owaspLeastWork = 7_168 * 5

const phc = /^\$argon2(?:id|i|d)\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+$/

/** Whether a text has the form of an argon2 hash. */
export function isArgon2Hash (hash: string): boolean {
  return phc.test(hash)
}

/** Hashes by argon2id (RFC 9106), as PHC strings. */
export function argon2Hasher (cost: Argon2Cost): PasswordHasher {
  return {
    hash: (password) => argon2.hash(password, { ...cost, type: argon2.argon2id }),

    async verify (hash, password) {
      if (!isArgon2Hash(hash)) return false
      // One whose numbers are out of range makes the library throw: it is no match, and no reason to fail.
      return await argon2.verify(hash, password).catch(() => false) === true
    },

    needsRehash (hash) {
      const parameters = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$/.exec(hash)
      return parameters === null || Number(parameters[1]) * Number(parameters[2]) < cost.memoryCost * cost.timeCost
    }
  }
}
