import { SchemaVersionError } from '../errors.js'
import { withStore, type DatabaseOptions } from './database.js'
import { versionsIn } from './errors.js'
import { print, type Streams } from './run.js'

/** Makes the tables, or brings them up to date, and says what it did. */
export async function migrate (options: DatabaseOptions, { stdout }: Streams): Promise<void> {
  const stale = await staleness(options)
  if (stale === null) return await print(stdout, 'The tables are up to date.\n')

  await withStore({ ...options, migrate: true }, { create: true }, async () => {
    const { found, needed } = versionsIn(stale)
    await print(stdout, `The tables were migrated from version ${found} to version ${needed}.\n`)
  })
}

/** How the tables differ from those of this release; `null` if they do not. */
async function staleness (options: DatabaseOptions): Promise<Error | null> {
  try {
    return await withStore({ ...options, migrate: false }, { create: true }, async () => null)
  } catch (error) {
    if (error instanceof SchemaVersionError) return error
    throw error
  }
}
