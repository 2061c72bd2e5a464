import type { FastifyRequest } from 'fastify'

const open = Symbol('fastify-users: open')

/**
 * The `config` of a route of ours that no guard of the application shuts: a guard on the whole app would otherwise lock the
 * door to log in by, or keep in who may do no more than leave.
 *
 * @param own the one guard that the route has of its own, if any
 */
export function openRoute (own: object | null): object {
  return { [open]: own }
}

/** Whether a route's `config` says so. */
export function isOpen (config: object | undefined): boolean {
  return config !== undefined && Object.hasOwn(config, open)
}

/** Whether a guard has no say about a request. Asked only where it is about to refuse. */
export function isOpenTo (guard: object, { routeOptions: { config } }: FastifyRequest): boolean {
  return isOpen(config) && (config as { [open]?: object })[open] !== guard
}
