import { SchemaVersionError, UnavailableError } from '../errors.js'

/** What went wrong, in a line for whoever typed the command. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: number

  constructor (message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Says in a line what was to be expected, such as a taken address. `null` for everything else: its stack is needed. */
export function explain (error: unknown): string | null {
  if (error instanceof CliError) return error.message
  if (error instanceof UnavailableError) return ofDatabase(error.cause)
  if (error instanceof SchemaVersionError) {
    const { found, needed } = versionsIn(error)
    return `The tables have version ${found}, this release needs ${needed}: run fastify-users migrate, or update the package.`
  }
  const { code, message, reason = '' } = Object(error) as Record<string, unknown>
  return /^(?:FST_USERS|REGISTER|USER)_/.test(String(code)) ? `${String(message)} ${String(reason)}`.trim() : null
}

/** The version of the tables, and that of this release, as the error's message names them. */
export function versionsIn ({ message }: Error): { found: string | undefined, needed: string | undefined } {
  const [, found, needed] = message.split(/\D+/)
  return { found, needed }
}

/** The operator needs what the driver says: `database "app" does not exist`. Where a name has several addresses, it gives only a code. */
function ofDatabase (cause: unknown): string {
  const { code, message } = Object(cause) as Record<string, unknown>
  const said = [code, message].filter(Boolean).join(': ')
  return `The database failed: ${said.replace(/^(\w+: )\1/, '$1')}`
}
