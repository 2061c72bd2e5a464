import { refuseInProduction } from './tests-only.js'

/** A clock that stands still until it is advanced. */
export interface TestClock {
  /** The time in milliseconds since 1970. */
  (): number
  /** Lets so many seconds pass. */
  advanceSeconds (seconds: number): void
}

/**
 * A clock for the option `clock`: tokens expire, links age, and limits are lifted when the test says so.
 *
 * @param start milliseconds since 1970; default: now
 * @throws `FST_USERS_BAD_OPTIONS` where `NODE_ENV` is `production`: no token would ever expire
 * @example
 * ```ts
 * const clock = testClock()
 * const app = await buildApp({ users: memory(), passwords: cheapHashes, clock })
 * const headers = await loginAs(app, await createUser(app))
 * clock.advanceSeconds(3600)
 * ```
 */
export function testClock (start = Date.now()): TestClock {
  refuseInProduction('testClock()')
  let now = start
  return Object.assign(() => now, { advanceSeconds: (seconds: number) => { now += Math.round(seconds * 1000) } })
}
