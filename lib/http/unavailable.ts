import type { FastifyError } from 'fastify'
import { UnavailableError, withHeaders } from '../errors.js'

/**
 * What the client is told when a store or a strategy fails: 503, and when to come back. A dependency that is down must
 * look neither like a wrong password nor like a logged-out user. The log has the cause.
 */
export function unavailable (cause: unknown): Error {
  return withHeaders(Object.assign(new UnavailableError(), { cause }), { 'retry-after': '5', 'cache-control': 'no-store' })
}

/** Runs a step that depends on a store or a strategy. */
export async function orUnavailable<T> (step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    // Errors of our own say what they mean.
    throw (error as FastifyError).code?.startsWith('FST_USERS_') === true ? error : unavailable(error)
  }
}
