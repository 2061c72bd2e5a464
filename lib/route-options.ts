import type { FastifyContextConfig, RouteShorthandOptions } from 'fastify'
import { heed } from './http/open-route.js'
import { misspelt } from './misspelt.js'
import { isObject, memberProblems, reported } from './option-checks.js'

/** Groups of routes beside login and logout, which are always there. Each is off by default. */
export interface RouteGroups {
  /** `POST /register` */
  readonly register?: boolean | undefined
  /** `POST /request-verify-token`, `POST /verify`; who registers or gets another address is mailed a link at once. */
  readonly verify?: boolean | undefined
  /** `POST /forgot-password`, `POST /reset-password` */
  readonly reset?: boolean | undefined
  /** `GET /users/me`, `PATCH /users/me`, `POST /confirm`; with `confirmEmailChange` also `POST /change-email` */
  readonly me?: boolean | undefined
  /** `DELETE /users/me` */
  readonly deleteMe?: boolean | undefined
  /**
   * `GET /sessions`, `DELETE /sessions`, `DELETE /sessions/:id`; with `users` also those of `/users/:id/sessions`. Needs a strategy with
   * sessions at every backend.
   */
  readonly sessions?: boolean | undefined
  /** For superusers: `GET /users`, `POST /users`, and `GET`, `PATCH`, `DELETE /users/:id`; with `reset` also `POST /users/:id/forgot-password` */
  readonly users?: boolean | undefined
}

const groupNames = ['register', 'verify', 'reset', 'me', 'deleteMe', 'sessions', 'users']

const routeNames = [
  'login', 'logout', 'refresh', 'confirm', 'register', 'requestVerify', 'verify', 'forgotPassword', 'resetPassword', 'changeEmail',
  'getMe', 'updateMe', 'deleteMe', 'listUsers', 'createUser', 'getUser', 'updateUser', 'deleteUser', 'sendResetLink',
  'listSessions', 'deleteSession', 'deleteSessions', 'listUserSessions', 'deleteUserSession', 'deleteUserSessions'
] as const

/** A route of the plugin. `login`, `logout` and `refresh` are those of all backends. */
export type RouteName = typeof routeNames[number]

const hookNames = ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'preSerialization', 'onSend', 'onResponse', 'onTimeout', 'onError', 'onRequestAbort'] as const

type AddedHooks = { readonly [Name in typeof hookNames[number]]?: RouteShorthandOptions[Name] | undefined }

/** The hooks in which a guard may stand. */
const guardHooks = ['onRequest', 'preValidation', 'preHandler']

/**
 * What an application adds to a route of the plugin. Its hooks run behind the plugin's own of the same name. Who may call the
 * route is asked in `preValidation`: hooks up to `preParsing` see strangers, too.
 */
export interface RouteAdditions extends AddedHooks {
  /** The route's `config`: for other plugins, `@fastify/rate-limit` say. */
  readonly config?: FastifyContextConfig | undefined
  /**
   * Added to the route's schema: `summary`, `tags` and what else describes it; further replies under `response`; under `body`
   * further members that the request may hold (`properties`) or must hold (`required`), for hooks of the application: the plugin
   * does not store them.
   */
  readonly schema?: {
    readonly body?: { readonly properties: Readonly<Record<string, unknown>>, readonly required?: readonly string[] | undefined } | undefined
    readonly response?: Readonly<Record<string, object>> | undefined
    readonly summary?: string | undefined
    readonly description?: string | undefined
    readonly tags?: readonly string[] | undefined
    readonly operationId?: string | undefined
    readonly hide?: boolean | undefined
    readonly deprecated?: boolean | undefined
  } | undefined
}

/** What is added to which route. */
export type RouteOptions = { readonly [Name in RouteName]?: RouteAdditions | undefined }

/** What is wrong with the options. */
export function routeProblems (groups: RouteGroups, additions: RouteOptions): string[] {
  const problems = memberProblems('routes', groups, groupNames, (value) => typeof value === 'boolean', 'must be true or false')
  const ofRoutes = memberProblems('routeOptions', additions, routeNames, isObject, 'must hold hooks, config or schema')
  const ofMembers = Object.entries(Object(additions) as object)
    .filter(([name, given]) => (routeNames as readonly string[]).includes(name) && isObject(given))
    .flatMap(([name, given]) => reported(`routeOptions.${name}`, misspelt(given as object, [...hookNames, 'config', 'schema'])))
  return [...problems, ...ofRoutes, ...ofMembers]
}

/** The route's own options with those of the application added. What is `undefined` is left out. */
export function withAdditions (own: RouteShorthandOptions, additions: RouteAdditions = {}): RouteShorthandOptions {
  const { config, schema = {}, ...hooks } = additions
  const { body, response, ...description } = schema
  const ownSchema = own.schema as { body?: Partial<typeof body>, response?: object } | undefined

  return {
    ...own,
    ...Object.fromEntries(Object.entries(hooks).map(([name, hook]) => [name, inOrder(own[name as 'onRequest'], guardHooks.includes(name) ? heedAll(hook) : hook)])),
    config: { ...own.config, ...config } as FastifyContextConfig,
    schema: {
      ...ownSchema,
      ...Object.fromEntries(Object.entries(description).filter(([, value]) => value !== undefined)),
      ...(body === undefined ? {} : { body: { type: 'object', ...ownSchema?.body, properties: { ...body.properties, ...ownSchema?.body?.properties }, required: [...ownSchema?.body?.required ?? [], ...body.required ?? []] } }),
      response: { ...ownSchema?.response, ...response }
    }
  }
}

function heedAll (hooks: unknown): unknown {
  return [hooks].flat().map((hook) => typeof hook === 'function' ? heed(hook as Parameters<typeof heed>[0]) : hook)
}

function inOrder (own: unknown, added: unknown): never {
  return [own, added].flat().filter((hook) => hook !== undefined) as never
}
