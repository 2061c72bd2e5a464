import type { FastifyInstance, FastifyRequest } from 'fastify'
import { create } from '../../accounts/create.js'
import { getById } from '../../accounts/find.js'
import { sendReset } from '../../accounts/forgot-password.js'
import { list } from '../../accounts/list.js'
import { remove } from '../../accounts/remove.js'
import { toUser } from '../../accounts/to-user.js'
import { update } from '../../accounts/update.js'
import type { StoredUser } from '../../contracts/user-store.js'
import { changesBody, listQuery, newUserBody, pageSchema } from '../../schemas/account.js'
import { errorReply } from '../../schemas/error.js'
import type { ObjectSchema } from '../../schemas/user.js'
import { addRoute } from './add-route.js'
import type { RouteContext } from './context.js'
import { pick } from './pick.js'

/** `GET /users`, `POST /users`: for superusers. */
export function usersRoutes (scope: FastifyInstance, context: RouteContext): void {
  const { accounts, fields, groups, userSchema, sourceOf } = context
  const guard = context.authenticate({ superuser: true })
  const freshGuard = context.authenticate({ superuser: true, fresh: context.freshSeconds })
  const body = newUserBody(fields)

  addRoute(scope, context, 'listUsers', {
    method: 'GET',
    url: '/users',
    guard,
    schema: {
      operationId: 'list_users',
      summary: 'List users, the oldest first',
      querystring: listQuery,
      response: { 200: { description: 'A page of users.', ...pageSchema(userSchema) } }
    },
    async handler (request) {
      const { limit, cursor, email } = request.query as { limit?: string, cursor?: string, email?: string }
      return await list(accounts, { limit: limit === undefined ? undefined : Number(limit), cursor, email })
    }
  })

  addRoute(scope, context, 'createUser', {
    method: 'POST',
    url: '/users',
    guard: freshGuard,
    schema: {
      operationId: 'create_user',
      summary: 'Add a user',
      body,
      response: {
        201: { description: 'The new user.', ...userSchema },
        400: errorReply('`REGISTER_USER_ALREADY_EXISTS`, or `REGISTER_INVALID_PASSWORD` with a `reason`.')
      }
    },
    async handler (request, reply) {
      const source = sourceOf(request, reply)
      const user = await create(accounts, pick(request.body, body), source)
      if (groups.reset === true && user.passwordHash === null && user.isActive) source.later(() => sendReset(accounts, 'set-password', user.id, source))
      reply.code(201)
      return toUser(user)
    }
  })
}

/** `GET`, `PATCH`, `DELETE /users/:id`, `POST /users/:id/forgot-password`: for superusers. */
export function userRoutes (scope: FastifyInstance, context: RouteContext): void {
  const { accounts, fields, groups, userSchema, sourceOf } = context
  const guard = context.authenticate({ superuser: true })
  const freshGuard = context.authenticate({ superuser: true, fresh: context.freshSeconds })
  const body = changesBody(fields) as ObjectSchema
  const notFound = { 404: errorReply('`USER_NOT_FOUND`: nobody has this id.') }
  const last = { 409: errorReply('`LAST_SUPERUSER`: nobody would be left who may do everything.') }
  const find = async (request: FastifyRequest): Promise<StoredUser> => await getById(accounts.store, idOf(request))
  // Asked before the body is looked at: what is right for a user, only an existing one can tell.
  const preValidation = async (request: FastifyRequest): Promise<void> => { await find(request) }

  addRoute(scope, context, 'getUser', {
    method: 'GET',
    url: '/users/:id',
    guard,
    schema: { operationId: 'get_user', summary: 'A user', response: { 200: { description: 'The user.', ...userSchema }, ...notFound } },
    handler: async (request) => toUser(await find(request))
  })

  addRoute(scope, context, 'updateUser', {
    method: 'PATCH',
    url: '/users/:id',
    guard: freshGuard,
    preValidation,
    schema: {
      operationId: 'update_user',
      summary: 'Change a user',
      body,
      response: { 200: { description: 'The user.', ...userSchema }, 400: errorReply('`UPDATE_USER_EMAIL_ALREADY_EXISTS`.'), ...notFound, ...last }
    },
    handler: async (request, reply) => toUser((await update(accounts, idOf(request), pick(request.body, body), sourceOf(request, reply))).after)
  })

  addRoute(scope, context, 'deleteUser', {
    method: 'DELETE',
    url: '/users/:id',
    guard: freshGuard,
    preValidation,
    schema: { operationId: 'delete_user', summary: 'Delete a user', response: { 204: { description: 'The user is gone.', type: 'null' }, ...notFound, ...last } },
    async handler (request, reply) {
      await remove(accounts, idOf(request), sourceOf(request, reply))
      reply.code(204)
    }
  })

  if (groups.reset !== true) return
  addRoute(scope, context, 'sendResetLink', {
    method: 'POST',
    url: '/users/:id/forgot-password',
    guard: freshGuard,
    preValidation,
    schema: {
      operationId: 'send_reset_link',
      summary: 'Mail a user a link to set another password',
      response: { 202: { description: 'A mail is on its way, if the user is active.', type: 'object' }, ...notFound }
    },
    async handler (request, reply) {
      const source = sourceOf(request, reply)
      const { id, isActive } = await find(request)
      if (isActive) source.later(() => sendReset(accounts, 'reset-password', id, source))
      reply.code(202)
      return {}
    }
  })
}

function idOf (request: FastifyRequest): string {
  return (request.params as { id: string }).id
}
