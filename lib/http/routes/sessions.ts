import type { FastifyInstance, FastifyRequest } from 'fastify'
import { getById } from '../../accounts/find.js'
import { revokeSessions } from '../../accounts/revoke-sessions.js'
import { endOtherSessions, endSession, listSessions, type SessionPage } from '../../accounts/sessions.js'
import type { Auth } from '../../contracts/auth.js'
import type { StoredUser } from '../../contracts/user-store.js'
import { pageSchema } from '../../schemas/account.js'
import { errorReply } from '../../schemas/error.js'
import { sessionQuery, sessionSchema } from '../../schemas/session.js'
import { addRoute } from './add-route.js'
import type { RouteContext } from './context.js'
import { backendOf } from './renew.js'

const ended = { 204: { description: 'It is over.', type: 'null' } }
const notFound = { 404: errorReply('`SESSION_NOT_FOUND`, or `USER_NOT_FOUND`.') }
const page = { 200: { description: 'A page of sessions, the latest first.', ...pageSchema(sessionSchema) } }

/** `GET /sessions`, `DELETE /sessions`, `DELETE /sessions/:id`: one's own. */
export function sessionRoutes (scope: FastifyInstance, context: RouteContext): void {
  const { accounts, backends, sourceOf } = context
  const guard = context.authenticate()
  const own = async (request: FastifyRequest): Promise<StoredUser> => await getById(accounts.store, (request.auth as Auth).user.id)

  addRoute(scope, context, 'listSessions', {
    method: 'GET',
    url: '/sessions',
    guard,
    schema: { operationId: 'list_sessions', summary: 'My sessions', querystring: sessionQuery, response: page },
    handler: async (request) => await pageOf(context, request, await own(request))
  })

  addRoute(scope, context, 'deleteSessions', {
    method: 'DELETE',
    url: '/sessions',
    guard,
    schema: { operationId: 'delete_sessions', summary: 'End all my other sessions', response: ended },
    async handler (request, reply) {
      const { user: { id }, session } = request.auth as Auth
      await endOtherSessions(accounts, id, session.id, sourceOf(request, reply))
      reply.code(204)
    }
  })

  addRoute(scope, context, 'deleteSession', {
    method: 'DELETE',
    url: '/sessions/:id',
    guard,
    schema: { operationId: 'delete_session', summary: 'End one of my sessions', response: { ...ended, ...notFound } },
    async handler (request, reply) {
      const { user, session, backend: name } = request.auth as Auth
      const id = paramOf(request, 'id')
      await endSession(accounts, user.id, id, sourceOf(request, reply))
      const backend = backendOf(backends, name)
      if (id === session.id) backend.transport.clear(reply, backend.refresh?.path)
      reply.code(204)
    }
  })
}

/** `GET`, `DELETE /users/:id/sessions`, `DELETE /users/:id/sessions/:session`: for superusers. */
export function userSessionRoutes (scope: FastifyInstance, context: RouteContext): void {
  const { accounts, sourceOf } = context
  const guard = context.authenticate({ superuser: true })
  const freshGuard = context.authenticate({ superuser: true, fresh: context.freshSeconds })
  const owner = async (request: FastifyRequest): Promise<StoredUser> => await getById(accounts.store, paramOf(request, 'id'))

  addRoute(scope, context, 'listUserSessions', {
    method: 'GET',
    url: '/users/:id/sessions',
    guard,
    schema: { operationId: 'list_user_sessions', summary: 'Sessions of a user', querystring: sessionQuery, response: { ...page, ...notFound } },
    handler: async (request) => await pageOf(context, request, await owner(request))
  })

  addRoute(scope, context, 'deleteUserSessions', {
    method: 'DELETE',
    url: '/users/:id/sessions',
    guard: freshGuard,
    schema: { operationId: 'delete_user_sessions', summary: 'End all sessions of a user', response: { ...ended, ...notFound } },
    async handler (request, reply) {
      await revokeSessions(accounts, paramOf(request, 'id'), sourceOf(request, reply))
      reply.code(204)
    }
  })

  addRoute(scope, context, 'deleteUserSession', {
    method: 'DELETE',
    url: '/users/:id/sessions/:session',
    guard: freshGuard,
    schema: { operationId: 'delete_user_session', summary: 'End a session of a user', response: { ...ended, ...notFound } },
    async handler (request, reply) {
      await endSession(accounts, (await owner(request)).id, paramOf(request, 'session'), sourceOf(request, reply))
      reply.code(204)
    }
  })
}

async function pageOf ({ accounts }: RouteContext, request: FastifyRequest, user: StoredUser): Promise<SessionPage> {
  const { limit, cursor } = request.query as { limit?: string, cursor?: string }
  const { items, nextCursor } = await listSessions(accounts, user, { limit: limit === undefined ? undefined : Number(limit), cursor })
  const current = (request.auth as Auth).session.id
  return { items: items.map((session) => ({ ...session, current: session.id === current })), nextCursor }
}

function paramOf (request: FastifyRequest, name: string): string {
  return (request.params as Record<string, string>)[name] as string
}
