import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Accounts, Source } from '../../accounts/accounts.js'
import type { IsCrossSite } from '../../authenticator.js'
import type { RunningBackend } from '../../backend.js'
import type { Hooks } from '../../contracts/hooks.js'
import type { Deadline } from '../../deadline.js'
import type { RouteGroups, RouteOptions } from '../../route-options.js'
import type { ObjectSchema } from '../../schemas/user.js'
import type { Authenticate } from '../guard.js'

/** What the routes work with. */
export interface RouteContext {
  readonly accounts: Accounts
  readonly backends: readonly RunningBackend[]
  readonly authenticate: Authenticate
  readonly isCrossSite: IsCrossSite
  readonly hooks: Hooks
  /** How long a store is waited for. */
  readonly deadline: Deadline
  /** How lately a superuser must have proved who they are, to change something: seconds; `undefined`: whenever it was. */
  readonly freshSeconds: number | undefined
  /** Which groups of routes there are. */
  readonly groups: RouteGroups
  /** What the application adds to them. */
  readonly routeOptions: RouteOptions
  /** The JSON schema of the application's own fields. */
  readonly fields: ObjectSchema
  /** The JSON schema of a user. */
  readonly userSchema: ObjectSchema
  /** Where a request comes from, for the use cases. */
  readonly sourceOf: (request: FastifyRequest, reply: FastifyReply) => Source
  /** Route `config` for the OpenAPI document; of a login route it declares the backend's security scheme. */
  readonly openApiConfig: (backend?: RunningBackend) => object
}
