/** Makes and checks the hashes of passwords. The default is argon2id; `passwords.hasher` takes another. */
export interface PasswordHasher {
  /** A string that holds algorithm, parameters, salt and hash (the PHC format). */
  hash (password: string): Promise<string>
  /** Whether the password is the one that was hashed. A hash it cannot read is `false`. */
  verify (hash: string, password: string): Promise<boolean>
  /** Whether a hash should be made anew at the next login, because it is weaker than those made now. */
  needsRehash (hash: string): boolean
}
