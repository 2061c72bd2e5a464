import type { FastifyInstance, InjectOptions } from 'fastify'
import { registrationOf, type Registration } from '../registrations.js'

/** A reply to `app.inject()`. */
export type TestReply = Awaited<ReturnType<FastifyInstance['inject']>>

/** A Fastify instance, whatever its server, logger and type provider are. */
export interface TestApp {
  ready (): PromiseLike<unknown>
  inject (request: InjectOptions): Promise<TestReply>
}

/** What the plugin has added to the app. */
export async function registrationIn (app: TestApp): Promise<Registration> {
  const known = registrationOf(app)
  if (known !== undefined) return known
  // Not sooner: a scope whose app is ready cannot be asked for it.
  await app.ready()
  const registration = registrationOf(app)
  if (registration === undefined) throw new Error('fastify-users is not in this app. If it was registered in a scope inside of it, hand over that scope')
  return registration
}
