import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import type { RunningBackend } from '../backend.js'
import { documentedLimit } from '../schemas/account.js'
import { errorReply } from '../schemas/error.js'
import { describeGuard, type GuardDescription } from './guard.js'
import { isOpen } from './open-route.js'

/** The hooks in which a guard may stand. */
const guardHooks = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const

/** The names of security schemes that are taken, by application: sibling registrations may have backends of one name. */
const takenNames = new WeakMap<object, Set<string>>()

/** A route, with the scope that it stands in. */
interface SeenRoute {
  readonly scope: FastifyInstance
  readonly route: RouteOptions
  /** Whether its replies are described by JSON schemas, and not by a library that the application brought. */
  readonly isJsonSchema: boolean
}

type Schemes = Record<string, Readonly<Record<string, unknown>>>

/** What @fastify/swagger hands to the transform of a route. */
interface TransformInput {
  readonly schema: { readonly querystring?: { readonly properties: { readonly limit?: object } }, readonly response: object }
  readonly url: string
  readonly route: { readonly method: string }
  readonly openapiObject?: { components?: { securitySchemes?: Schemes } }
  /** In its place where the application asks for Swagger 2.0. */
  readonly swaggerObject?: { securityDefinitions?: Schemes }
}

/**
 * Writes into the application's OpenAPI document what its guards ask for: `security`, and the replies 400, 401, 403 and 503 of
 * each guarded route. Without @fastify/swagger it does nothing.
 *
 * @returns the `config` of a route of ours, for its transform: that of a login route declares its backend's security scheme
 */
export function describeInOpenApi (fastify: FastifyInstance, backends: readonly RunningBackend[]): (backend?: RunningBackend) => object {
  if (!fastify.hasPlugin('@fastify/swagger')) {
    fastify.addHook('onReady', (done) => {
      if (fastify.hasPlugin('@fastify/swagger')) fastify.log.warn('fastify-users: register @fastify/swagger before it, or the document lacks its routes and security schemes')
      done()
    })
    return () => ({})
  }

  const names = nameSchemes(fastify, backends)
  const scopeGuards = watchScopes(fastify)
  const routes: SeenRoute[] = []
  fastify.addHook('onRoute', function (route) {
    // Asked now: once routes are compiled, Fastify's own serializer stands there, too.
    routes.push({ scope: this, route, isJsonSchema: this.serializerCompiler === undefined })
  })

  // Fastify has compiled the routes by now, and @fastify/swagger reads `route.schema` later: what is put there now is for
  // the document alone, and costs no request anything.
  fastify.addHook('onReady', (done) => {
    for (const seen of routes) {
      const guards = [...isOpen(seen.route.config) ? [] : scopeGuards(seen.scope), ...routeGuards(seen.route)]
      if (guards.length > 0) describe(seen, guards, names)
    }
    done()
  })

  return (backend) => ({
    // Ours, and not the application's own transform, which may take every schema for one of its library's.
    swaggerTransform: ({ schema: own, url, route, openapiObject, swaggerObject }: TransformInput) => {
      const schema = withUnreadable(withNumbers(own), route.method)
      if (backend === undefined) return { schema, url }
      const scheme = backend.transport.securityScheme(url)
      const name = names.get(backend) as string
      if (openapiObject !== undefined) ((openapiObject.components ??= {}).securitySchemes ??= {})[name] ??= scheme
      if (swaggerObject !== undefined) (swaggerObject.securityDefinitions ??= {})[name] ??= inSwagger2(scheme)
      return { schema, url }
    }
  })
}

/** Queries of ours are checked as the texts that they are. The document says what these stand for. */
function withNumbers (schema: TransformInput['schema']): TransformInput['schema'] {
  const { querystring } = schema
  if (querystring?.properties.limit === undefined) return schema
  return { ...schema, querystring: { ...querystring, properties: { ...querystring.properties, limit: documentedLimit } } }
}

/** What is said to requests that cannot be read, whatever the route is for. Here and not in its schema, which would make a serializer of each. */
function withUnreadable (schema: TransformInput['schema'], method: string): object {
  return { ...schema, response: { 400: badRequest, ...method === 'GET' ? {} : unreadable, ...schema.response } }
}

const badRequest = errorReply('`FST_ERR_VALIDATION` or another `FST_ERR_…`: the input is not what it must be. `AMBIGUOUS_CREDENTIALS`: more than one credential, and nobody knows which is meant.')
const unreadable = {
  413: errorReply('`FST_ERR_CTP_BODY_TOO_LARGE`: the body is too large.'),
  415: errorReply('`FST_ERR_CTP_INVALID_MEDIA_TYPE` or `FST_USERS_BAD_CHARSET`: the body is of a type or an encoding that is not read.')
}

/** Swagger 2.0 knows one flow at a time, and no cookies but as the header that they are. */
function inSwagger2 (scheme: Schemes[string]): Schemes[string] {
  const { flows, ...rest } = scheme as { flows?: { password?: object } }
  if (flows?.password !== undefined) return { ...rest, flow: 'password', ...flows.password }
  return { type: 'apiKey', in: 'header', name: scheme.in === 'cookie' ? 'Cookie' : 'Authorization' }
}

/** The backend's name, with a number if another registration has taken that. */
function nameSchemes (fastify: FastifyInstance, backends: readonly RunningBackend[]): Map<RunningBackend, string> {
  const taken = takenNames.get(fastify.server) ?? new Set<string>()
  takenNames.set(fastify.server, taken)
  const names = new Map<RunningBackend, string>()
  for (const backend of backends) {
    let name = backend.name
    for (let n = 2; taken.has(name); n++) name = `${backend.name}_${n}`
    taken.add(name)
    names.set(backend, name)
  }
  return names
}

/** Notes which scopes get a guard: Fastify tells nobody which hooks a scope has, so `addHook` is wrapped, here and inward. */
function watchScopes (fastify: FastifyInstance): (scope: FastifyInstance) => GuardDescription[] {
  const seen = new Map<object, GuardDescription[]>()
  const addHook = fastify.addHook as (this: FastifyInstance, name: string, hook: object) => FastifyInstance

  fastify.addHook = function (this: FastifyInstance, name: string, hook: object) {
    const guard = describeGuard(hook)
    if (guard !== undefined) seen.set(this, [...seen.get(this) ?? [], guard])
    return addHook.call(this, name, hook)
  } as FastifyInstance['addHook']

  return (scope) => {
    const guards: GuardDescription[] = []
    // A scope's prototype is the scope around it, and hooks go inward.
    for (let at: object | null = scope; at !== null; at = Object.getPrototypeOf(at) as object | null) guards.push(...seen.get(at) ?? [])
    return guards
  }
}

function routeGuards (route: RouteOptions): GuardDescription[] {
  return guardHooks
    .flatMap((name) => route[name] as object | object[] | undefined ?? [])
    .flatMap((hook) => describeGuard(hook) ?? [])
}

/** All guards of a route must let a request pass: only a backend that all of them take is a way in. */
function describe ({ route, isJsonSchema }: SeenRoute, guards: readonly GuardDescription[], names: ReadonlyMap<RunningBackend, string>): void {
  const ways = [...names].filter(([backend]) => guards.every(({ backends }) => backends.includes(backend)))
  const security: Array<Record<string, string[]>> = ways.map(([, name]) => ({ [name]: [] }))
  if (guards.every(({ optional }) => optional)) security.push({})

  const schema = (route.schema ?? {}) as { security?: unknown, response?: object }
  // Zod's compilers and the like take no reply that is described in JSON schema: there, `security` has to do.
  const replies = isJsonSchema ? { response: { ...refusalsOf(guards), ...schema.response ?? { 200: { description: 'Default Response' } } } } : {}
  const described: object = { ...schema, security: schema.security ?? security, ...replies }
  route.schema = described as FastifySchema
}

function refusalsOf (guards: readonly GuardDescription[]): object {
  return {
    400: errorReply('`AMBIGUOUS_CREDENTIALS`: more than one credential, and nobody knows which is meant; or the input is not what it must be.'),
    503: errorReply('`FST_USERS_UNAVAILABLE`: a store is down. Try again after `Retry-After` seconds.'),
    401: errorReply('`UNAUTHORIZED`: no credential, or none that holds.'),
    ...(guards.some(({ forbids }) => forbids) ? { 403: errorReply('`FORBIDDEN`, `USER_NOT_VERIFIED` or `CROSS_SITE_REQUEST`: known, but not allowed.') } : {})
  }
}
