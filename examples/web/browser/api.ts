// Calls the plugin's routes. The cookie goes along by itself; no script can read it.
import { leave } from './dom.js'
import { explain } from './problems.js'

export interface User {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly isActive: boolean
  readonly isVerified: boolean
  readonly isSuperuser: boolean
  readonly createdAt: string
}

export interface Session {
  readonly id: string
  readonly createdAt: string
  readonly lastSeenAt: string
  readonly expiresAt: string
  readonly ip: string
  readonly userAgent: string
  readonly current: boolean
}

export class ApiError extends Error {
  /** The name of the form field that is to be mended; empty if there is none. */
  readonly field: string

  constructor (readonly code: string, reason?: string, retryAfter?: number) {
    const { text, field = '' } = explain(code, reason, retryAfter)
    super(text)
    this.field = field
  }
}

/** @throws ApiError, whose message is for the user */
export async function api<Answer = void> (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<Answer> {
  const sent = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const reply = await fetch(`/api${path}`, { method, ...sent, signal: AbortSignal.timeout(20_000) }).catch(() => { throw new ApiError('OFFLINE') })
  // No content, or what a proxy says in its own words.
  const answer = await reply.json().catch(() => ({})) as Answer & { code?: string, reason?: string }
  if (reply.ok) return answer

  const { code = '', reason } = answer
  if (code === 'UNAUTHORIZED') return await leave(`/login?next=${encodeURIComponent(location.pathname)}`)
  throw new ApiError(code, reason, Number(reply.headers.get('retry-after')) || undefined)
}
