import type { StoredUser } from '../contracts/user-store.js'
import { UserNotFoundError } from '../errors.js'
import type { Accounts, Source } from './accounts.js'
import { removeUser } from './change.js'
import { getById } from './find.js'
import { tell } from './hooks.js'
import { recorded } from './record.js'
import { toUser } from './to-user.js'
import { proveSelf, stillProved } from './update-own.js'

/**
 * Removes a user for good. `onBeforeDelete` may stop it.
 *
 * @param allow throws where the user, as it is at that moment, is not what the caller took it for
 * @throws `USER_NOT_FOUND`, `LAST_SUPERUSER`
 */
export async function remove (accounts: Accounts, id: string, source: Source, allow: (current: StoredUser) => void = () => {}): Promise<StoredUser> {
  return await recorded(accounts, source, 'delete', id, async () => {
    const known = await getById(accounts.store, id)
    await accounts.hooks.onBeforeDelete?.(toUser(known), source.request)
    const removed = await removeUser(accounts, id, allow)
    if (removed === null) throw new UserNotFoundError()
    await tell(accounts, 'onAfterDelete', () => accounts.hooks.onAfterDelete?.(toUser(removed), source.request))
    return removed
  })
}

/** Removes one's own account, with the current password. */
export async function removeOwn (accounts: Accounts, id: string, currentPassword: string, source: Source): Promise<void> {
  const user = await getById(accounts.store, id)
  await proveSelf(accounts, user, currentPassword, source)
  await remove(accounts, id, source, stillProved(user))
}
