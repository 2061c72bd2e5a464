import type { Accounts, Source } from './accounts.js'
import type { Change } from './change.js'
import { tell } from './hooks.js'
import { forgetGuesses } from './limits.js'
import { record } from './record.js'
import { sendVerification } from './request-verify.js'
import { toUser } from './to-user.js'

/** Tells hooks, audit and, by mail, the user what has changed. */
export async function announce (accounts: Accounts, { before, after }: Change, source: Source): Promise<void> {
  await tell(accounts, 'onAfterUpdate', () => accounts.hooks.onAfterUpdate?.(toUser(after), toUser(before), source.request))
  if (before.passwordHash !== after.passwordHash) await announcePassword(accounts, { before, after }, source)
  if (before.emailKey !== after.emailKey) await announceEmail(accounts, { before, after }, source)
}

/** Who changed both at once shall not keep the owner from learning of it: the notice goes to the address of before. */
export async function announcePassword (accounts: Accounts, { before, after }: Change, source: Source): Promise<void> {
  record(accounts, source, { type: 'password-change', userId: after.id })
  try {
    // What was guessed at was another password.
    await forgetGuesses(accounts, after)
  } catch (error) {
    accounts.log.error({ err: error }, 'fastify-users: a password was set, and what was guessed at the old one counts on')
  }
  accounts.mailRoom.post('password-changed', toUser(after), before.email)
  await tell(accounts, 'onAfterPasswordChange', () => accounts.hooks.onAfterPasswordChange?.(toUser(after), source.request))
}

/** The old address is told, and the new one is to be verified. */
export async function announceEmail (accounts: Accounts, { before, after }: Change, source: Source): Promise<void> {
  record(accounts, source, { type: 'email-change', userId: after.id })
  accounts.mailRoom.post('email-changed', toUser(after), before.email)
  await tell(accounts, 'onAfterEmailChange', () => accounts.hooks.onAfterEmailChange?.(toUser(after), before.email, source.request))
  if (accounts.policy.verifies && after.isActive && !after.isVerified) source.later(() => sendVerification(accounts, after, source))
}
