import type { FastifyRequest } from 'fastify'
import { isPromise } from '../maybe-promise.js'

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

/** Whether a guard is the one that a route of ours has of its own. */
export function isOwnGuard (guard: object, { routeOptions: { config } }: FastifyRequest): boolean {
  return isOpen(config) && (config as { [open]?: object })[open] === guard
}

/** Whether a guard has no say about a request. Asked only where it is about to refuse, or is not the first one. */
export function isOpenTo (guard: object, request: FastifyRequest): boolean {
  return isOpen(request.routeOptions.config) && !isOwnGuard(guard, request) && !heeded.has(request)
}

/** Requests in a hook that the application has added to the very route: a guard in there has its say. */
const heeded = new WeakSet<object>()

type Hook = (this: unknown, request: object, reply: object, done: (error?: Error) => void) => unknown

/**
 * A hook that the application adds to a route of ours, for this route and no other. It stays what it is for Fastify: one that
 * replies and says no more ends the request there.
 */
export function heed (hook: Hook): Hook {
  // Fastify refuses an async hook that is given `done`, and says why.
  if (hook.constructor.name === 'AsyncFunction' && hook.length >= 3) return hook

  return function (request, reply, done) {
    const over = (): void => { heeded.delete(request) }
    heeded.add(request)
    const result = hook.call(this, request, reply, (error) => {
      over()
      done(error)
    })
    return isPromise(result) ? Promise.resolve(result).finally(over) : result
  }
}
