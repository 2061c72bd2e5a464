import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { authenticate } from '../../accounts/authenticate.js'
import { loginCounters } from '../../accounts/limits.js'
import { record, recordedIfFailed } from '../../accounts/record.js'
import { toUser } from '../../accounts/to-user.js'
import { readSession, startSession, type RunningBackend } from '../../backend.js'
import type { LoginFailure } from '../../contracts/hooks.js'
import type { Session } from '../../contracts/strategy.js'
import type { StoredUser } from '../../contracts/user-store.js'
import type { BackendName } from '../../contracts/user.js'
import { BadCredentialsError, LoginNotVerifiedError } from '../../errors.js'
import { errorReply } from '../../schemas/error.js'
import { loginBody, type LoginBody } from '../../schemas/login.js'
import { clientOf } from '../client.js'
import { decide } from '../undecided.js'
import { addRoute, type OwnRoute } from './add-route.js'
import type { RouteContext } from './context.js'

/** `POST /login/:name` */
export function loginRoute (scope: FastifyInstance, context: RouteContext, backend: RunningBackend): void {
  addRoute(scope, context, 'login', {
    method: 'POST',
    url: `/login/${backend.name}`,
    loginOf: backend,
    limits: Object.values(context.accounts.limits.login),
    schema: loginSchema(context, backend),
    handler: (request, reply) => login(context, backend, request, reply)
  })
}

/** The steps of a login, in the order in which they may fail. */
async function login (context: RouteContext, backend: RunningBackend, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { username, email = username as string, password, remember } = request.body as LoginBody

  const { accounts } = context
  const source = context.sourceOf(request, reply)
  const name = backend.name as BackendName

  const attempt = await recordedIfFailed(accounts, source, 'login', null, () => accounts.limiter.begin(loginCounters(accounts, email, request)), name)
  if (attempt.refusal !== null) return await refuse(context, backend, 'too-many-attempts', null, request, reply, attempt.refusal)
  const { user, failure } = await recordedIfFailed(accounts, source, 'login', null, () => attempt.during(() => decide(() => authenticate(accounts, email, password, source))), name)
  if (failure !== null) return await refuse(context, backend, failure, user, request, reply)
  if (backend.requireVerified && user.isVerified !== true) return await refuse(context, backend, 'not-verified', user, request, reply)
  await attempt.succeeded()
  return await recordedIfFailed(accounts, source, 'login', user.id, () => enter(context, backend, user, remember === true, request, reply), name)
}

/** Somebody may log in, and does. */
async function enter (context: RouteContext, backend: RunningBackend, user: StoredUser, remember: boolean, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { deadline } = context
  // The new session first: if that cannot be had, the client keeps the one that it has.
  const planted = await decide(() => deadline(readPlanted(backend, request)))
  const { session, credential } = await decide(() => deadline(startSession(backend, user, remember, clientOf(request))))
  if (planted !== null) await decide(() => deadline(Promise.resolve(backend.strategy.revoke(planted))))

  let body: unknown
  let written = false
  try {
    body = backend.transport.write(reply, { ...credential, user: toUser(user) })
    written = true
    await context.hooks.onAfterLogin?.(toUser(user), request, reply)
  } catch (error) {
    // No half login: what the client was given is taken back, and what it was not given is no session either.
    if (written) backend.transport.clear(reply, backend.refresh?.path)
    await decide(() => context.deadline(Promise.resolve(backend.strategy.revoke(session))))
    throw error
  }
  record(context.accounts, context.sourceOf(request, reply), { type: 'login', userId: user.id, backend: backend.name as BackendName })
  return reply.sent ? reply : body
}

/** Tells the application why, and the client as little as can be, unless the application has told it already. */
async function refuse (context: RouteContext, backend: RunningBackend, reason: LoginFailure, user: StoredUser | null, request: FastifyRequest, reply: FastifyReply, refusal?: Error): Promise<FastifyReply> {
  record(context.accounts, context.sourceOf(request, reply), { type: 'login', userId: user?.id ?? null, reason, backend: backend.name as BackendName })
  await context.hooks.onLoginFailed?.({ reason, user: user === null ? null : toUser(user), backend: backend.name as BackendName }, request, reply)
  if (reply.sent) return reply
  // Whoever has just registered an address would learn that it was free.
  const tells = reason === 'not-verified' && !context.accounts.policy.concealAccounts
  throw refusal ?? (tells ? new LoginNotVerifiedError() : new BadCredentialsError())
}

/** The session that the client had before: it ends, so that nobody who planted it, or shared the browser, keeps it alive. */
async function readPlanted (backend: RunningBackend, request: FastifyRequest): Promise<Session | null> {
  return backend.transport.ambient ? (await readSession(backend, request))?.session ?? null : null
}

function loginSchema ({ accounts, userSchema }: RouteContext, backend: RunningBackend): OwnRoute['schema'] {
  return {
    operationId: `login_${backend.name}`,
    summary: `Log in (${backend.name})`,
    consumes: ['application/json', 'application/x-www-form-urlencoded'],
    body: loginBody,
    response: {
      200: backend.transport.loginSchema(userSchema, backend.refresh !== undefined),
      400: errorReply('`LOGIN_BAD_CREDENTIALS`: the user name or the password is wrong.' + (backend.requireVerified && !accounts.policy.concealAccounts ? ' `LOGIN_USER_NOT_VERIFIED`: the address is not verified.' : ''))
    }
  }
}
