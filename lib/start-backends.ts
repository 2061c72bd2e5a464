import type { FastifyInstance } from 'fastify'
import type { RunningBackend } from './backend.js'
import type { RevocationStore } from './contracts/revocation-store.js'
import type { RunningStrategy, Strategy } from './contracts/strategy.js'
import { BadOptionsError } from './errors.js'
import type { Settings } from './options.js'
import { memoryRevocations } from './stores/memory.js'

/** Starts each strategy once, in a scope of its own, and joins it with the transports that use it. */
export async function startBackends (fastify: FastifyInstance, settings: Settings): Promise<RunningBackend[]> {
  const running = new Map<Strategy, RunningStrategy>()
  let shared: RevocationStore | undefined

  for (const strategy of new Set(settings.backends.map((backend) => backend.strategy))) {
    const lifetimes = settings.backends
      .filter((backend) => backend.strategy === strategy)
      .map(({ name, lifetimeSeconds, rememberSeconds = 0 }) => [name, Math.max(lifetimeSeconds, rememberSeconds)] as const)

    await fastify.register(async (scope) => {
      running.set(strategy, await strategy.start({
        fastify: scope,
        clock: settings.clock,
        // A strategy that needs none does not ask, and is not warned.
        get revocations () {
          shared ??= revocations(fastify, settings)
          return shared
        },
        backends: new Map(lifetimes)
      }))
    })
  }

  return settings.backends.map(({ name, transport, strategy, lifetimeSeconds, rememberSeconds, requireVerified }) =>
    Object.freeze({ name, transport, strategy: running.get(strategy) as RunningStrategy, lifetimeSeconds, rememberSeconds, requireVerified }))
}

/** Where ended tokens are remembered: in the user store, or else only until the process ends, which is said aloud. */
function revocations (fastify: FastifyInstance, { users, production }: Settings): RevocationStore {
  if (users.revocations !== undefined) return users.revocations
  const remedy = 'give the store a revocations property, or the strategy a revocations option'
  if (production) throw new BadOptionsError(`options.users.revocations is missing, so a logged-out token would be good again after a restart: ${remedy}`)
  fastify.log.warn(`fastify-users: logged-out tokens are remembered by this process alone: ${remedy}`)
  return memoryRevocations()
}
