import type { StoredUser } from '../contracts/user-store.js'
import { UpdatePasswordError } from '../errors.js'
import type { Accounts, Source } from './accounts.js'
import { announce } from './announce.js'
import { change, touched, type Change } from './change.js'
import { emailKey } from '../email.js'
import { getById } from './find.js'
import { checkChangedFields, hashOf, readInput } from './input.js'
import { recorded } from './record.js'

/**
 * Changes a user. What makes earlier sessions untrustworthy ends them: see `change`.
 *
 * @param allow throws where the user, as it is at the moment of the change, is not what the caller took it for
 */
export async function update (accounts: Accounts, id: string, input: object, source: Source, allow: (current: StoredUser) => void = () => {}): Promise<Change> {
  return await recorded(accounts, source, 'update', id, async () => {
    const changed = await apply(accounts, id, input, source, allow)
    await announce(accounts, changed, source)
    return changed
  })
}

async function apply (accounts: Accounts, id: string, input: object, source: Source, allow: (current: StoredUser) => void): Promise<Change> {
  const known = await getById(accounts.store, id)
  const read = readInput(input)
  const { email, flags, fields } = read
  // Before the change begins: a hash takes long, and the change should not.
  const hash = await hashOf(accounts, source, read, { ...known.fields, ...fields, email: email ?? known.email }, () => new UpdatePasswordError())

  return await change(accounts, id, (current) => {
    allow(current)
    const next: StoredUser = {
      ...current,
      ...(email === undefined ? {} : { email, emailKey: emailKey(email) }),
      // A new address is not verified; one that differs in case alone is not new.
      ...(email !== undefined && emailKey(email) !== current.emailKey ? { isVerified: false } : {}),
      ...flags,
      ...(hash === undefined ? {} : { passwordHash: hash }),
      fields: { ...current.fields, ...fields },
      ...touched(accounts)
    }
    checkChangedFields(accounts, current.fields, fields)
    return next
  })
}
