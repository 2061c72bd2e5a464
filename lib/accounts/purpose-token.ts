import type { PendingToken, Purpose, StoredUser } from '../contracts/user-store.js'
import { createToken, digestOf, hasDigest, readToken } from '../crypto/opaque-token.js'
import { UserNotFoundError } from '../errors.js'
import type { Accounts } from './accounts.js'
import { change, type Change } from './change.js'
import { findById } from './find.js'

/** What tokens of each purpose begin with: no kind passes for another. */
const kinds: Readonly<Record<Purpose, string>> = { verify: 'fu-verify', reset: 'fu-reset', 'email-change': 'fu-email-change' }

/** How long a token is good, for which new address, and for whom alone. */
interface TokenTerms extends Pick<PendingToken, 'email'> {
  readonly lifetimeSeconds: number
  /** Throws where the user, as it is at this moment, is not the one for whom the token was asked. */
  readonly allow?: (current: StoredUser) => void
}

/**
 * Makes a token for an active user, in the place of any earlier one of this purpose. It is told to nobody but by mail.
 *
 * @throws `USER_NOT_FOUND`, also for a user who was deactivated meanwhile
 */
export async function giveToken (accounts: Accounts, purpose: Purpose, userId: string, { lifetimeSeconds, allow = () => {}, ...extra }: TokenTerms): Promise<{ readonly token: string, readonly user: StoredUser }> {
  const token = createToken(kinds[purpose], userId)
  const pending: PendingToken = { digest: digestOf(token), expiresAt: accounts.clock() + lifetimeSeconds * 1000, ...extra }
  const { after } = await change(accounts, userId, (current) => {
    if (current.isActive !== true) throw new UserNotFoundError()
    allow(current)
    return { ...current, pendingTokens: { ...current.pendingTokens, [purpose]: pending } }
  })
  return { token, user: after }
}

/** The user whose newest token of this purpose this is, or `null`. It uses nothing up. */
export async function findByToken (accounts: Accounts, purpose: Purpose, token: string): Promise<StoredUser | null> {
  const id = readToken(kinds[purpose], token)
  const user = id === null ? null : await findById(accounts.store, id)
  return user !== null && holds(accounts, purpose, token, user) ? user : null
}

/**
 * Uses a token up, and does what it is good for, by one compare-and-swap: of many at once one succeeds, and none is used up for
 * nothing.
 *
 * @param refuse the error for a token that is not good, for whatever reason
 * @param next makes the new user; where it leaves the token pending, it says itself what becomes of a second use
 */
export async function redeem (accounts: Accounts, purpose: Purpose, token: string, refuse: () => Error, next: (user: StoredUser, pending: PendingToken) => StoredUser): Promise<Change> {
  const id = readToken(kinds[purpose], token)
  if (id === null) throw refuse()
  try {
    return await change(accounts, id, (user) => {
      if (!holds(accounts, purpose, token, user)) throw refuse()
      return next(user, user.pendingTokens[purpose] as PendingToken)
    })
  } catch (error) {
    throw error instanceof UserNotFoundError ? refuse() : error
  }
}

function holds ({ clock }: Accounts, purpose: Purpose, token: string, user: StoredUser): boolean {
  const pending = user.pendingTokens[purpose]
  return user.isActive === true && pending !== undefined && pending.expiresAt > clock() && hasDigest(token, pending.digest)
}
