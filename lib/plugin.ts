import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { sweep } from './accounts/sweep.js'
import { createUsers } from './accounts/users.js'
import { createAuthCache } from './auth-cache.js'
import { createAuthenticator } from './authenticator.js'
import { createBackground } from './background.js'
import type { User } from './contracts/user.js'
import { createDeadline } from './deadline.js'
import { BadOptionsError, StoreTimeoutError } from './errors.js'
import { createAuthenticate } from './http/guard.js'
import { createCrossSiteCheck } from './http/cross-site.js'
import { logSerializers } from './http/log-request.js'
import { describeInOpenApi } from './http/openapi.js'
import { requestAuth } from './http/request-auth.js'
import { addRoutes } from './http/routes/index.js'
import { createSourceOf } from './http/source.js'
import { resolveOptions, type FastifyUsersOptions, type Settings } from './options.js'
import type { MaybePromise } from './maybe-promise.js'
import { noteRegistration } from './registrations.js'
import { userSchema } from './schemas/user.js'
import { startAccounts } from './start-accounts.js'
import { startLimits } from './start-limits.js'
import { startBackends } from './start-backends.js'

/**
 * Users that log in: registers `POST /login/:name` and `POST /logout/:name` for each backend, and what `routes` switches on, and
 * decorates the app with `authenticate` and `users`, its requests with `user` and `auth`.
 *
 * @throws `FST_USERS_BAD_OPTIONS`, before the app is ready, if an option is wrong
 * @example
 * ```ts
 * await app.register(fastifyUsers, {
 *   users: await sqlite('users.db'),
 *   strategy: jwt({ secret: process.env.AUTH_SECRET }),
 *   backends: [cookie(), bearer()]
 * })
 * app.get('/me', { preHandler: app.authenticate() }, async (request) => request.user)
 * ```
 */
export const fastifyUsers = fp(async function fastifyUsers (fastify: FastifyInstance, options: FastifyUsersOptions) {
  const settings = resolveOptions(options)
  refuseTakenNames(fastify, settings)
  const { production, users: store, fields, hooks, clock, routes: groups, routeOptions, freshSeconds, storeTimeoutMs, cacheSeconds } = settings

  const backends = await startBackends(fastify, settings)
  for (const { name, transport } of backends) {
    for (const advice of transport.advice?.(production) ?? []) fastify.log[production ? 'warn' : 'info'](`fastify-users: backend ${name}: ${advice}`)
  }
  const sessions = [...new Set(backends.flatMap(({ strategy }) => strategy.sessions ?? []))]
  const without = backends.findIndex(({ strategy }) => strategy.sessions === undefined)
  if (groups.sessions === true && without !== -1) throw new BadOptionsError(`options.routes.sessions needs a strategy with sessions for each backend, such as opaque(), or jwt({ secret, sessions: true }): options.backends[${without}] has another one, whose sessions nobody could see or end`)
  const deadline = createDeadline(storeTimeoutMs, () => new StoreTimeoutError())
  for (const leak of leaks(settings)) fastify.log.warn(`fastify-users: ${leak}`)
  const buckets = startLimits(fastify.log, settings)
  const accounts = startAccounts(settings, { log: fastify.log, sessions, buckets, deadline, origin: () => fastify.server.listening ? fastify.listeningOrigin : null })
  const background = createBackground(fastify.log)
  const isCrossSite = createCrossSiteCheck(settings.trustedOrigins)
  const ask = createAuthenticator(store, isCrossSite, null)
  const recall = cacheSeconds === 0 ? ask : createAuthenticator(store, isCrossSite, createAuthCache(cacheSeconds, clock))
  // What the plugin's own routes do may last, so they go by nothing that is remembered.
  const authenticate = createAuthenticate(backends, { ask, recall: ask, clock, deadline })

  fastify.decorate(settings.decorators.authenticate, createAuthenticate(backends, { ask, recall, clock, deadline }))
  const users = createUsers(accounts, background)
  fastify.decorate(settings.decorators.users, users)
  noteRegistration(fastify, { users, logins: backends.map(({ name, transport: { ambient } }) => ({ backend: name, path: `${fastify.prefix}${settings.prefix}/login/${name}`, ambient })) })
  // @fastify/passport and others may have it already; a guard of ours sets it all the same.
  if (!fastify.hasRequestDecorator('user')) fastify.decorateRequest('user', null as unknown as User)
  fastify.decorateRequest('auth', requestAuth)
  const stopSweep = sweep(accounts, background)
  fastify.addHook('onClose', async () => {
    // In the order in which one thing leads to another.
    stopSweep()
    await background.drain()
    await accounts.mailRoom.drain()
    await closeAll(new Set([store, ...sessions, buckets]))
  })

  const openApiConfig = describeInOpenApi(fastify, backends)
  const sourceOf = createSourceOf(background)
  await fastify.register(async (scope) => {
    await addRoutes(scope, { accounts, backends, authenticate, isCrossSite, hooks, deadline, freshSeconds, groups, routeOptions, fields, userSchema: userSchema(fields), sourceOf, openApiConfig })
  }, { prefix: settings.prefix, logSerializers })
}, { name: 'fastify-users', fastify: '>=5.8.5 <6' })

/** What tells who has an account, although the app wants to conceal it. */
function leaks ({ concealAccounts, confirmEmailChange, routes, backends }: Settings): string[] {
  if (!concealAccounts) return []
  const open = backends.filter(({ requireVerified }) => !requireVerified).map(({ name }) => `concealAccounts conceals little while backend ${name} lacks requireVerified: whoever has registered an address logs in if it was new`)
  return routes.me === true && !confirmEmailChange ? [...open, 'concealAccounts conceals little without confirmEmailChange: whoever is logged in learns which addresses are taken'] : open
}

/** One that fails, or hangs, leaves no other open. @throws what went wrong, all of it */
async function closeAll (stores: ReadonlySet<{ close?: () => MaybePromise<void> }>): Promise<void> {
  const closed = await Promise.allSettled([...stores].map(async (one) => { await one.close?.() }))
  const errors = closed.flatMap((outcome) => outcome.status === 'rejected' ? [outcome.reason as unknown] : [])
  if (errors.length > 1) throw new AggregateError(errors, 'fastify-users: stores could not be closed')
  if (errors.length === 1) throw errors[0]
}

/** Says what to do where the app has something of our names already: this plugin in the same scope, say. */
function refuseTakenNames (fastify: FastifyInstance, { decorators }: Settings): void {
  const taken = Object.entries(decorators).filter(([, name]) => fastify.hasDecorator(name))
  const problems = taken.map(([option, name]) => `options.decorators.${option} must be another name: the app has app.${name} already. A second registration belongs in a scope of its own`)
  if (problems.length > 0) throw new BadOptionsError(problems.join('\n'))
}
