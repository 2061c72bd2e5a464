import fastifyCookie from '@fastify/cookie'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import { InternalError } from '../../errors.js'
import { compile } from '../../schemas/compile.js'
import { acceptBodies } from '../body.js'
import type { RouteContext } from './context.js'
import { loginRoute } from './login.js'
import { logoutRoute } from './logout.js'

/** Adds the routes to a scope of their own, with its own parsers, compilers and last words on errors. */
export async function addRoutes (scope: FastifyInstance, context: RouteContext): Promise<void> {
  // In this scope alone: a request that is none of ours does not pay for it.
  if (!scope.hasReplyDecorator('setCookie')) await scope.register(fastifyCookie, { hook: false })

  acceptBodies(scope)
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

  for (const backend of context.backends) {
    loginRoute(scope, context, backend)
    logoutRoute(scope, context, backend)
  }
}

/** The last of a schema's complaints is about the whole; what was sent is never quoted. */
function explain (errors: FastifySchemaValidationError[], part: string): Error {
  const { keyword, instancePath, message } = errors.at(-1) as FastifySchemaValidationError
  return new Error(keyword === 'oneOf' ? `${part} must have either email or username` : `${part}${instancePath} ${String(message)}`)
}

/** An error that no handler of the application shaped comes as it is: its members are not enumerable. */
function serialize (body: unknown): string {
  if (!(body instanceof Error)) return JSON.stringify(body)
  const { statusCode, code, error, message } = body as FastifyError & { error: string }
  return JSON.stringify({ statusCode, code, error, message })
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
