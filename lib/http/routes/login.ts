import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { authenticate } from '../../accounts/authenticate.js'
import { toUser } from '../../accounts/to-user.js'
import { readSession, type RunningBackend } from '../../backend.js'
import type { LoginFailure } from '../../contracts/hooks.js'
import type { StoredUser } from '../../contracts/user-store.js'
import type { BackendName } from '../../contracts/user.js'
import { BadCredentialsError, CrossSiteError, LoginNotVerifiedError } from '../../errors.js'
import { errorReply } from '../../schemas/error.js'
import { loginBody, type LoginBody } from '../../schemas/login.js'
import { bodyLimit } from '../body.js'
import { openRoute } from '../open-route.js'
import { decide } from '../undecided.js'
import type { RouteContext } from './context.js'

/** `POST /login/:name` */
export function loginRoute (scope: FastifyInstance, context: RouteContext, backend: RunningBackend): void {
  scope.post<{ Body: LoginBody }>(`/login/${backend.name}`, {
    bodyLimit,
    config: { ...openRoute(null), ...context.openApiConfig(backend) },
    schema: loginSchema(context, backend),
    // Before the body is read: what another site sends is not worth it.
    onRequest: (request, _reply, done) => {
      done(backend.transport.ambient && context.isCrossSite(request) ? new CrossSiteError() : undefined)
    },
    handler: (request, reply) => login(context, backend, request, reply)
  })
}

/** The steps of a login, in the order in which they may fail. */
async function login (context: RouteContext, backend: RunningBackend, request: FastifyRequest<{ Body: LoginBody }>, reply: FastifyReply): Promise<unknown> {
  const { username, email = username as string, password, remember } = request.body

  const { user, failure } = await decide(() => authenticate(context.accounts, email, password))
  if (failure !== null) return await refuse(context, backend, failure, user, request, reply)
  if (backend.requireVerified && user.isVerified !== true) return await refuse(context, backend, 'not-verified', user, request, reply)

  const { token, session, lifetimeSeconds, persistent } = await decide(async () => {
    await endPlanted(backend, request)
    return await issue(backend, user, remember === true)
  })

  let body: unknown
  let written = false
  try {
    body = backend.transport.write(reply, { token, user: toUser(user), lifetimeSeconds, persistent })
    written = true
    await context.hooks.onAfterLogin?.(toUser(user), request, reply)
  } catch (error) {
    // No half login: what the client was given is taken back, and what it was not given is no session either.
    if (written) backend.transport.clear(reply)
    await decide(async () => { await backend.strategy.revoke(session) })
    throw error
  }
  return reply.sent ? reply : body
}

/** Tells the application why, and the client as little as can be, unless the application has told it already. */
async function refuse (context: RouteContext, backend: RunningBackend, reason: LoginFailure, user: StoredUser | null, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  await context.hooks.onLoginFailed?.({ reason, user: user === null ? null : toUser(user), backend: backend.name as BackendName }, request, reply)
  if (reply.sent) return reply
  throw reason === 'not-verified' ? new LoginNotVerifiedError() : new BadCredentialsError()
}

/** Ends the session that the client had before: nobody who planted it, or shared the browser, keeps it alive. */
async function endPlanted (backend: RunningBackend, request: FastifyRequest): Promise<void> {
  if (!backend.transport.ambient) return
  const session = await readSession(backend, request)
  if (session !== undefined && session !== null) await backend.strategy.revoke(session)
}

async function issue (backend: RunningBackend, user: StoredUser, remember: boolean) {
  const { rememberSeconds } = backend
  const lifetimeSeconds = remember && rememberSeconds !== undefined ? rememberSeconds : backend.lifetimeSeconds
  const issued = await backend.strategy.issue({ userId: user.id, epoch: user.sessionEpoch, backend: backend.name, lifetimeSeconds })
  return { ...issued, lifetimeSeconds, persistent: remember || rememberSeconds === undefined }
}

function loginSchema ({ userSchema }: RouteContext, backend: RunningBackend): object {
  return {
    operationId: `login_${backend.name}`,
    tags: ['auth'],
    summary: `Log in (${backend.name})`,
    security: [],
    consumes: ['application/json', 'application/x-www-form-urlencoded'],
    body: loginBody,
    response: {
      200: backend.transport.loginSchema(userSchema),
      400: errorReply('`LOGIN_BAD_CREDENTIALS`: the user name or the password is wrong.' + (backend.requireVerified ? ' `LOGIN_USER_NOT_VERIFIED`: the address is not verified.' : '')),
      ...(backend.transport.ambient ? { 403: errorReply('`CROSS_SITE_REQUEST`: another site may have made the request.') } : {}),
      503: errorReply('Too many logins at once, or a store is down. Try again after `Retry-After` seconds.')
    }
  }
}
