import type { FastifyRequest } from 'fastify'

const open = Symbol('fastify-users: open to everybody')

/** The `config` of a route of ours that nobody need be logged in for. */
export const openRouteConfig: object = { [open]: true }

/** Whether a route's `config` says so. */
export function isOpen (config: object | undefined): boolean {
  return config !== undefined && Object.hasOwn(config, open)
}

/**
 * Whether the request is for such a route. A guard on the whole app would otherwise lock the door to log in by. Asked
 * only where a guard is about to refuse.
 */
export function isOpenRoute (request: FastifyRequest): boolean {
  return isOpen(request.routeOptions.config)
}
