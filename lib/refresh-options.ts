import type { Backend, RefreshOptions } from './contracts/backend.js'
import type { RefreshTerms } from './contracts/strategy.js'
import type { Transport } from './contracts/transport.js'
import { misspelt } from './misspelt.js'
import { isObject, isWhole, longestLifetime } from './option-checks.js'

/** Fills in the defaults; `undefined` where there are to be no refresh tokens. */
export function resolveRefresh (refresh: Backend['refresh']): RefreshTerms | undefined {
  if (refresh === undefined || refresh === false) return undefined
  const { idleSeconds, absoluteSeconds, graceSeconds } = withDefaults(refresh)
  return { idleSeconds, absoluteSeconds, graceSeconds }
}

/** What is wrong with the option, each sentence beginning with its path below the backend. */
export function refreshProblems (refresh: Backend['refresh'], transport: Transport, lifetimeSeconds: number | undefined): string[] {
  if (refresh === undefined || refresh === false) return []
  if (refresh !== true && !isObject(refresh)) return ['refresh must be true, false or an object']
  const { idleSeconds, absoluteSeconds, graceSeconds } = withDefaults(refresh)
  const problems = misspelt(Object(refresh) as object, Object.keys(withDefaults(true))).map((problem) => `refresh.${problem}`)
  const expect = (holds: boolean, problem: string): void => { if (!holds) problems.push(problem) }

  expect(typeof transport.readRefresh === 'function', 'refresh needs a transport with readRefresh')
  expect(isWhole(absoluteSeconds) && absoluteSeconds >= 300 && absoluteSeconds <= longestLifetime, `refresh.absoluteSeconds must be a whole number of seconds from 300 to ${longestLifetime} (400 days)`)
  expect(isWhole(idleSeconds) && idleSeconds >= 300 && idleSeconds <= absoluteSeconds, 'refresh.idleSeconds must be a whole number of seconds from 300 to absoluteSeconds')
  expect(!(Number(lifetimeSeconds) > absoluteSeconds), 'lifetimeSeconds must be at most refresh.absoluteSeconds: no access token outlives its session')
  expect(isWhole(graceSeconds) && graceSeconds >= 0 && graceSeconds <= 10, 'refresh.graceSeconds must be a whole number of seconds from 0 to 10')
  return problems
}

/** 14 days, 90 days, none. */
function withDefaults (refresh: true | RefreshOptions) {
  const { idleSeconds = 1_209_600, absoluteSeconds = 7_776_000, graceSeconds = 0 } = refresh === true ? {} : refresh
  return { idleSeconds, absoluteSeconds, graceSeconds }
}
