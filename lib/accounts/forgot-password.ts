import type { Accounts, Source } from './accounts.js'
import { findByEmail } from './find.js'
import { tell } from './hooks.js'
import { mayMail } from './limits.js'
import { giveToken } from './purpose-token.js'
import { record, recorded } from './record.js'
import { toUser } from './to-user.js'

/**
 * Mails a link to set another password, if there is an account. Whether there is, is found out when the reply has left. One link too many
 * is not made, either: it would end the one that the owner has been sent.
 */
export async function forgotPassword (accounts: Accounts, email: string, source: Source): Promise<void> {
  const user = await findByEmail(accounts.store, email)
  source.later(async () => {
    const reason = user === null ? 'unknown-user' : user.isActive !== true ? 'inactive' : await mayMail(accounts, 'forgotPassword', user) ? null : 'too-many-mails'
    if (user === null || reason !== null) return record(accounts, source, { type: 'forgot-password', userId: user?.id ?? null, reason: reason as string })
    await sendReset(accounts, 'reset-password', user.id, source)
  })
}

/** Makes the token, and mails it. */
export async function sendReset (accounts: Accounts, kind: 'reset-password' | 'set-password', userId: string, source: Source): Promise<void> {
  await recorded(accounts, source, 'forgot-password', userId, async () => {
    const { token, user } = await giveToken(accounts, 'reset', userId, { lifetimeSeconds: accounts.policy.linkSeconds[kind] })
    accounts.mailRoom.post(kind, toUser(user), user.email, token)
    await tell(accounts, 'onAfterForgotPassword', () => accounts.hooks.onAfterForgotPassword?.(toUser(user), token, source.request))
    return user
  })
}
