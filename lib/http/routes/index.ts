import fastifyCookie from '@fastify/cookie'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { InternalError } from '../../errors.js'
import { compile } from '../../schemas/compile.js'
import { acceptForms, acceptJson } from '../body.js'
import type { RouteContext } from './context.js'
import { explain } from './explain.js'
import { loginRoute } from './login.js'
import { logoutRoute } from './logout.js'
import { changeEmailRoute, resetRoutes, verifyRoutes } from './mailed-tokens.js'
import { confirmRoute, deleteMeRoute, meRoutes } from './me.js'
import { refreshRoute } from './refresh.js'
import { registerRoutes } from './register.js'
import { sessionRoutes, userSessionRoutes } from './sessions.js'
import { userRoutes, usersRoutes } from './users.js'

/** Adds the routes to a scope of their own, with its own parsers, compilers and last words on errors. */
export async function addRoutes (scope: FastifyInstance, context: RouteContext): Promise<void> {
  // In this scope alone: a request that is none of ours does not pay for it.
  if (!scope.hasReplyDecorator('setCookie')) await scope.register(fastifyCookie, { hook: false })

  acceptJson(scope)
  // Whatever compilers the application has: ours coerce nothing, and send what the handler returns.
  scope.setValidatorCompiler(({ schema }) => {
    const check = compile(schema as object)
    return (value: unknown) => {
      const error = check(value)
      return error === null ? { value } : { error: error as unknown as Error }
    }
  })
  scope.setSerializerCompiler(() => serialize)
  scope.setSchemaErrorFormatter(explain)
  scope.addHook('onRequest', neverStore)
  scope.setErrorHandler(tellNothing)

  const { groups, accounts } = context
  // A page without script sends a form to log in or out. Elsewhere a body is JSON.
  await scope.register(async (forms) => {
    acceptForms(forms)
    for (const backend of context.backends) {
      loginRoute(forms, context, backend)
      logoutRoute(forms, context, backend)
      if (backend.refresh !== undefined) refreshRoute(forms, context, backend)
    }
  })
  if (groups.register === true) registerRoutes(scope, context)
  if (groups.verify === true) verifyRoutes(scope, context)
  if (groups.reset === true) resetRoutes(scope, context)
  if (groups.me === true) meRoutes(scope, context)
  if (groups.me === true && accounts.policy.confirmEmailChange) changeEmailRoute(scope, context)
  if (groups.deleteMe === true) deleteMeRoute(scope, context)
  if (groups.me === true || groups.users === true) confirmRoute(scope, context)
  if (groups.sessions === true) sessionRoutes(scope, context)
  if (groups.sessions === true && groups.users === true) userSessionRoutes(scope, context)
  if (groups.users === true) {
    usersRoutes(scope, context)
    userRoutes(scope, context)
  }
}

/** An error that no handler of the application shaped comes as it is: its members are not enumerable. */
function serialize (body: unknown): string {
  if (!(body instanceof Error)) return JSON.stringify(body)
  const { statusCode, code, error, message, reason } = body as FastifyError & { error: string, reason?: string }
  return JSON.stringify({ statusCode, code, error, message, reason })
}

/** Every reply here carries a token, a user, or the reason why not: none is for a cache, a frame or a guess at its type. */
function neverStore (_request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
  done()
}

/**
 * Hands errors on to the application's own error handler, so that it shapes ours as it shapes all; but one that nobody
 * meant for the client goes there without its text, which may quote SQL, a path or a secret. The log has the cause.
 */
function tellNothing (error: FastifyError): never {
  const { statusCode = 500, code } = Object(error) as FastifyError
  const isMeant = statusCode < 500 || (statusCode === 503 && code?.startsWith('FST_USERS_') === true)
  throw isMeant ? error : Object.assign(new InternalError(), { cause: error })
}
