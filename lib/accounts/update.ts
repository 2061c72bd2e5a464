import type { StoredUser } from '../contracts/user-store.js'
import { ConflictError, EmailTakenError, UserNotFoundError } from '../errors.js'
import type { Accounts } from './accounts.js'
import { emailKey } from './email.js'
import { findById } from './find.js'
import { checkFields, readInput } from './input.js'

/** How often a change is tried again because another one came in between. */
const tries = 5

/** Changes a user. What makes earlier sessions untrustworthy ends them: see {@link endsSessions}. */
export async function update (accounts: Accounts, id: string, input: object): Promise<StoredUser> {
  const { email, password, passwordHash, flags, fields } = readInput(input)
  // Before the first look at the user: a hash takes long, and the change should not.
  const hash = passwordHash ?? (typeof password === 'string' ? await accounts.passwords.hash(password) : password)

  for (let attempt = 0; attempt < tries; attempt++) {
    const current = await findById(accounts.store, id)
    if (current === null) throw new UserNotFoundError()

    const next: StoredUser = {
      ...current,
      ...(email === undefined ? {} : { email, emailKey: emailKey(email) }),
      // A new address is not verified; one that differs in case alone is not new.
      ...(email !== undefined && emailKey(email) !== current.emailKey ? { isVerified: false } : {}),
      ...flags,
      ...(hash === undefined ? {} : { passwordHash: hash }),
      fields: { ...current.fields, ...fields },
      updatedAt: new Date(accounts.clock()).toISOString(),
      version: current.version + 1
    }
    checkFields(accounts, next.fields)
    const user = endsSessions(current, next) ? { ...next, sessionEpoch: current.sessionEpoch + 1 } : next

    const replaced = await accounts.store.replace(user, current.version)
    if (replaced === 'taken') throw new EmailTakenError()
    if (replaced === true) return user
  }
  throw new ConflictError()
}

/** Whoever held a session before one of these changes may be the one it was made against. */
function endsSessions (before: StoredUser, after: StoredUser): boolean {
  return before.passwordHash !== after.passwordHash ||
    before.emailKey !== after.emailKey ||
    (before.isActive && !after.isActive) ||
    (before.isSuperuser && !after.isSuperuser)
}
