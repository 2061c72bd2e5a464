import type { Users } from './accounts/users.js'

/** What the tests of an app may know of the plugin in it, whatever its decorators are called: nothing that opens a door. */
export interface Registration {
  readonly users: Users
  /** The login routes, in the order of the backends. */
  readonly logins: ReadonlyArray<{
    readonly backend: string
    readonly path: string
    /** Whether browsers send the credential by themselves. */
    readonly ambient: boolean
  }>
}

const registrations = new WeakMap<object, Registration>()

/** Notes what a scope was given. */
export function noteRegistration (scope: object, registration: Registration): void {
  registrations.set(scope, registration)
}

/** The registration in this scope, or the nearest one around it. */
export function registrationOf (scope: object): Registration | undefined {
  // A scope's prototype is the scope around it.
  for (let at: object | null = scope; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const found = registrations.get(at)
    if (found !== undefined) return found
  }
  return undefined
}
