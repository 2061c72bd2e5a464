import type { StoredUser } from '../contracts/user-store.js'
import { AlreadyVerifiedError, VerifyBadTokenError } from '../errors.js'
import type { Accounts, Source } from './accounts.js'
import { touched } from './change.js'
import { tell } from './hooks.js'
import { redeem } from './purpose-token.js'
import { recorded } from './record.js'
import { toUser } from './to-user.js'

/** Takes the token for a proof that the address is the user's. */
export async function verify (accounts: Accounts, token: string, source: Source): Promise<StoredUser> {
  return await recorded(accounts, source, 'verify', null, async () => {
    const { after } = await redeem(accounts, 'verify', token, () => new VerifyBadTokenError(), (user) => {
      // The token stays, so that who follows the link twice learns that all is well.
      if (user.isVerified) throw new AlreadyVerifiedError()
      return { ...user, isVerified: true, ...touched(accounts) }
    })
    await tell(accounts, 'onAfterVerify', () => accounts.hooks.onAfterVerify?.(toUser(after), source.request))
    return after
  })
}
