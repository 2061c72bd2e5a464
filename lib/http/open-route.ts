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
export function isOpenTo (guard: object, request: FastifyRequest): boolean {
  const { config } = request.routeOptions
  return isOpen(config) && (config as { [open]?: object })[open] !== guard && !heeded.has(request)
}

/** Requests in a hook that the application has added to the very route: a guard in there has its say. */
const heeded = new WeakSet<object>()

type Hook = (this: unknown, request: object, reply: object, done?: (error?: Error) => void) => unknown

/** A hook that the application adds to a route of ours, for this route and no other. */
export function heed (hook: Hook): Hook {
  if (hook.length >= 3) {
    return function (request, reply, done) {
      heeded.add(request)
      hook.call(this, request, reply, (error) => {
        heeded.delete(request)
        done?.(error)
      })
    }
  }
  return async function (request, reply) {
    heeded.add(request)
    try {
      return await hook.call(this, request, reply)
    } finally {
      heeded.delete(request)
    }
  }
}
