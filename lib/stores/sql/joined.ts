import type { JoinedLookUps } from '../../contracts/user-store.js'
import { andThen } from '../../maybe-promise.js'
import { hasNul, type SqlClient, type SqlTables } from './client.js'
import { sessionColumns, toSession } from './sessions.js'
import { columns, toUser } from './user-row.js'

/** What a guarded request asks for, in one statement where the parts would take two. */
export function sqlJoined (client: SqlClient, { users, sessions, revocations }: SqlTables, of: JoinedLookUps['of']): JoinedLookUps {
  const ofUser = columns.map((column) => `u.${column}`).join(', ')
  const ofSession = sessionColumns.map((column) => `s.${column} as s_${column}`).join(', ')
  const selectBySession = `select ${ofUser}, ${ofSession} from ${sessions} s left join ${users} u on u.id = s.user_id where s.id = ?`
  const selectWithRevocation = `select ${ofUser}, (select count(*) from ${revocations} where id = ?) as revoked from ${users} u where u.id = ?`

  return {
    of,

    bySession (sessionId) {
      if (hasNul(sessionId)) return null
      return andThen(client.query(selectBySession, [sessionId]), ([row]) => {
        if (row === undefined) return null
        const session = toSession({ id: row.s_id, user_id: row.s_user_id, created_at: row.s_created_at, last_seen_at: row.s_last_seen_at, expires_at: row.s_expires_at, version: row.s_version, data: row.s_data })
        return { session, user: row.id === null ? null : toUser(row) }
      })
    },

    withRevocation (id, tokenId) {
      if (hasNul(id) || hasNul(tokenId)) return { user: null, isRevoked: false }
      return andThen(client.query(selectWithRevocation, [tokenId, id]), ([row]) => {
        return row === undefined ? { user: null, isRevoked: false } : { user: toUser(row), isRevoked: Number(row.revoked) !== 0 }
      })
    }
  }
}
