/**
 * A faster argon2id.
 *
 * @module fastify-users/node-rs-argon2
 */
import { hash, verify } from '@node-rs/argon2'
import type { Argon2Cost, PasswordHasher } from '../contracts/password-hasher.js'
import { isWeaker } from './password.js'

/**
 * argon2id by the package `@node-rs/argon2`, which is faster than the default on many machines. Its hashes are the same, so it can be
 * taken, and left again, at any time. The costs are those of the options.
 *
 * @example
 * ```ts
 * import { nodeRsArgon2 } from 'fastify-users/node-rs-argon2'
 *
 * await app.register(fastifyUsers, { ..., passwords: { hasher: nodeRsArgon2 } })
 * ```
 */
export function nodeRsArgon2 ({ memoryCost, timeCost, parallelism }: Argon2Cost): PasswordHasher {
  const cost = { memoryCost, timeCost, parallelism }
  return {
    hash: (password) => hash(password, cost),
    verify: async (stored, password) => await verify(stored, password).catch(() => false) === true,
    needsRehash: (stored) => isWeaker(stored, cost)
  }
}
