import type { StoredUser } from '../contracts/user-store.js'
import { timeOrderedId } from '../crypto/random.js'
import { InvalidUserError, RegisterPasswordError, UserAlreadyExistsError } from '../errors.js'
import type { Accounts, Source } from './accounts.js'
import { emailKey } from '../email.js'
import { tell } from './hooks.js'
import { checkFields, hashOf, readInput } from './input.js'
import { recorded } from './record.js'
import { toUser } from './to-user.js'

/** Adds a user: by the application, or by a superuser. */
export async function create (accounts: Accounts, input: object, source: Source): Promise<StoredUser> {
  return await recorded(accounts, source, 'create', null, async () => await insert(accounts, await prepare(accounts, input, source), source))
}

/** A user as it will be, if the address is free. */
export async function prepare (accounts: Accounts, input: object, source: Source): Promise<StoredUser> {
  const read = readInput(input)
  const { email, flags } = read
  if (email === undefined) throw new InvalidUserError('email must be an e-mail address')
  const fields = { ...structuredClone(accounts.defaultFields), ...read.fields }
  checkFields(accounts, fields)

  const now = accounts.clock()
  const createdAt = new Date(now).toISOString()
  return {
    id: timeOrderedId(now),
    email,
    emailKey: emailKey(email),
    passwordHash: await hashOf(accounts, source, read, { ...fields, email }, () => new RegisterPasswordError()) ?? null,
    isActive: flags.isActive ?? true,
    isVerified: flags.isVerified ?? false,
    isSuperuser: flags.isSuperuser ?? false,
    createdAt,
    updatedAt: createdAt,
    version: 1,
    sessionEpoch: 0,
    pendingTokens: {},
    fields
  }
}

/** Adds the user that was prepared. That the address is free is never looked up: the store decides. */
export async function insert (accounts: Accounts, user: StoredUser, source: Source): Promise<StoredUser> {
  if (await accounts.store.insert(user) !== true) throw new UserAlreadyExistsError()
  await tell(accounts, 'onAfterRegister', () => accounts.hooks.onAfterRegister?.(toUser(user), source.request))
  return user
}
