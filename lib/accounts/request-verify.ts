import type { StoredUser } from '../contracts/user-store.js'
import type { Accounts, Source } from './accounts.js'
import { findByEmail } from './find.js'
import { tell } from './hooks.js'
import { mayMail } from './limits.js'
import { giveToken } from './purpose-token.js'
import { record, recorded } from './record.js'
import { toUser } from './to-user.js'

/** Mails a link to verify an address, if there is something to verify. What there is, is found out when the reply has left. */
export async function requestVerify (accounts: Accounts, email: string, source: Source): Promise<void> {
  const user = await findByEmail(accounts.store, email)
  source.later(async () => {
    const reason = user === null ? 'unknown-user' : user.isActive !== true ? 'inactive' : user.isVerified ? 'verified' : null
    if (user === null || reason !== null) return record(accounts, source, { type: 'request-verify', userId: user?.id ?? null, reason: reason as string })
    await sendVerification(accounts, user, source)
  })
}

/** Makes the token, and mails it, unless the user has been sent too many. */
export async function sendVerification (accounts: Accounts, { id: userId, emailKey }: StoredUser, source: Source): Promise<void> {
  if (!await mayMail(accounts, 'requestVerify', { emailKey })) return record(accounts, source, { type: 'request-verify', userId, reason: 'too-many-mails' })
  await recorded(accounts, source, 'request-verify', userId, async () => {
    const { token, user } = await giveToken(accounts, 'verify', userId, { lifetimeSeconds: accounts.policy.linkSeconds['verify-address'] })
    accounts.mailRoom.post('verify-address', toUser(user), user.email, token)
    await tell(accounts, 'onAfterRequestVerify', () => accounts.hooks.onAfterRequestVerify?.(toUser(user), token, source.request))
    return user
  })
}
