import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Change } from '../../accounts/change.js'
import { getById } from '../../accounts/find.js'
import { removeOwn } from '../../accounts/remove.js'
import { toUser } from '../../accounts/to-user.js'
import { proveSelf, updateOwn, type OwnChanges } from '../../accounts/update-own.js'
import type { Auth } from '../../contracts/auth.js'
import { confirmBody, deleteOwnBody, ownChangesBody } from '../../schemas/account.js'
import { errorReply } from '../../schemas/error.js'
import { addRoute } from './add-route.js'
import type { RouteContext } from './context.js'
import { pick } from './pick.js'
import { backendOf, renewSession } from './renew.js'

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
    limits: [accounts.limits.changeEmail.perAccount, accounts.limits.changePassword.perAccount, ...Object.values(accounts.limits.currentPassword)],
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
      const changed = await updateOwn(accounts, id, pick<OwnChanges>(request.body, body), sourceOf(request, reply))
      return { ...await renewIfEnded(context, request, reply, changed), ...toUser(changed.after) }
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
    limits: Object.values(accounts.limits.currentPassword),
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
      const { transport, refresh } = backendOf(backends, backend)
      transport.clear(reply, refresh?.path)
      reply.code(204)
    }
  })
}

/** `POST /confirm`: whoever has been logged in for long proves anew who they are, where a guard asks for that. */
export function confirmRoute (scope: FastifyInstance, context: RouteContext): void {
  const { accounts, sourceOf } = context

  addRoute(scope, context, 'confirm', {
    method: 'POST',
    url: '/confirm',
    guard: context.authenticate(),
    limits: Object.values(accounts.limits.currentPassword),
    schema: {
      operationId: 'confirm',
      summary: 'Confirm my password',
      description: 'The session goes on under a new credential: the cookie, or the members of the login\'s reply.',
      body: confirmBody,
      response: { 200: { description: 'As the login replies.', type: 'object' }, 400: errorReply('`USER_BAD_CURRENT_PASSWORD`.') }
    },
    async handler (request, reply) {
      const user = await getById(accounts.store, (request.auth as Auth).user.id)
      await proveSelf(accounts, user, (request.body as { password: string }).password, sourceOf(request, reply))
      return await renewSession(context, request, reply, user)
    }
  })
}

/**
 * The sessions of the user are over, and this one goes on under a new credential. That failing is no reason to tell that the change has
 * failed; the user logs in again.
 */
async function renewIfEnded (context: RouteContext, request: FastifyRequest, reply: FastifyReply, { before, after }: Change): Promise<object> {
  if (before.sessionEpoch === after.sessionEpoch) return {}
  try {
    return await renewSession(context, request, reply, after)
  } catch (error) {
    request.log.error({ err: error }, 'fastify-users: the session of a user who has changed their account could not be renewed')
    return {}
  }
}
