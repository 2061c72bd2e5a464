import type { RateLimitStore } from '../../contracts/rate-limit-store.js'
import type { RevocationStore } from '../../contracts/revocation-store.js'
import type { SessionStore } from '../../contracts/session-store.js'
import type { UserStore } from '../../contracts/user-store.js'
import { BadOptionsError } from '../../errors.js'
import type { MaybePromise } from '../../maybe-promise.js'
import { tableNames, type SqlClient } from './client.js'
import { sqlJoined } from './joined.js'
import { checkVersion, migrate } from './migrations.js'
import { sqlRateLimits } from './rate-limits.js'
import { sqlRevocations } from './revocations.js'
import { sqlSessions } from './sessions.js'
import { sqlUsers } from './user-store.js'

/** What `sqlite`, `postgres` and `mysql` take beside the database. */
export interface SqlStoreOptions {
  /**
   * The name of the users' table, and what the names of the others begin with: `…_sessions`, `…_revocations`, `…_limits`,
   * `…_migrations`. A lower-case letter, then up to 40 lower-case letters, digits and underscores.
   *
   * @defaultValue `'fastify_users'`
   */
  readonly tablePrefix?: string | undefined
  /**
   * Whether to make the tables, or bring them up to date, as the store is opened; where other processes do so at the same
   * time, one works and the others wait, 30 seconds at most (SQLite: as long as its `busy_timeout`). `false` only checks
   * that they are those that this release needs.
   *
   * @defaultValue `true`
   */
  readonly migrate?: boolean | undefined
}

/** A user store whose users, sessions, ended sessions and counters of attempts are rows of a SQL database. */
export interface SqlUserStore extends UserStore {
  readonly revocations: RevocationStore
  readonly sessions: SessionStore
  readonly limits: RateLimitStore
  /**
   * Makes the tables, or brings them up to date. Safe to call again, and from many processes at once.
   *
   * @throws SchemaVersionError if a later release has migrated the tables already
   */
  migrate (): Promise<void>
  /** Closes what the store itself has opened: a file, but never a pool or a handle that it was given. */
  close (): void
}

/** The one way to a SQL store: `connect` is what the three databases differ in. */
export async function openStore (options: SqlStoreOptions, connect: () => MaybePromise<SqlClient>): Promise<SqlUserStore> {
  const { tablePrefix, migrate: migrateNow } = checked(options)
  const client = await connect()
  const tables = tableNames(tablePrefix, client.dialect)
  const lockName = `fastify-users:${tablePrefix}`
  const migrateAll = (): Promise<void> => migrate(client, tables, lockName)

  try {
    await (migrateNow ? migrateAll() : checkVersion(client, tables))
  } catch (error) {
    client.close()
    throw error
  }

  const parts = {
    ...sqlUsers(client, tables.users, `${lockName}:retire`),
    revocations: sqlRevocations(client, tables.revocations),
    sessions: sqlSessions(client, tables.sessions)
  }
  return {
    ...parts,
    joined: sqlJoined(client, tables, parts),
    limits: sqlRateLimits(client, tables.limits),
    ephemeral: client.ephemeral,
    migrate: migrateAll,
    close: () => client.close()
  }
}

function checked (options: SqlStoreOptions): { tablePrefix: string, migrate: boolean } {
  const { tablePrefix = 'fastify_users', migrate = true, ...unknown } = options
  const complaints = Object.keys(unknown).map((name) => `options.${name} is not known`)
  if (typeof tablePrefix !== 'string' || !/^[a-z][a-z0-9_]{0,40}$/.test(tablePrefix)) {
    complaints.push('options.tablePrefix must be a lower-case letter, then up to 40 lower-case letters, digits and underscores')
  }
  if (typeof migrate !== 'boolean') complaints.push('options.migrate must be true or false')
  if (complaints.length > 0) throw new BadOptionsError(`${complaints.join('; ')}.`)
  return { tablePrefix, migrate }
}
