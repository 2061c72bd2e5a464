import type { StoredUser } from '../contracts/user-store.js'
import { InvalidUserError, ResetBadTokenError, ResetPasswordError } from '../errors.js'
import type { Accounts, Source } from './accounts.js'
import { announcePassword } from './announce.js'
import { touched } from './change.js'
import { tell } from './hooks.js'
import { hashOf } from './input.js'
import { findByToken, redeem } from './purpose-token.js'
import { recorded } from './record.js'
import { toUser } from './to-user.js'

/** Sets another password, and ends all sessions. A password that the rules refuse leaves the token good. */
export async function resetPassword (accounts: Accounts, token: string, password: string, source: Source): Promise<StoredUser> {
  const refuse = (): Error => new ResetBadTokenError()

  return await recorded(accounts, source, 'reset-password', null, async () => {
    // Whatever a route of the application hands on: no password is no password to set.
    if (typeof password !== 'string') throw new InvalidUserError('password must be a string')
    // A token that is no good costs no hash.
    const user = await findByToken(accounts, 'reset', token)
    if (user === null) throw refuse()
    const { email, fields } = user
    const passwordHash = await hashOf(accounts, source, { password, passwordHash: undefined }, { ...fields, email }, () => new ResetPasswordError()) as string

    const changed = await redeem(accounts, 'reset', token, refuse, (user) => ({ ...user, passwordHash, ...touched(accounts) }))
    await tell(accounts, 'onAfterResetPassword', () => accounts.hooks.onAfterResetPassword?.(toUser(changed.after), source.request))
    await announcePassword(accounts, changed, source)
    return changed.after
  })
}
