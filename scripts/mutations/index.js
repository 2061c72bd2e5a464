import { access } from './access.js'
import { accounts } from './accounts.js'
import { limits } from './limits.js'
import { options } from './options.js'
import { routes } from './routes.js'
import { stores } from './stores.js'
import { tokens } from './tokens.js'

/**
 * The checks that `scripts/mutate.js` takes away, by file. `from` stands in the file once, and `to` takes its place; `what` says what
 * then goes wrong. `tests` are the files that should notice, the likeliest first. `servers` lets them reach the database servers.
 * `survives` excuses a mutation that no test can notice.
 *
 * @type {ReadonlyArray<{ file: string, tests: readonly string[], servers?: boolean, mutations: ReadonlyArray<{ what: string, from: string, to: string, tests?: readonly string[], survives?: string }> }>}
 */
export const groups = [...access, ...routes, ...tokens, ...accounts, ...stores, ...limits, ...options]
