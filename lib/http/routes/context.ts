import type { Accounts } from '../../accounts/accounts.js'
import type { IsCrossSite } from '../../authenticator.js'
import type { RunningBackend } from '../../backend.js'
import type { Hooks } from '../../contracts/hooks.js'
import type { Authenticate } from '../guard.js'

/** What the routes work with. */
export interface RouteContext {
  readonly accounts: Accounts
  readonly backends: readonly RunningBackend[]
  readonly authenticate: Authenticate
  readonly isCrossSite: IsCrossSite
  readonly hooks: Hooks
  /** Route `config` for the OpenAPI document. */
  readonly openApiConfig: (backend: RunningBackend) => object
  /** The JSON schema of a user. */
  readonly userSchema: object
}
