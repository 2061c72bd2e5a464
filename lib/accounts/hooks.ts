import type { Hooks } from '../contracts/hooks.js'
import type { Accounts } from './accounts.js'

/**
 * Calls a hook about something that has happened already. Nothing that it throws changes that, or the reply; the log has it.
 */
export async function tell (accounts: Accounts, name: keyof Hooks, call: () => unknown): Promise<void> {
  try {
    await call()
  } catch (error) {
    accounts.log.error({ err: error, hook: name }, 'fastify-users: a hook has failed, and what it was told about stands')
  }
}
