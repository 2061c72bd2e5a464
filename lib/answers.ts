import type { StoredSession } from './contracts/session-store.js'
import type { StoredUser } from './contracts/user-store.js'

/** Tells whether a store may answer so to what it was asked. */
export type MayAnswer = (answer: unknown, ...asked: never[]) => boolean

/**
 * What the methods of a store of users may answer. Stores may be anybody's, and an answer that is none of these is neither yes nor no: a
 * count where `true` is meant, a row without its columns, or a row that nobody has asked for.
 */
export const userAnswers = {
  insert: isBoolean,
  findById: (answer: unknown, id: string) => isNobody(answer) || (isUser(answer) && answer.id === id),
  findByEmail: (answer: unknown, emailKey: string) => isNobody(answer) || (isUser(answer) && answer.emailKey === emailKey),
  list: (answer: unknown) => Array.isArray(answer) && answer.every(isUser),
  replace: (answer: unknown) => isBoolean(answer) || answer === 'taken',
  remove: isBoolean,
  retire: (answer: unknown) => isBoolean(answer) || answer === 'taken' || answer === 'last'
}

/** The same of a store of sessions, as far as it is asked by those who see and end them. */
export const sessionAnswers = {
  find: (answer: unknown, id: string) => isNobody(answer) || (isSession(answer) && answer.id === id),
  list: (answer: unknown, { userId }: { readonly userId: string }) => Array.isArray(answer) && answer.every((row) => isSession(row) && row.userId === userId),
  remove: isBoolean,
  removeAll: () => true,
  purge: Number.isSafeInteger
}

/** The same of a store of limits: whatever is no `null` counts nothing, and so lets nobody try. */
export const limitAnswers = {
  take: (answer: unknown) => answer === null || Number.isSafeInteger(answer),
  giveBack: () => true,
  clear: () => true,
  purge: Number.isSafeInteger
}

export function isBoolean (answer: unknown): answer is boolean {
  return typeof answer === 'boolean'
}

/** Some say `undefined` for nobody. */
function isNobody (answer: unknown): boolean {
  return answer === null || answer === undefined
}

/** Whether a row has all that is decided by. */
function isUser (row: unknown): row is StoredUser {
  const { id, email, emailKey, passwordHash, isActive, isVerified, isSuperuser, version, sessionEpoch, pendingTokens, fields } = Object(row) as Record<keyof StoredUser, unknown>
  return [id, email, emailKey, passwordHash ?? ''].every((text) => typeof text === 'string') && passwordHash !== undefined &&
    [isActive, isVerified, isSuperuser].every(isBoolean) && [version, sessionEpoch].every(Number.isSafeInteger) && [pendingTokens, fields].every(isMap)
}

/** Whether a row has all that is decided by, and written back. Each request comes by here, so it makes nothing. */
export function isSession (row: unknown): row is StoredSession {
  if (typeof row !== 'object' || row === null) return false
  const { id, userId, createdAt, lastSeenAt, expiresAt, version, data } = row as Record<keyof StoredSession, unknown>
  if (typeof data !== 'object' || data === null) return false
  const { backend, epoch, authenticatedAt, endsAt, idleMs, accessExpiresAt, accessDigest, refresh } = data as Record<keyof StoredSession['data'], unknown>
  return typeof id === 'string' && typeof userId === 'string' && typeof backend === 'string' &&
    Number.isSafeInteger(createdAt) && Number.isSafeInteger(lastSeenAt) && Number.isSafeInteger(expiresAt) && Number.isSafeInteger(version) &&
    Number.isSafeInteger(epoch) && Number.isSafeInteger(authenticatedAt) && Number.isSafeInteger(endsAt) && Number.isSafeInteger(accessExpiresAt) &&
    idleMs !== undefined && accessDigest !== undefined && refresh !== undefined
}

function isMap (value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
