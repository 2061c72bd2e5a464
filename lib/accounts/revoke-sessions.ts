import type { StoredUser } from '../contracts/user-store.js'
import type { Accounts, Source } from './accounts.js'
import { change } from './change.js'
import { recorded } from './record.js'

/** Ends all sessions of a user. */
export async function revokeSessions (accounts: Accounts, id: string, source: Source): Promise<StoredUser> {
  return await recorded(accounts, source, 'revoke-sessions', id, async () => {
    return (await change(accounts, id, (user) => ({ ...user, sessionEpoch: user.sessionEpoch + 1 }))).after
  })
}
