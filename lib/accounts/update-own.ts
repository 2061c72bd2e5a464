import type { StoredUser } from '../contracts/user-store.js'
import { emailKey } from '../email.js'
import { BadCurrentPasswordError } from '../errors.js'
import type { Accounts, Source } from './accounts.js'
import type { Change } from './change.js'
import { requestEmailChange } from './email-change.js'
import { getById } from './find.js'
import { mailCounters, proofCounters } from './limits.js'
import { readInput } from './input.js'
import { recorded, recordedIfFailed } from './record.js'
import { turnOf } from './turn.js'
import { update } from './update.js'

/** What users may change of themselves: the caller has seen to that there is nothing else. */
export interface OwnChanges {
  readonly email?: string
  readonly password?: string
  readonly currentPassword?: string
  readonly [field: string]: unknown
}

/** Changes one's own account. A new password or address needs the current password. */
export async function updateOwn (accounts: Accounts, id: string, { currentPassword, ...changes }: OwnChanges, source: Source): Promise<Change> {
  const user = await getById(accounts.store, id)
  const { email, ...rest } = changes
  // Clients send back what they got: the same address once more is no change.
  const newEmail = email === user.email ? undefined : email
  if (newEmail === undefined && rest.password === undefined) return await updateIfAny(accounts, user, rest, source)

  // What cannot be right anyway costs no hash.
  readInput(changes)
  await proveSelf(accounts, user, currentPassword, source)
  const allow = stillProved(user)
  await admitMails(accounts, user, newEmail, rest.password, source)
  if (newEmail === undefined) return await update(accounts, id, rest, source, allow)
  if (!accounts.policy.confirmEmailChange) return await update(accounts, id, { ...rest, email: newEmail }, source, allow)

  const changed = await updateIfAny(accounts, user, rest, source, allow)
  // Not behind the reply: what was proved now may not be true any more when that has left.
  await requestEmailChange(accounts, id, newEmail, source, stillProved(changed.after))
  return changed
}

/**
 * Each new address and password is told by mail, to addresses that need not be the user's. So both addresses count, too: who has many
 * accounts, or registers one anew, sends nobody more mails by them. That an address is left counts apart: else whoever names it as their
 * new one could keep its owner from leaving it.
 */
async function admitMails (accounts: Accounts, { id, emailKey: oldKey }: StoredUser, newEmail: string | undefined, newPassword: string | undefined, source: Source): Promise<void> {
  const type = newEmail !== undefined && accounts.policy.confirmEmailChange ? 'request-email-change' : 'update'
  await recordedIfFailed(accounts, source, type, id, () => accounts.limiter.admit([
    ...newEmail === undefined ? [] : [id, emailKey(newEmail), `from ${oldKey}`].flatMap((who) => mailCounters(accounts, 'changeEmail', who)),
    ...newPassword === undefined ? [] : mailCounters(accounts, 'changePassword', oldKey)
  ]))
}

/** A body that names nothing of ours changes nothing. */
async function updateIfAny (accounts: Accounts, user: StoredUser, changes: object, source: Source, allow?: (current: StoredUser) => void): Promise<Change> {
  return Object.keys(changes).length === 0 ? { before: user, after: user } : await update(accounts, user.id, changes, source, allow)
}

/** Throws where the password that was proved is no longer the one that counts, or the sessions of then are over. */
export function stillProved ({ passwordHash, sessionEpoch }: StoredUser): (current: StoredUser) => void {
  return (current) => { if (current.passwordHash !== passwordHash || current.sessionEpoch !== sessionEpoch) throw new BadCurrentPasswordError() }
}

/** @throws `USER_BAD_CURRENT_PASSWORD` unless the password is the user's; a user without one has to set one first, by a link. `TOO_MANY_REQUESTS` */
export async function proveSelf (accounts: Accounts, user: StoredUser, currentPassword: string | undefined, source: Source): Promise<void> {
  await recorded(accounts, source, 'reauthenticate', user.id, async () => {
    if (currentPassword === undefined) throw new BadCurrentPasswordError()
    await accounts.limiter.attempt(proofCounters(accounts, user.id), async () => {
      if (await accounts.passwords.verify(user.passwordHash, currentPassword, turnOf(source)) !== true) throw new BadCurrentPasswordError()
    })
  })
}
