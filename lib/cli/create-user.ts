import { isAddress } from '../email.js'
import { InvalidUserError, UserAlreadyExistsError } from '../errors.js'
import { reservedNames } from '../schemas/user.js'
import type { DatabaseOptions } from './database.js'
import { CliError } from './errors.js'
import { readPassword } from './password.js'
import { print, type Streams } from './run.js'
import { withUsers } from './users.js'

export interface CreateUserOptions extends DatabaseOptions {
  readonly email: string
  /** `false`: the account has no password. Default `true`. */
  readonly password?: boolean | undefined
  readonly superuser?: boolean | undefined
  readonly verified?: boolean | undefined
  readonly inactive?: boolean | undefined
  /** The application's own fields: a JSON object. */
  readonly fields?: string | undefined
}

/** Adds a user and prints the id. */
export async function createUser (options: CreateUserOptions, streams: Streams): Promise<void> {
  const { email, password = true, superuser = false, verified = false, inactive = false, fields = '{}' } = options
  const ownFields = parseFields(fields)
  if (!isAddress(email)) throw new InvalidUserError('EMAIL must be an e-mail address.')

  await withUsers(options, async (users) => {
    // Before anybody is asked for a password.
    if (await users.getByEmail(email) !== null) throw new UserAlreadyExistsError()
    const { id } = await users.create({
      ...ownFields,
      email,
      password: password ? await readPassword(streams) : null,
      // Whoever makes somebody a superuser vouches for the address.
      isVerified: verified || superuser,
      isSuperuser: superuser,
      isActive: !inactive
    })
    await print(streams.stdout, `${id}\n`)
  })
}

function parseFields (json: string): Record<string, unknown> {
  const fields = parsed(json)
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new CliError('--fields must be a JSON object, such as \'{"nickname":"Ann"}\'.')
  const taken = Object.keys(fields).find((name) => reservedNames.includes(name))
  if (taken !== undefined) throw new CliError(`--fields is for fields of the application: ${taken} is none.`)
  return fields as Record<string, unknown>
}

/** The error of the parser is dropped, as it quotes the text. */
function parsed (json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
