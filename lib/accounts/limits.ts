import type { FastifyRequest } from 'fastify'
import { clientNameOf } from '../client-name.js'
import type { StoredUser } from '../contracts/user-store.js'
import { emailKey } from '../email.js'
import { countersOf, keyOf, type Counter, type Limited } from '../rate-limiter.js'
import type { Accounts } from './accounts.js'

/** What a request counts against for where it comes from. */
export function clientCounters ({ limits }: Accounts, what: Limited, { ip }: Pick<FastifyRequest, 'ip'>, onSuccess: Counter['onSuccess']): readonly Counter[] {
  return countersOf(limits, what, 'perClient', clientNameOf(ip), onSuccess)
}

/** What a login at this address counts against, whether there is an account or not: the client, if that is known, and then the account. */
export function loginCounters (accounts: Accounts, email: string, request: FastifyRequest | null): readonly Counter[] {
  const { limits } = accounts
  // Whatever a route of the application hands on.
  const who = typeof email === 'string' ? emailKey(email) : ''
  const client = request === null ? [] : clientCounters(accounts, 'login', request, 'give-back')
  return [...client, ...countersOf(limits, 'login', 'perAccount', who, 'forget'), ...countersOf(limits, 'login', 'inARow', who, 'forget')]
}

/**
 * What a proof by the current password counts against. Not what logins do: strangers who fail to log in shall stop nobody who is
 * logged in.
 */
export function proofCounters ({ limits }: Accounts, userId: string): readonly Counter[] {
  return [...countersOf(limits, 'currentPassword', 'perAccount', userId, 'forget'), ...countersOf(limits, 'currentPassword', 'inARow', userId, 'forget')]
}

/** What a mail counts against: where it goes, or whose doing it is. */
export function mailCounters ({ limits }: Accounts, what: Limited, who: string): readonly Counter[] {
  return countersOf(limits, what, 'perAccount', who, 'keep')
}

/** Whether a user may be sent another mail of this kind now: if so, it is counted. By the address: an account may be removed, and registered anew. */
export async function mayMail (accounts: Accounts, what: Limited, { emailKey }: Pick<StoredUser, 'emailKey'>): Promise<boolean> {
  return (await accounts.limiter.begin(mailCounters(accounts, what, emailKey))).refusal === null
}

/** Whatever was guessed at a user's password counts no more: somebody has proved to be that user, or vouches for them. */
export async function forgetGuesses ({ limiter }: Accounts, { id, emailKey }: StoredUser): Promise<void> {
  await limiter.forget([
    keyOf('login', 'perAccount', emailKey), keyOf('login', 'inARow', emailKey),
    keyOf('currentPassword', 'perAccount', id), keyOf('currentPassword', 'inARow', id)
  ])
}
