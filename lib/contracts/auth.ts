import type { Session } from './strategy.js'
import type { BackendName, User } from './user.js'

/** Who makes a request, and how that is known: `request.auth`. */
export interface Auth {
  readonly user: User
  /** The name of the backend whose credential was taken. */
  readonly backend: BackendName
  readonly session: Session
}
