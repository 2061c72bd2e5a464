import { UserNotFoundError } from '../errors.js'
import type { DatabaseOptions } from './database.js'
import { print, type Streams } from './run.js'
import { withUsers } from './users.js'

export interface UnlockOptions extends DatabaseOptions {
  readonly email: string
}

/** Lets a user log in whose password was guessed at too often. */
export async function unlock (options: UnlockOptions, { stdout }: Streams): Promise<void> {
  await withUsers(options, async (users) => {
    const user = await users.getByEmail(options.email)
    if (user === null || !await users.unlock(user.id)) throw new UserNotFoundError()
    await print(stdout, `${user.id} may log in again.\n`)
  })
}
