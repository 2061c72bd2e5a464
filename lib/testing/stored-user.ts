import { equal } from 'node:assert/strict'
import type { PendingToken, StoredUser, UserStore } from '../contracts/user-store.js'
import { randomId, timeOrderedId } from '../crypto/random.js'

export const aPendingToken: PendingToken = { digest: 'd'.repeat(43), expiresAt: 1_790_000_000_000 }

export function newEmailKey (): string {
  return `${randomId()}@example.com`
}

export function newUser (given: Partial<StoredUser> = {}): StoredUser {
  const emailKey = newEmailKey()
  return {
    id: timeOrderedId(Date.now()),
    email: emailKey,
    emailKey,
    passwordHash: '$argon2id$…',
    isActive: true,
    isVerified: false,
    isSuperuser: false,
    createdAt: '2026-01-02T03:04:05.006Z',
    updatedAt: '2026-01-02T03:04:05.006Z',
    version: 1,
    sessionEpoch: 0,
    pendingTokens: {},
    fields: {},
    ...given
  }
}

export async function inserted (store: UserStore, given?: Partial<StoredUser>): Promise<StoredUser> {
  const user = newUser(given)
  equal(await store.insert(user), true)
  return user
}

/** The next version of a user, with another value in each column that can change. */
export function changed (user: StoredUser): StoredUser {
  const emailKey = newEmailKey()
  return {
    id: user.id,
    email: `New.${emailKey}`,
    emailKey,
    passwordHash: user.passwordHash === null ? '$2b$…' : null,
    isActive: !user.isActive,
    isVerified: !user.isVerified,
    isSuperuser: !user.isSuperuser,
    createdAt: '2027-02-03T04:05:06.007Z',
    updatedAt: '2028-03-04T05:06:07.008Z',
    version: user.version + 1,
    sessionEpoch: user.sessionEpoch + 1,
    pendingTokens: Object.keys(user.pendingTokens).length === 0 ? { reset: aPendingToken } : {},
    fields: { changed: ['é', '👩‍🚀'] }
  }
}
