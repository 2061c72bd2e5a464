import { randomBytes } from 'node:crypto'
import type { StoredSession } from '../../contracts/session-store.js'

/** The version stands in front, where a script can read it. What follows makes the text of each call another one. */
export function toText ({ id, ...rest }: StoredSession): string {
  return `${rest.version} ${randomBytes(6).toString('base64url')} ${JSON.stringify(rest)}`
}

/** @throws TypeError if the text is damaged; the parser's own error would quote it */
export function toSession (id: string, text: string): StoredSession {
  const json = /^\d+ [\w-]+ (\{.*\})$/s.exec(text)?.[1] ?? ''
  try {
    return { id, ...JSON.parse(json) }
  } catch {
    throw new TypeError('Redis: a session is damaged.')
  }
}
