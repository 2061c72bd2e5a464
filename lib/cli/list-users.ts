import type { User } from '../contracts/user.js'
import type { DatabaseOptions } from './database.js'
import { CliError } from './errors.js'
import { printable } from './printable.js'
import { print, type Streams } from './run.js'
import { withUsers } from './users.js'

export interface ListUsersOptions extends DatabaseOptions {
  /** Only users whose address holds this text, in whatever case. */
  readonly email?: string | undefined
  readonly superusers?: boolean | undefined
  readonly json?: boolean | undefined
  /** At most so many. Default: all. */
  readonly limit?: number | undefined
}

const PAGE = 100

/** Prints users, the oldest first, page by page: there may be more of them than fit the memory. */
export async function listUsers (options: ListUsersOptions, { stdout }: Streams): Promise<void> {
  const { email, superusers = false, json = false, limit = Infinity } = options
  if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit > 0)) throw new CliError('--limit must be a whole number from 1.')
  const toLine = json ? toJson : toRow

  await withUsers(options, async (users) => {
    if (!json) await print(stdout, header)
    let left = limit
    for (let cursor: string | null | undefined; cursor !== null && left > 0;) {
      const page = await users.list({ cursor, email, limit: PAGE })
      const chosen = page.items.filter(({ isSuperuser }) => isSuperuser || !superusers).slice(0, left)
      await print(stdout, chosen.map(toLine).join(''))
      left -= chosen.length
      cursor = page.nextCursor
    }
  })
}

function toJson (user: User): string {
  return `${printable(JSON.stringify(user))}\n`
}

// The widths are known before the users are: the address, whose is not, comes last.
const header = columns('id', 'created', 'active', 'verified', 'superuser', 'email')

function toRow ({ id, createdAt, isActive, isVerified, isSuperuser, email }: User): string {
  return columns(id, createdAt, yesNo(isActive), yesNo(isVerified), yesNo(isSuperuser), email)
}

function columns (id: string, created: string, active: string, verified: string, superuser: string, email: string): string {
  return `${printable([id.padEnd(36), created.padEnd(24), active.padEnd(6), verified.padEnd(8), superuser.padEnd(9), email].join('  '))}\n`
}

function yesNo (value: boolean): string {
  return value ? 'yes' : 'no'
}
