import { AmbiguousCredentialsError, ClientGoneError, HashQueueFullError, unavailable, withHeaders } from '../errors.js'

/**
 * What the client is told where a step could not be decided. Three errors of ours say it themselves; of all others, of a
 * store or a strategy, it is told 503 and when to come back. A dependency that is down must look neither like a wrong
 * password nor like a logged-out user. The log has the cause.
 */
export function undecided (error: unknown): Error {
  if (error instanceof AmbiguousCredentialsError) return withHeaders(error, { 'cache-control': 'no-store' })
  if (error instanceof HashQueueFullError || error instanceof ClientGoneError) return error
  return unavailable(error)
}

/** Runs a step that depends on a store or a strategy. */
export async function decide<T> (step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    throw undecided(error)
  }
}
