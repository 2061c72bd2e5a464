import type { FastifyInstance } from 'fastify'
import type { RunningBackend } from './backend.js'
import type { RevocationStore } from './contracts/revocation-store.js'
import type { SessionStore } from './contracts/session-store.js'
import type { RunningStrategy, Strategy } from './contracts/strategy.js'
import { BadOptionsError } from './errors.js'
import { once } from './once.js'
import { createLookUps } from './look-ups.js'
import { noting } from './noting.js'
import type { Settings } from './options.js'
import { memoryRevocations } from './stores/memory.js'
import { memorySessions } from './stores/memory-sessions.js'

/** Starts each strategy once, in a scope of its own, and joins it with the transports that use it. */
export async function startBackends (fastify: FastifyInstance, settings: Settings): Promise<RunningBackend[]> {
  const running = new Map<Strategy, RunningStrategy>()
  const lookUps = createLookUps(settings.users)
  const revocations = once(() => revocationsOf(fastify, settings))
  const sessions = once(() => sessionsOf(fastify, settings))

  for (const strategy of new Set(settings.backends.map((backend) => backend.strategy))) {
    const lifetimes = settings.backends
      .filter((backend) => backend.strategy === strategy)
      .map(({ name, lifetimeSeconds, rememberSeconds = 0 }) => [name, Math.max(lifetimeSeconds, rememberSeconds)] as const)

    await fastify.register(async (scope) => {
      const started = await strategy.start({
        fastify: scope,
        clock: settings.clock,
        // A strategy that needs none does not ask, and is not warned.
        get revocations () { return revocations() },
        get sessions () { return sessions() },
        lookUps,
        backends: new Map(lifetimes)
      })
      running.set(strategy, noting(started))
    })
  }

  return settings.backends.map(({ name, transport, strategy, lifetimeSeconds, rememberSeconds, refresh, requireVerified }, index) => {
    const started = running.get(strategy) as RunningStrategy
    if (refresh !== undefined && started.refresh === undefined) throw new BadOptionsError(`options.backends[${index}].refresh needs a strategy with sessions: opaque(), or jwt({ secret, sessions: true })`)
    if (settings.production && started.sessions?.ephemeral === true) throw new BadOptionsError(`options.backends[${index}] has sessions in a store that forgets everybody when the process ends: take one of fastify-users/sql or fastify-users/redis in production`)
    const path = `${fastify.prefix}${settings.prefix}/refresh/${name}`
    return Object.freeze({ name, transport, strategy: started, lifetimeSeconds, rememberSeconds, refresh: refresh === undefined ? undefined : { ...refresh, path }, requireVerified })
  })
}

/** Where ended tokens are remembered: in the user store, or else only until the process ends, which is said aloud. */
function revocationsOf (fastify: FastifyInstance, { users, production }: Settings): RevocationStore {
  if (users.revocations !== undefined) return users.revocations
  const remedy = 'give the store a revocations property, or the strategy a revocations option'
  if (production) throw new BadOptionsError(`options.users.revocations is missing, so a logged-out token would be good again after a restart: ${remedy}`)
  fastify.log.warn(`fastify-users: logged-out tokens are remembered by this process alone: ${remedy}`)
  return memoryRevocations()
}

/** Where sessions live: where the application says, or in the user store, or else only until the process ends, which is said aloud. */
function sessionsOf (fastify: FastifyInstance, { users, sessions, production }: Settings): SessionStore {
  const store = sessions ?? users.sessions
  if (store !== undefined) return store
  const remedy = 'take a store of fastify-users/sql for users, or set options.sessions'
  if (production) throw new BadOptionsError(`options.sessions is missing, so a restart would log everybody out: ${remedy}`)
  fastify.log.warn(`fastify-users: sessions live in this process alone: ${remedy}`)
  return memorySessions()
}
