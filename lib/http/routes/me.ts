import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { removeOwn } from '../../accounts/remove.js'
import { toUser } from '../../accounts/to-user.js'
import { updateOwn, type OwnChanges } from '../../accounts/update-own.js'
import { startSession, type RunningBackend } from '../../backend.js'
import type { Auth } from '../../contracts/auth.js'
import type { StoredUser } from '../../contracts/user-store.js'
import { deleteOwnBody, ownChangesBody } from '../../schemas/account.js'
import { errorReply } from '../../schemas/error.js'
import { addRoute } from './add-route.js'
import type { RouteContext } from './context.js'
import { pick } from './pick.js'

/** `GET /users/me`, `PATCH /users/me` */
export function meRoutes (scope: FastifyInstance, context: RouteContext): void {
  const { accounts, fields, userSchema, sourceOf } = context
  const guard = context.authenticate()
  const body = ownChangesBody(fields)

  addRoute(scope, context, 'getMe', {
    method: 'GET',
    url: '/users/me',
    guard,
    schema: { operationId: 'get_me', summary: 'Who am I?', response: { 200: { description: 'The user.', ...userSchema } } },
    handler: async (request) => request.user
  })

  addRoute(scope, context, 'updateMe', {
    method: 'PATCH',
    url: '/users/me',
    guard,
    schema: {
      operationId: 'update_me',
      summary: 'Change my account',
      description: 'A new address or password needs `currentPassword` and ends all other sessions. This one gets a new credential: the cookie, or the members of the login\'s reply.',
      body,
      response: {
        200: { description: 'The user.', ...userSchema },
        400: errorReply('`USER_BAD_CURRENT_PASSWORD`, `UPDATE_USER_EMAIL_ALREADY_EXISTS`, or `UPDATE_USER_INVALID_PASSWORD` with a `reason`.')
      }
    },
    async handler (request, reply) {
      const { user: { id } } = request.auth as Auth
      const { before, after } = await updateOwn(accounts, id, pick<OwnChanges>(request.body, body), sourceOf(request, reply))
      const renewed = before.sessionEpoch === after.sessionEpoch ? {} : await renew(context, request, reply, after)
      return { ...renewed, ...toUser(after) }
    }
  })
}

/** `DELETE /users/me` */
export function deleteMeRoute (scope: FastifyInstance, context: RouteContext): void {
  const { accounts, backends, sourceOf } = context

  addRoute(scope, context, 'deleteMe', {
    method: 'DELETE',
    url: '/users/me',
    guard: context.authenticate(),
    schema: {
      operationId: 'delete_me',
      summary: 'Delete my account',
      body: deleteOwnBody,
      response: {
        204: { description: 'The account is gone.', type: 'null' },
        400: errorReply('`USER_BAD_CURRENT_PASSWORD`.'),
        409: errorReply('`LAST_SUPERUSER`: somebody else must be a superuser first.')
      }
    },
    async handler (request, reply) {
      const { user: { id }, backend } = request.auth as Auth
      const { currentPassword } = request.body as { currentPassword: string }
      await removeOwn(accounts, id, currentPassword, sourceOf(request, reply))
      backendOf(backends, backend).transport.clear(reply)
      reply.code(204)
    }
  })
}

/**
 * The sessions of the user are over, and this one goes on under a new credential: nobody who knew the old one comes along. That
 * failing is no reason to tell that the change has failed; the user logs in again.
 */
async function renew ({ backends }: RouteContext, request: FastifyRequest, reply: FastifyReply, user: StoredUser): Promise<object> {
  const { backend: name, session } = request.auth as Auth
  const backend = backendOf(backends, name)
  const wasRemembered = session.expiresAt - session.issuedAt > backend.lifetimeSeconds * 1000
  try {
    const { credential } = await startSession(backend, user, wasRemembered)
    return backend.transport.write(reply, { ...credential, user: toUser(user) }) as object
  } catch (error) {
    request.log.error({ err: error }, 'fastify-users: the session of a user who has changed their account could not be renewed')
    return {}
  }
}

function backendOf (backends: readonly RunningBackend[], name: string): RunningBackend {
  return backends.find((backend) => backend.name === name) as RunningBackend
}
