import type { PasswordHasher } from '../contracts/password-hasher.js'
import { HashQueueFullError, withHeaders } from '../errors.js'
import { createQueue, type QueueLimits, type Turn } from '../queue.js'
import { isImportedHash, verifyImportedHash } from './imported-hashes.js'
import { randomId } from './random.js'

/**
 * Everything that touches a password, behind one bounded queue. A `signal` takes out of the queue what nobody waits for any more, and an
 * `owner` has a share of it and no more.
 */
export interface Passwords {
  hash (password: string, turn?: Turn): Promise<string>
  /** Does the same work whether there is a hash (`string`) or not (`null`: unknown user, or one without a password). */
  verify (hash: string | null, password: string, turn?: Turn): Promise<boolean>
  needsRehash (hash: string): boolean
}

/**
 * Joins a hasher, the imported kinds of hashes and a queue. Hashes run on libuv's small thread pool, which files, DNS and
 * many drivers share: without a bound, a flood of logins stops the whole app.
 */
export function createPasswords (hasher: PasswordHasher, limits: QueueLimits): Passwords {
  const enqueue = createQueue(limits, busy)
  let decoy: string | undefined

  return {
    hash: (password, turn) => enqueue(() => hasher.hash(canonical(password)), turn),

    verify: (hash, password, turn) => enqueue(async () => {
      // Made at the first login of all, known or not, so that its time tells nothing.
      decoy ??= await hasher.hash(randomId())
      const target = hash ?? decoy
      const matches = isImportedHash(target) ? await verifyImportedHash(target, canonical(password)) : await hasher.verify(target, canonical(password))
      return matches === true && hash !== null
    }, turn),

    needsRehash: (hash) => isImportedHash(hash) || hasher.needsRehash(hash)
  }
}

/** A client that comes back sooner than others got through would be in vain: it is told how long the first in line has waited. */
function busy (waitedMs: number): Error {
  return withHeaders(new HashQueueFullError(), { 'retry-after': String(Math.max(1, Math.ceil(waitedMs / 1000))), 'cache-control': 'no-store' })
}

/** One form for what looks the same and was typed on different machines (NIST SP 800-63B-4 §3.1.1.2). */
function canonical (password: string): string {
  return password.normalize('NFC')
}
