import { setTimeout } from 'node:timers/promises'
import type { StoredUser } from '../contracts/user-store.js'
import { ConflictError, EmailTakenError, LastSuperuserError } from '../errors.js'
import type { Accounts } from './accounts.js'
import { findById, getById } from './find.js'
import { forgetSessions } from './sessions.js'

/** How often a change is tried again because another one came in between, and for how long that waits at most, so that they part: milliseconds. */
const tries = 8
const pauseMs = 20

/** A user, before and after. */
export interface Change {
  readonly before: StoredUser
  readonly after: StoredUser
}

/**
 * The one way to change a user: by compare-and-swap, tried again where another change came in between. What makes earlier
 * sessions and mailed tokens untrustworthy ends them in the same write.
 *
 * @param next makes the new user of the current one; it is called again for each try, and what it throws ends them
 * @throws `USER_NOT_FOUND`, `UPDATE_USER_EMAIL_ALREADY_EXISTS`, `LAST_SUPERUSER`, `FST_USERS_CONFLICT`
 */
export async function change (accounts: Accounts, id: string, next: (current: StoredUser) => StoredUser): Promise<Change> {
  const { store } = accounts
  for (let attempt = 0; attempt < tries; attempt++) {
    await pause(attempt)
    const before = await getById(store, id)

    const wanted = next(before)
    const after: StoredUser = {
      ...wanted,
      version: before.version + 1,
      sessionEpoch: endsSessions(before, wanted) ? before.sessionEpoch + 1 : wanted.sessionEpoch,
      pendingTokens: endsTokens(before, wanted) ? {} : wanted.pendingTokens
    }
    const result = isReigning(before) && !isReigning(after)
      ? await store.retire(id, before.version, after)
      : await store.replace(after, before.version)
    if (result === 'taken') throw new EmailTakenError()
    if (result === 'last') throw new LastSuperuserError()
    // Sessions of before are dead by their epoch. To remove them here could catch one that was begun since.
    if (result === true) return { before, after }
  }
  throw new ConflictError()
}

/** What a change that the user can see brings along. */
export function touched ({ clock }: Accounts): Pick<StoredUser, 'updatedAt'> {
  return { updatedAt: new Date(clock()).toISOString() }
}

/**
 * Removes a user, with everything that ends with it. `null` if there is none.
 *
 * @param allow throws where the user, as it is at that moment, is not what the caller took it for
 */
export async function removeUser (accounts: Accounts, id: string, allow: (current: StoredUser) => void): Promise<StoredUser | null> {
  const { store } = accounts
  for (let attempt = 0; attempt < tries; attempt++) {
    await pause(attempt)
    const user = await findById(store, id)
    if (user === null) return null
    allow(user)
    const result = isReigning(user) ? await store.retire(id, user.version, null) : await store.remove(id, user.version)
    if (result === 'last') throw new LastSuperuserError()
    if (result === true) {
      await forgetSessions(accounts, id)
      return user
    }
  }
  throw new ConflictError()
}

/** The first try again is at once: mostly nobody else is there any more. */
async function pause (attempt: number): Promise<void> {
  if (attempt > 1) await setTimeout(Math.random() * pauseMs)
}

/** Whether a user may do everything, and can log in to do so. One must always be left. */
function isReigning ({ isSuperuser, isActive }: StoredUser): boolean {
  return isSuperuser && isActive
}

/** Whoever held a session before one of these changes may be the one it was made against. */
function endsSessions (before: StoredUser, after: StoredUser): boolean {
  return before.passwordHash !== after.passwordHash ||
    before.emailKey !== after.emailKey ||
    (before.isActive && !after.isActive) ||
    (before.isSuperuser && !after.isSuperuser)
}

/** What was mailed was mailed to another address, for another password, or is to be proved anew. */
function endsTokens (before: StoredUser, after: StoredUser): boolean {
  return before.passwordHash !== after.passwordHash ||
    before.emailKey !== after.emailKey ||
    (before.isActive && !after.isActive) ||
    (before.isVerified && !after.isVerified)
}
