import { isPromise, type MaybePromise } from '../../maybe-promise.js'

/** What goes into a statement in the place of a `?`. */
export type SqlValue = string | number | null

/** A row: its values, in the order in which they were selected. Which JavaScript type a number comes in differs from driver to driver. */
export type SqlRow = readonly unknown[]

/** Runs one statement. Values never become part of the text. */
export interface SqlExecutor {
  /** Runs a statement that reads. */
  query (sql: string, values: readonly SqlValue[]): MaybePromise<readonly SqlRow[]>
  /** The same, for the first row alone. */
  queryOne (sql: string, values: readonly SqlValue[]): MaybePromise<SqlRow | undefined>
  /** Runs a statement that writes; says how many rows it touched. */
  execute (sql: string, values: readonly SqlValue[]): MaybePromise<number>
}

/** The few words that the databases do not share. */
export interface SqlDialect {
  /** What stands around a name, so that a table may be called `user`. */
  readonly quote: '"' | '`'
  /** A column type that holds a text of any length. */
  readonly longText: string
  /** A column type for ids of up to so many characters, which sorts by their bytes. */
  readonly idType: (length: number) => string
  /** The function that says where in a text another one begins, from 1, and 0 where it does not. Upper and lower case differ. */
  readonly position: 'instr' | 'strpos'
  /** A statement that adds a row, or, where one of its key is there, nothing. */
  readonly insertIfNew: (table: string, columns: readonly string[]) => string
  /** What follows the closing parenthesis of `create table`. */
  readonly tableOptions: string
}

/** All that the stores ask of a database: one file per driver fulfils it. */
export interface SqlClient extends SqlExecutor {
  readonly dialect: SqlDialect
  /** `true` if the database is gone when the process ends. */
  readonly ephemeral: boolean
  /** Whether a statement failed because a unique index has the value already. */
  isDuplicate (error: unknown): boolean
  /** Whether a statement failed because its table is not there. */
  isMissingTable (error: unknown): boolean
  /**
   * What `work` returns, which is run while nobody else, in whatever process, runs work of the same name. `work` uses the
   * executor it is given and no other: that one alone holds the lock. It sees all that earlier holders of the lock have done.
   * A duplicate that it recovers from is its last statement: on PostgreSQL the transaction is then rolled back.
   *
   * @param name at most 64 characters
   * @throws an error of the database, if the lock is not to be had in time
   */
  exclusively<T> (name: string, work: (database: SqlExecutor) => MaybePromise<T>): MaybePromise<T>
  /** Lets go of what the client itself has opened. Closing twice is closing once. */
  close (): void
}

/** The tables of one store, quoted. */
export interface SqlTables {
  readonly users: string
  readonly revocations: string
  readonly sessions: string
  readonly limits: string
  readonly migrations: string
}

/** @param prefix has been checked to be a plain name */
export function tableNames (prefix: string, { quote }: SqlDialect): SqlTables {
  return {
    users: `${quote}${prefix}${quote}`,
    revocations: `${quote}${prefix}_revocations${quote}`,
    sessions: `${quote}${prefix}_sessions${quote}`,
    limits: `${quote}${prefix}_limits${quote}`,
    migrations: `${quote}${prefix}_migrations${quote}`
  }
}

/** Of the databases that know `on conflict`. */
export function insertOnConflict (table: string, columns: readonly string[]): string {
  return `insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')}) on conflict do nothing`
}

/** What `run` gives, or what `recover` makes of its failure, whether that is thrown at once or comes with a promise. */
export function orElse<T, R> (run: () => MaybePromise<T>, recover: (error: unknown) => R): MaybePromise<T | R> {
  try {
    const result = run()
    return isPromise(result) ? result.catch(recover) : result
  } catch (error) {
    return recover(error)
  }
}

/** Whether the database has undone a statement, so that another one with which it waited in a circle could go on. */
export function isDeadlock (error: unknown): boolean {
  return errorCode(error) === '40P01' || errorCode(error) === 'ER_LOCK_DEADLOCK'
}

/** PostgreSQL has no NUL in a text and fails when asked for one; no row can have it. */
export function hasNul (value: string): boolean {
  return value.includes('\0')
}

/** The `code` by which drivers tell their errors apart. */
export function errorCode (error: unknown): unknown {
  return (error as { code?: unknown } | null | undefined)?.code
}
