import type { Registration } from '../contracts/hooks.js'
import type { StoredUser } from '../contracts/user-store.js'
import { RegisterRefusedError, UserAlreadyExistsError, withReason } from '../errors.js'
import type { Accounts, Source } from './accounts.js'
import { insert, prepare } from './create.js'
import { findByEmail } from './find.js'
import { mayMail } from './limits.js'
import { record, recorded, recordedIfFailed } from './record.js'
import { sendVerification } from './request-verify.js'
import { toUser } from './to-user.js'

/** What a stranger may say of themselves: the caller has seen to that there is nothing else. */
export type RegistrationInput = { readonly email: string, readonly password: string } & Readonly<Record<string, unknown>>

/**
 * Adds a user who comes by themselves, and asks them to verify their address.
 *
 * @returns `null` where the application conceals who has an account. Then everybody gets the same answer, at the same cost: the
 * password is hashed, the address is looked up, and all that differs is done when the reply has left.
 */
export async function register (accounts: Accounts, input: RegistrationInput, source: Source): Promise<StoredUser | null> {
  if (!accounts.policy.concealAccounts) {
    return await recorded(accounts, source, 'register', null, async () => await add(accounts, await admitted(accounts, input, source), source))
  }
  const user = await recordedIfFailed(accounts, source, 'register', null, async () => {
    const user = await admitted(accounts, input, source)
    // For nothing but to learn whether the store answers: what fails behind the reply, the client is not told.
    await findByEmail(accounts.store, user.email)
    return user
  })
  source.later(() => addOrTellOwner(accounts, user, source))
  return null
}

/** The user to be, if the application lets them in. */
async function admitted (accounts: Accounts, input: RegistrationInput, source: Source): Promise<StoredUser> {
  const { password, ...registration } = input
  const answer: unknown = await accounts.hooks.onBeforeRegister?.(registration as unknown as Registration, source.request)
  if (typeof answer === 'string') throw withReason(new RegisterRefusedError(), answer)
  // `false` may be meant as either: nobody gets in by a misunderstanding.
  if (answer !== undefined) throw new TypeError('hooks.onBeforeRegister must return a reason to refuse, or undefined')
  return await prepare(accounts, { ...registration, password }, source)
}

async function add (accounts: Accounts, prepared: StoredUser, source: Source): Promise<StoredUser> {
  const user = await insert(accounts, prepared, source)
  if (accounts.policy.verifies) source.later(() => sendVerification(accounts, user, source))
  return user
}

async function addOrTellOwner (accounts: Accounts, prepared: StoredUser, source: Source): Promise<void> {
  try {
    await recorded(accounts, source, 'register', null, () => add(accounts, prepared, source))
  } catch (error) {
    if (!(error instanceof UserAlreadyExistsError)) throw error
    const owner = await findByEmail(accounts.store, prepared.email)
    // An account that is locked is told nothing, and neither is one that went away meanwhile.
    if (owner?.isActive !== true) return
    if (!await mayMail(accounts, 'register', owner)) return record(accounts, source, { type: 'register', userId: owner.id, reason: 'too-many-mails' })
    accounts.mailRoom.post('registration-attempt', toUser(owner), owner.email)
  }
}
