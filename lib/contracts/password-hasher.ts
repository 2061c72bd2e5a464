/**
 * Makes and checks the hashes of passwords. The default is argon2id; `passwords.hasher` takes another. Where it works on libuv's
 * threads, as argon2, bcrypt and scrypt do, `passwords.concurrency` is to stay below their number.
 */
export interface PasswordHasher {
  /** A string that holds algorithm, parameters, salt and hash (the PHC format). */
  hash (password: string): Promise<string>
  /** Whether the password is the one that was hashed. A hash it cannot read is `false`. */
  verify (hash: string, password: string): Promise<boolean>
  /** Whether a hash should be made anew at the next login, because it is weaker than those made now. */
  needsRehash (hash: string): boolean
}

/** What one argon2id hash costs. */
export interface Argon2Cost {
  /** KiB. */
  readonly memoryCost: number
  /** Passes over the memory. */
  readonly timeCost: number
  /** Lanes. */
  readonly parallelism: number
}

/** Makes a hasher of argon2id that takes the costs from the options of `passwords`, where they are checked. */
export type Argon2Factory = (cost: Argon2Cost) => PasswordHasher
