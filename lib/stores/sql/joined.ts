import type { StoredSession } from '../../contracts/session-store.js'
import type { JoinedLookUps, SeenUser } from '../../contracts/user-store.js'
import { isPromise, type MaybePromise } from '../../maybe-promise.js'
import { hasNul, type SqlClient, type SqlRow, type SqlTables } from './client.js'
import { toSessionData } from './sessions.js'
import { seenColumns, toSeenUser } from './user-row.js'

/** What a guarded request asks for, in one statement where the parts would take two. */
export function sqlJoined (client: SqlClient, { users, sessions, revocations }: SqlTables, of: JoinedLookUps['of']): JoinedLookUps {
  const ofUser = seenColumns.map((column) => `u.${column}`).join(', ')
  // All databases compare ids by their bytes, so neither the session's id nor its user's need come back.
  // No two columns of one name: where rows come as objects, one would be lost.
  const ofSession = 's.created_at as s_created_at, s.last_seen_at, s.expires_at, s.version, s.data'
  const selectBySession = `select ${ofUser}, ${ofSession} from ${sessions} s join ${users} u on u.id = s.user_id where s.id = ?`
  const selectWithRevocation = `select ${ofUser}, (select count(*) from ${revocations} where id = ?) from ${users} u where u.id = ?`

  return {
    of,

    bySession (sessionId) {
      if (hasNul(sessionId)) return null
      const row = client.queryOne(selectBySession, [sessionId])
      return isRow(row) || !isPromise(row) ? toBoth(row, sessionId) : toBothLater(row, sessionId)
    },

    withRevocation (id, tokenId) {
      if (hasNul(id) || hasNul(tokenId)) return nobody
      const row = client.queryOne(selectWithRevocation, [tokenId, id])
      return isRow(row) || !isPromise(row) ? toAnswer(row) : row.then(toAnswer)
    }
  }
}

const nobody = Object.freeze({ user: null, isRevoked: false })

function isRow (row: MaybePromise<SqlRow | undefined>): row is SqlRow {
  return Array.isArray(row)
}

function toBoth (row: SqlRow | undefined, id: string): { readonly session: StoredSession, readonly user: SeenUser } | null {
  if (row === undefined) return null
  const user = toSeenUser(row)
  const at = seenColumns.length
  return {
    session: {
      id,
      userId: user.id,
      createdAt: Number(row[at]),
      lastSeenAt: Number(row[at + 1]),
      expiresAt: Number(row[at + 2]),
      version: Number(row[at + 3]),
      data: toSessionData(row[at + 4], id)
    },
    user
  }
}

async function toBothLater (row: Promise<SqlRow | undefined>, id: string): Promise<ReturnType<typeof toBoth>> {
  return toBoth(await row, id)
}

function toAnswer (row: SqlRow | undefined): { readonly user: SeenUser | null, readonly isRevoked: boolean } {
  return row === undefined ? nobody : { user: toSeenUser(row), isRevoked: Number(row[seenColumns.length]) !== 0 }
}
