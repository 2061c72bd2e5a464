import type { SessionStore } from '../contracts/session-store.js'

const methods = ['insert', 'find', 'replace', 'remove', 'list', 'removeAll', 'purge'] as const

/** Whether a value has what a session store must have. */
export function isSessionStore (value: unknown): value is SessionStore {
  return methods.every((method) => typeof (Object(value) as Record<string, unknown>)[method] === 'function')
}
