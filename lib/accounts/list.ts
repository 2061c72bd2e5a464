import type { StoredUser } from '../contracts/user-store.js'
import type { User } from '../contracts/user.js'
import { InvalidUserError } from '../errors.js'
import type { Accounts } from './accounts.js'
import { emailKey } from '../email.js'
import { isId } from './find.js'
import { toUser } from './to-user.js'

/** Which users a page shall hold. */
export interface ListQuery {
  /** At most so many: 1 to 100. Default 50. */
  readonly limit?: number | undefined
  /** The `nextCursor` of the page before. Default: the first page. */
  readonly cursor?: string | undefined
  /** Only users whose address holds this text, in whatever case. */
  readonly email?: string | undefined
}

/** A page of users, the oldest first. */
export interface UserPage {
  readonly items: readonly User[]
  /** For the next page; `null` on the last one. */
  readonly nextCursor: string | null
}

/** Users, page by page. A user who comes or goes meanwhile moves nobody else to another page. */
export async function list ({ store }: Pick<Accounts, 'store'>, { limit = 50, cursor, email }: ListQuery): Promise<UserPage> {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 100) throw new InvalidUserError('limit must be a whole number from 1 to 100')
  if (cursor !== undefined && !isId(cursor)) throw new InvalidUserError('cursor must be the nextCursor of another page')
  if (email !== undefined && (typeof email !== 'string' || email.includes('\0'))) throw new InvalidUserError('email must be a text')

  const users = await store.list({ after: cursor ?? null, limit: limit + 1, emailPart: email === undefined ? null : emailKey(email) })
  const items = users.slice(0, limit)
  return { items: items.map(toUser), nextCursor: users.length > limit ? (items.at(-1) as StoredUser).id : null }
}
