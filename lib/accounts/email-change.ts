import type { StoredUser } from '../contracts/user-store.js'
import { EmailChangeBadTokenError } from '../errors.js'
import type { Accounts, Source } from './accounts.js'
import { announce } from './announce.js'
import { touched } from './change.js'
import { emailKey } from '../email.js'
import { tell } from './hooks.js'
import { giveToken, redeem } from './purpose-token.js'
import { recorded } from './record.js'
import { toUser } from './to-user.js'

/**
 * Mails a link to the new address. Until it is followed, the old one counts; whether the new one is free is asked then.
 *
 * @param allow throws where the user, as it is at the moment of the token, is not who has proved who they are: if somebody else has
 * taken the account over, or back, there is no link
 */
export async function requestEmailChange (accounts: Accounts, userId: string, email: string, source: Source, allow: (current: StoredUser) => void): Promise<void> {
  await recorded(accounts, source, 'request-email-change', userId, async () => {
    const { token, user } = await giveToken(accounts, 'email-change', userId, { lifetimeSeconds: accounts.policy.linkSeconds['confirm-email-change'], email, allow })
    accounts.mailRoom.post('confirm-email-change', toUser(user), email, token)
    await tell(accounts, 'onAfterRequestEmailChange', () => accounts.hooks.onAfterRequestEmailChange?.(toUser(user), email, token, source.request))
    return user
  })
}

/** Takes the token for a proof that the new address is the user's: from now on it counts, and it is verified. */
export async function confirmEmailChange (accounts: Accounts, token: string, source: Source): Promise<StoredUser> {
  return await recorded(accounts, source, 'confirm-email-change', null, async () => {
    const changed = await redeem(accounts, 'email-change', token, () => new EmailChangeBadTokenError(), (user, { email = user.email }) => {
      // Named, because an address that differs in case alone ends no tokens by itself.
      const { 'email-change': _used, ...pendingTokens } = user.pendingTokens
      return { ...user, email, emailKey: emailKey(email), isVerified: true, pendingTokens, ...touched(accounts) }
    })
    await announce(accounts, changed, source)
    return changed.after
  })
}
