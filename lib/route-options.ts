import type { FastifyContextConfig, RouteShorthandOptions } from 'fastify'
import { isObject } from './option-checks.js'

/** Groups of routes beside login and logout, which are always there. Each is off by default. */
export interface RouteGroups {
  /** `POST /register` */
  readonly register?: boolean | undefined
  /** `POST /request-verify-token`, `POST /verify`; who registers or gets another address is mailed a link at once. */
  readonly verify?: boolean | undefined
  /** `POST /forgot-password`, `POST /reset-password` */
  readonly reset?: boolean | undefined
  /** `GET /users/me`, `PATCH /users/me`; with `confirmEmailChange` also `POST /change-email` */
  readonly me?: boolean | undefined
  /** `DELETE /users/me` */
  readonly deleteMe?: boolean | undefined
  /** For superusers: `GET /users`, `POST /users`, and `GET`, `PATCH`, `DELETE /users/:id`; with `reset` also `POST /users/:id/forgot-password` */
  readonly users?: boolean | undefined
}

const groupNames = ['register', 'verify', 'reset', 'me', 'deleteMe', 'users']

const routeNames = [
  'login', 'logout', 'register', 'requestVerify', 'verify', 'forgotPassword', 'resetPassword', 'changeEmail',
  'getMe', 'updateMe', 'deleteMe', 'listUsers', 'createUser', 'getUser', 'updateUser', 'deleteUser', 'sendResetLink'
] as const

/** A route of the plugin. `login` and `logout` are those of all backends. */
export type RouteName = typeof routeNames[number]

const hookNames = ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'preSerialization', 'onSend', 'onResponse', 'onTimeout', 'onError', 'onRequestAbort'] as const

/** What an application adds to a route of the plugin. Its hooks run behind the plugin's own. */
export interface RouteAdditions extends Pick<RouteShorthandOptions, typeof hookNames[number]> {
  /** The route's `config`: for other plugins, `@fastify/rate-limit` say. */
  readonly config?: FastifyContextConfig
  /**
   * Added to the route's schema: `summary`, `tags` and what else describes it; further replies under `response`; under `body`
   * further members that the request may hold (`properties`) or must hold (`required`), for hooks of the application: the plugin
   * does not store them.
   */
  readonly schema?: {
    readonly body?: { readonly properties: Readonly<Record<string, unknown>>, readonly required?: readonly string[] }
    readonly response?: Readonly<Record<string, object>>
    readonly summary?: string
    readonly description?: string
    readonly tags?: readonly string[]
    readonly operationId?: string
    readonly hide?: boolean
    readonly deprecated?: boolean
  }
}

/** What is added to which route. */
export type RouteOptions = { readonly [Name in RouteName]?: RouteAdditions | undefined }

/** What is wrong with the options. */
export function routeProblems (groups: RouteGroups, additions: RouteOptions): string[] {
  const isSwitch = ([name, value]: [string, unknown]): boolean => groupNames.includes(name) && (value === undefined || typeof value === 'boolean')
  const isKnown = (name: string): boolean => (routeNames as readonly string[]).includes(name)
  const problems: string[] = []

  if (!isObject(groups) || !Object.entries(groups).every(isSwitch)) problems.push(`options.routes must hold true or false for ${groupNames.join(', ')}`)
  if (!isObject(additions) || !Object.keys(additions).every(isKnown)) return [...problems, `options.routeOptions must hold additions to ${routeNames.join(', ')}`]
  for (const [name, given] of Object.entries(additions)) {
    if (given === undefined) continue
    const misspelt = isObject(given) ? Object.keys(given).find((key) => ![...hookNames, 'config', 'schema'].includes(key)) : ''
    if (misspelt !== undefined) problems.push(`options.routeOptions.${name} may hold hooks, config and schema${misspelt === '' ? '' : `, and no ${misspelt}`}`)
  }
  return problems
}

/** The route's own options with those of the application added. */
export function withAdditions (own: RouteShorthandOptions, additions: RouteAdditions = {}): RouteShorthandOptions {
  const { config, schema = {}, ...hooks } = additions
  const { body, response, ...description } = schema
  const ownSchema = own.schema as { body?: Partial<typeof body>, response?: object } | undefined

  return {
    ...own,
    ...Object.fromEntries(Object.entries(hooks).map(([name, hook]) => [name, inOrder(own[name as 'onRequest'], hook)])),
    config: { ...own.config, ...config } as FastifyContextConfig,
    schema: {
      ...ownSchema,
      ...description,
      ...(body === undefined ? {} : { body: { ...ownSchema?.body, properties: { ...body.properties, ...ownSchema?.body?.properties }, required: [...ownSchema?.body?.required ?? [], ...body.required ?? []] } }),
      response: { ...ownSchema?.response, ...response }
    }
  }
}

function inOrder (own: unknown, added: unknown): never {
  return [own, added].flat().filter((hook) => hook !== undefined) as never
}
