import { randomBytes } from 'node:crypto'
import { CliError } from './errors.js'
import { print, type Streams } from './run.js'

export interface SecretOptions {
  /** How many random bytes: 32 to 1,024. They become a third more characters. */
  readonly bytes: number
}

/** Prints a secret for `jwt({ secret })`. */
export async function secret ({ bytes }: SecretOptions, { stdout }: Streams): Promise<void> {
  if (!Number.isSafeInteger(bytes) || bytes < 32 || bytes > 1024) throw new CliError('--bytes must be a whole number from 32 to 1024.')
  await print(stdout, `${randomBytes(bytes).toString('base64url')}\n`)
}
