import { SchemaVersionError } from '../../errors.js'
import { andThen, type MaybePromise } from '../../maybe-promise.js'
import { orElse, type SqlClient, type SqlDialect, type SqlExecutor, type SqlTables } from './client.js'

/**
 * The steps from an empty database to the tables of today: the first one leads to version 1, and so on. A step that was
 * released is never changed, only followed. Its statements can be run again, because MySQL cannot take back a
 * `create table`: a step that was cut off in the middle is begun anew.
 */
const steps: ReadonlyArray<(tables: SqlTables, dialect: SqlDialect) => readonly string[]> = [
  ({ users, revocations, sessions, limits }, { idType, longText, tableOptions }) => [
    // An id stands in a table once, so what is unique with an id is so anyway. Said this way, all databases make the index: on
    // superusers, whom others wait for to be looked up, and on expires_at.
    `create table if not exists ${users} (
      id ${idType(36)} not null primary key,
      email varchar(320) not null,
      email_key varchar(320) not null,
      password_hash varchar(512),
      is_active smallint not null,
      is_verified smallint not null,
      is_superuser smallint not null,
      created_at varchar(24) not null,
      updated_at varchar(24) not null,
      version integer not null,
      session_epoch integer not null,
      pending_tokens ${longText},
      fields ${longText} not null,
      unique (email_key),
      unique (is_superuser, is_active, id)
    ) ${tableOptions}`,
    `create table if not exists ${revocations} (
      id varchar(64) not null primary key,
      expires_at bigint not null,
      unique (expires_at, id)
    ) ${tableOptions}`,
    // The id of a session is longer than that of a user, and sorts by its bytes too. The indexes are for a user's list and for
    // the purge, and end with the id, so that both know an order among sessions of one time.
    `create table if not exists ${sessions} (
      id ${idType(43)} not null primary key,
      user_id ${idType(36)} not null,
      created_at bigint not null,
      last_seen_at bigint not null,
      expires_at bigint not null,
      version integer not null,
      data ${longText} not null,
      unique (user_id, created_at, id),
      unique (expires_at, id)
    ) ${tableOptions}`,
    `create table if not exists ${limits} (
      id ${idType(43)} not null primary key,
      empty_at bigint not null,
      unique (empty_at, id)
    ) ${tableOptions}`
  ]
]

/** The version of the tables that this release reads and writes. */
export const schemaVersion = steps.length

/** The version of the tables that are there; 0 if there are none. */
export function readVersion (client: SqlClient, tables: SqlTables): MaybePromise<number> {
  return orElse(() => lastVersion(client, tables), (error) => {
    if (client.isMissingTable(error)) return 0
    throw error
  })
}

/** @throws SchemaVersionError if the tables are not those of this release */
export async function checkVersion (client: SqlClient, tables: SqlTables): Promise<void> {
  const found = await readVersion(client, tables)
  if (found !== schemaVersion) throw new SchemaVersionError(found, schemaVersion)
}

/**
 * Runs the steps that are missing. One process does so at a time, the others wait and find the work done. Where nothing
 * is missing it only reads, so an account that may not create tables will do.
 *
 * @throws SchemaVersionError if a later release has migrated the tables already
 */
export async function migrate (client: SqlClient, tables: SqlTables, lockName: string): Promise<void> {
  if (await readVersion(client, tables) < schemaVersion) {
    await client.exclusively(lockName, (database) => runSteps(database, tables, client.dialect))
  }
  await checkVersion(client, tables)
}

// On SQLite all of this happens in one go: no statement of somebody else can get into the transaction.
function runSteps (database: SqlExecutor, tables: SqlTables, dialect: SqlDialect): MaybePromise<void> {
  const record = `insert into ${tables.migrations} (version, applied_at) values (?, ?)`
  const createRecords = `create table if not exists ${tables.migrations} (
    version integer not null primary key,
    applied_at varchar(24) not null
  ) ${dialect.tableOptions}`

  function runFrom (version: number): MaybePromise<void> {
    const step = steps[version]
    if (step === undefined) return undefined
    const done = inOrder(step(tables, dialect), (sql) => database.execute(sql, []))
    const recorded = andThen(done, () => database.execute(record, [version + 1, new Date().toISOString()]))
    return andThen(recorded, () => runFrom(version + 1))
  }

  const created = database.execute(createRecords, [])
  return andThen(andThen(created, () => lastVersion(database, tables)), runFrom)
}

function lastVersion (database: SqlExecutor, { migrations }: SqlTables): MaybePromise<number> {
  return andThen(database.queryOne(`select max(version) from ${migrations}`, []), (row) => Number(row?.[0] ?? 0))
}

function inOrder<T> (items: readonly T[], run: (item: T) => MaybePromise<unknown>): MaybePromise<unknown> {
  return items.reduce<MaybePromise<unknown>>((before, item) => andThen(before, () => run(item)), undefined)
}
