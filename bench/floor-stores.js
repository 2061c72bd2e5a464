// Where the floors look up users and sessions: by the bare client, and in one round trip.
import { join } from 'node:path'
import { postgresPool, redisClient } from './stores.js'

const userColumns = 'id, email, is_active, is_verified, is_superuser, created_at, updated_at, epoch'

/**
 * Each opens a store that has `users`, and `sessions` of `{ id, userId, epoch, expiresAt }`:
 *
 * - `userOf(id, endedId)`: the user with this id, unless something has ended by the other id
 * - `userOfSession(id)`: the user of a session that holds
 *
 * `null` if there is none; a promise where the client answers with one.
 */
export const openStore = {
  memory (users, sessions) {
    const byId = usersById(users)
    const ended = new Set()
    const sessionsById = new Map(sessions.map((session) => [session.id, session]))
    return {
      userOf: (id, endedId, epoch) => ended.has(endedId) ? null : activeUser(byId.get(id), epoch),
      userOfSession: (id) => userOfSession(sessionsById.get(id), byId)
    }
  },

  async redis (users, sessions, { prefix }) {
    const byId = usersById(users)
    const client = await redisClient()
    for (const session of sessions) await client.set(`${prefix}:${session.id}`, JSON.stringify(session))
    return {
      userOfSession: async (id) => {
        const text = await client.get(`${prefix}:${id}`)
        return text === null ? null : userOfSession(JSON.parse(text), byId)
      }
    }
  },

  async sqlite (users, sessions, { prefix, folder }) {
    const { default: Database } = await import('libsql')
    const database = new Database(join(folder, `${prefix}.db`))
    database.pragma('journal_mode = wal')
    const { fill, byUser, bySession } = statements(prefix, () => '?')
    await fill(users, sessions, (sql, values = []) => database.prepare(sql).run(...values))
    const [userById, userBySession] = [byUser, bySession].map((sql) => database.prepare(sql).raw())
    return {
      userOf: (id, endedId, epoch) => fromRow(userById.get(endedId, id), epoch),
      userOfSession: (id) => fromSessionRow(userBySession.get(id))
    }
  },

  async postgres (users, sessions, { prefix }) {
    const pool = await postgresPool()
    const { fill, byUser, bySession } = statements(prefix, (n) => `$${n}`)
    await fill(users, sessions, (text, values) => pool.query({ text, values }))
    const first = async (name, text, values) => (await pool.query({ name, text, values, rowMode: 'array' })).rows[0]
    return {
      userOf: async (id, endedId, epoch) => fromRow(await first('by_user', byUser, [endedId, id]), epoch),
      userOfSession: async (id) => fromSessionRow(await first('by_session', bySession, [id]))
    }
  }
}

function statements (prefix, placeholder) {
  const [users, sessions, ended] = ['users', 'sessions', 'ended'].map((table) => `${prefix}_${table}`)
  const values = (count) => `(${Array.from({ length: count }, (_, i) => placeholder(i + 1)).join(', ')})`
  const columns = userColumns.split(', ').map((column) => `u.${column}`).join(', ')

  return {
    async fill (people, rows, run) {
      await run(`create table ${users} (id varchar(36) primary key, email varchar(320) not null, is_active smallint not null, is_verified smallint not null,
        is_superuser smallint not null, created_at varchar(24) not null, updated_at varchar(24) not null, epoch integer not null)`)
      await run(`create table ${sessions} (id varchar(43) primary key, user_id varchar(36) not null, epoch integer not null, expires_at bigint not null)`)
      await run(`create table ${ended} (id varchar(64) primary key)`)
      for (const { id, email, isActive, isVerified, isSuperuser, createdAt, updatedAt } of people) {
        await run(`insert into ${users} (${userColumns}) values ${values(8)}`, [id, email, Number(isActive), Number(isVerified), Number(isSuperuser), createdAt, updatedAt, 0])
      }
      for (const { id, userId, epoch, expiresAt } of rows) await run(`insert into ${sessions} values ${values(4)}`, [id, userId, epoch, expiresAt])
    },
    byUser: `select ${columns}, (select 1 from ${ended} e where e.id = ${placeholder(1)}) from ${users} u where u.id = ${placeholder(2)}`,
    bySession: `select ${columns}, s.epoch, s.expires_at from ${sessions} s join ${users} u on u.id = s.user_id where s.id = ${placeholder(1)}`
  }
}

function fromRow (row, epoch) {
  return row === undefined || row[8] !== null ? null : toUser(row, epoch)
}

function fromSessionRow (row) {
  return row === undefined || !(Number(row[9]) > Date.now()) ? null : toUser(row, row[8])
}

function toUser ([id, email, isActive, isVerified, isSuperuser, createdAt, updatedAt, epoch], wanted) {
  if (isActive !== 1 || epoch !== wanted) return null
  return { id, email, isActive: true, isVerified: isVerified === 1, isSuperuser: isSuperuser === 1, createdAt, updatedAt }
}

function usersById (users) {
  return new Map(users.map((user) => [user.id, { user, isActive: true, epoch: 0 }]))
}

function userOfSession (session, byId) {
  if (session === undefined || !(session.expiresAt > Date.now())) return null
  return activeUser(byId.get(session.userId), session.epoch)
}

function activeUser (stored, epoch) {
  return stored !== undefined && stored.isActive && stored.epoch === epoch ? stored.user : null
}
