import type { FastifyBaseLogger } from 'fastify'
import type { RateLimitStore } from './contracts/rate-limit-store.js'
import type { Settings } from './options.js'
import { memoryRateLimits } from './stores/memory-rate-limits.js'

/** Where attempts are counted: where the application says, or in the user store, or else in each process for itself, which is said aloud. */
export function startLimits (log: Pick<FastifyBaseLogger, 'warn' | 'info'>, { limits, users, throttle, production }: Settings): RateLimitStore {
  const store = limits ?? users.limits
  if (store !== undefined) return store
  const isAnyOn = Object.values(throttle).some((some) => Object.keys(some).length > 0)
  if (isAnyOn) log[production ? 'warn' : 'info']('fastify-users: attempts are counted by this process alone, so several allow several times as many: take a store of fastify-users/sql for users, or set options.limits')
  return memoryRateLimits()
}
