import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods, onRequestHookHandler, preValidationHookHandler, RouteShorthandOptions } from 'fastify'
import type { RunningBackend } from '../../backend.js'
import type { RateLimit } from '../../contracts/rate-limit-store.js'
import { CrossSiteError } from '../../errors.js'
import { withAdditions, type RouteName } from '../../route-options.js'
import { errorReply } from '../../schemas/error.js'
import { bodyLimit } from '../body.js'
import { describeGuard, type Guard } from '../guard.js'
import { openRoute } from '../open-route.js'
import type { RouteContext } from './context.js'

/** A route of ours. */
export interface OwnRoute {
  readonly method: HTTPMethods
  readonly url: string
  /** Who may call it; without a guard, whoever comes. */
  readonly guard?: Guard | undefined
  /** What is to be done as the request comes in. */
  readonly onRequest?: onRequestHookHandler | undefined
  /** What must hold before the input is looked at. */
  readonly preValidation?: preValidationHookHandler | undefined
  /** What may refuse with 429: those that are on. */
  readonly limits?: ReadonlyArray<RateLimit | undefined>
  /** The backend whose login route it is: the document learns the backend's security scheme from it. */
  readonly loginOf?: RunningBackend | undefined
  readonly schema: { readonly operationId: string, readonly summary: string, readonly body?: object, readonly response: Readonly<Record<number, object>> } & Readonly<Record<string, unknown>>
  readonly schemaErrorFormatter?: RouteShorthandOptions['schemaErrorFormatter']
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
}

/**
 * Adds a route, with what all routes of ours have in common, and with what the application adds. The order in which it refuses:
 * another site's page, a body that cannot be read, who one is, what one may, what is not there, what the body says.
 */
export function addRoute (scope: FastifyInstance, context: RouteContext, name: RouteName, route: OwnRoute): void {
  const { method, url, guard, onRequest = [], preValidation = [], loginOf, limits = [], schema, schemaErrorFormatter, handler } = route
  // A guard asks that itself. Without one, a page of another site could log its visitor in, or sign them up, as somebody else.
  const isAtRisk = guard === undefined && (loginOf === undefined ? context.backends : [loginOf]).some(({ transport }) => transport.ambient)
  const crossSite = isAtRisk ? { 403: errorReply('`CROSS_SITE_REQUEST`: another site may have made the request.') } : {}

  const own = {
    bodyLimit,
    config: { ...openRoute(guard ?? null), ...context.openApiConfig(loginOf) },
    onRequest: [onRequest, isAtRisk ? refuseCrossSite : []].flat(),
    preValidation: [guard ?? [], preValidation].flat(),
    schema: {
      tags: ['auth'],
      ...(guard === undefined ? { security: [] } : {}),
      ...schema,
      response: { ...guard === undefined ? crossSite : refusals(guard), ...limits.some((limit) => limit !== undefined) ? tooMany : {}, ...unavailable, ...schema.response }
    },
    ...(schemaErrorFormatter === undefined ? {} : { schemaErrorFormatter })
  } as RouteShorthandOptions
  scope.route({ ...withAdditions(own, context.routeOptions[name]), method, url, handler })

  // Before the body is read: what another site sends is not worth it.
  function refuseCrossSite (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
    done(context.isCrossSite(request) ? new CrossSiteError() : undefined)
  }
}

const tooMany = { 429: errorReply('`TOO_MANY_REQUESTS`: try again after `Retry-After` seconds.') }
const unavailable = { 503: errorReply('A store is down, or too many passwords are being hashed. Try again after `Retry-After` seconds.') }

function refusals (guard: Guard): object {
  return {
    401: errorReply('`UNAUTHORIZED`: no credential, or none that holds.'),
    ...(describeGuard(guard)?.forbids === true ? { 403: errorReply('`FORBIDDEN` or `CROSS_SITE_REQUEST`: known, but not allowed; or another site may have made the request.') } : {})
  }
}
