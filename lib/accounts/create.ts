import type { StoredUser } from '../contracts/user-store.js'
import { timeOrderedId } from '../crypto/random.js'
import { EmailTakenError, InvalidUserError } from '../errors.js'
import type { Accounts } from './accounts.js'
import { emailKey } from './email.js'
import { checkFields, readInput } from './input.js'

/** Adds a user. */
export async function create (accounts: Accounts, input: object): Promise<StoredUser> {
  const { email, password, passwordHash, flags, fields } = readInput(input)
  if (email === undefined) throw new InvalidUserError('email must be an e-mail address')
  checkFields(accounts, fields)

  const now = accounts.clock()
  const createdAt = new Date(now).toISOString()
  const user: StoredUser = {
    id: timeOrderedId(now),
    email,
    emailKey: emailKey(email),
    passwordHash: passwordHash ?? (typeof password === 'string' ? await accounts.passwords.hash(password) : null),
    isActive: flags.isActive ?? true,
    isVerified: flags.isVerified ?? false,
    isSuperuser: flags.isSuperuser ?? false,
    createdAt,
    updatedAt: createdAt,
    version: 1,
    sessionEpoch: 0,
    fields
  }
  if (await accounts.store.insert(user) !== true) throw new EmailTakenError()
  return user
}
