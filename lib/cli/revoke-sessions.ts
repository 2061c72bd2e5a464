import { UserNotFoundError } from '../errors.js'
import type { DatabaseOptions } from './database.js'
import { print, type Streams } from './run.js'
import { withUsers } from './users.js'

export interface RevokeSessionsOptions extends DatabaseOptions {
  readonly email: string
}

/** Ends all sessions of a user. */
export async function revokeSessions (options: RevokeSessionsOptions, { stdout }: Streams): Promise<void> {
  await withUsers(options, async (users) => {
    const user = await users.getByEmail(options.email)
    if (user === null || !await users.revokeSessions(user.id)) throw new UserNotFoundError()
    await print(stdout, `All sessions of ${user.id} have ended.\n`)
  })
}
