import type { StoredUser } from '../contracts/user-store.js'
import type { Accounts, Source } from './accounts.js'
import { getById } from './find.js'
import { forgetGuesses } from './limits.js'
import { recorded } from './record.js'

/** Lets a user log in whose password was guessed at too often. */
export async function unlock (accounts: Accounts, id: string, source: Source): Promise<StoredUser> {
  return await recorded(accounts, source, 'unlock', id, async () => {
    const user = await getById(accounts.store, id)
    await forgetGuesses(accounts, user)
    return user
  })
}
