import { listQuery } from './account.js'

/** The JSON schema of a session, as its owner sees it. */
export const sessionSchema = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    backend: { type: 'string' },
    createdAt: { type: 'string', format: 'date-time' },
    lastSeenAt: { type: 'string', format: 'date-time', description: 'Give or take a minute.' },
    expiresAt: { type: 'string', format: 'date-time', description: 'When it ends unless it is used.' },
    ip: { type: 'string', nullable: true },
    userAgent: { type: 'string', nullable: true },
    current: { type: 'boolean', description: 'Whether the request belongs to it.' }
  },
  required: ['id', 'backend', 'createdAt', 'lastSeenAt', 'expiresAt', 'ip', 'userAgent', 'current']
} as const

/** The query of a list of sessions. */
export const sessionQuery = {
  type: 'object',
  properties: { limit: listQuery.properties.limit, cursor: listQuery.properties.cursor }
} as const
