import type { UserStore } from '../contracts/user-store.js'
import type { Passwords } from '../crypto/passwords.js'
import type { Check } from '../schemas/compile.js'

/** What the use cases of this folder work with. */
export interface Accounts {
  readonly store: UserStore
  readonly passwords: Passwords
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Checks the application's own fields. */
  readonly checkFields: Check
}
