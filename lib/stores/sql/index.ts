/**
 * Users, sessions, ended tokens and limits in a SQL database.
 *
 * @module fastify-users/sql
 */
export { mysql } from './mysql.js'
export { postgres } from './postgres.js'
export { sqlite } from './sqlite.js'
export type { MysqlConnection, MysqlExecutable, MysqlPool } from './mysql.js'
export type { PostgresConnection, PostgresPool, PostgresQueryable } from './postgres.js'
export type { SqliteDatabase, SqliteStatement } from './sqlite.js'
export type { SqlStoreOptions, SqlUserStore } from './open.js'
export type { SqlValue } from './client.js'
