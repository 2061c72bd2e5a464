import type { Backend } from './contracts/backend.js'
import type { RefreshTerms, Strategy } from './contracts/strategy.js'
import { isFunction, isObject, isWhole, longestLifetime, reported } from './option-checks.js'
import { refreshProblems, resolveRefresh } from './refresh-options.js'

/** A backend, with every default in its place. */
export interface BackendSettings extends Omit<Backend, 'refresh'> {
  readonly strategy: Strategy
  /** Of an access token: seconds. */
  readonly lifetimeSeconds: number
  readonly refresh: RefreshTerms | undefined
  readonly requireVerified: boolean
}

/** With refresh tokens an access token need not live long, and what it says is true for no longer: seconds. */
const shortLifetime = 900

/** Fills in the defaults. */
export function resolveBackend (backend: Backend, shared: Strategy | undefined): BackendSettings {
  const strategy = backend.strategy ?? shared as Strategy
  const refresh = resolveRefresh(backend.refresh)
  const lifetimeSeconds = backend.lifetimeSeconds ?? (refresh === undefined ? strategy.lifetimeSeconds : Math.min(strategy.lifetimeSeconds, shortLifetime, refresh.absoluteSeconds))
  return { ...backend, strategy, lifetimeSeconds, refresh, requireVerified: backend.requireVerified === true }
}

/** What is wrong with the strategy that backends share. */
export function strategyProblems (strategy: Strategy | undefined): string[] {
  return strategy === undefined ? [] : ownProblems('strategy', strategy)
}

function ownProblems (path: string, strategy: Strategy): string[] {
  if (isFunction(strategy)) return [`options.${path} is a function: call it, as in opaque()`]
  if (!isObject(strategy) || !isFunction(strategy.start)) return reported(path, ['start must be a function: a strategy is made by jwt({ secret }), for example'])
  return reported(path, isLifetime(strategy.lifetimeSeconds) ? strategy.problems?.() : [lifetimeRule('lifetimeSeconds')])
}

/** What is wrong with the backends. */
export function backendProblems (backends: readonly Backend[], shared: Strategy | undefined): string[] {
  if (!Array.isArray(backends) || backends.length === 0) return ['options.backends must be a list of one backend or more, such as [cookie(), bearer()]']
  const names = backends.map((backend: Partial<Backend>) => backend?.name)

  return backends.flatMap((backend: Backend, index) => {
    const path = `backends[${index}]`
    const isBackend = isObject(backend) && isObject(backend.transport) && ['read', 'write', 'clear', 'challenge'].every((method) => typeof backend.transport[method as 'read'] === 'function')
    if (isFunction(backend)) return [`options.${path} is a function: call it, as in cookie() or bearer()`]
    if (!isBackend) return [`options.${path} must be a backend, such as cookie() or bearer()`]

    const { name, transport, strategy, lifetimeSeconds, rememberSeconds, refresh, requireVerified } = backend
    const problems: string[] = []
    const expect = (holds: boolean, problem: string): void => { if (!holds) problems.push(problem) }
    expect(typeof name === 'string' && /^[\w-]{1,64}$/.test(name), 'name must be letters, digits, - and _')
    expect(names.indexOf(name) === index, `name must differ from the other backends' names: ${name}`)
    const twin = backends.findIndex((other, at) => at < index && common(backend, other).length > 0)
    expect(twin === -1, `transport must differ from that of backends[${twin}]: both have the ${common(backend, backends[twin]).join(' and the ')}`)
    expect(isLifetime(lifetimeSeconds), lifetimeRule('lifetimeSeconds'))
    expect(isLifetime(rememberSeconds), lifetimeRule('rememberSeconds'))
    expect(rememberSeconds === undefined || refresh === undefined || refresh === false, 'rememberSeconds and refresh exclude each other: refresh.idleSeconds says how long who comes back is remembered')
    problems.push(...refreshProblems(refresh, transport, lifetimeSeconds))
    expect(requireVerified === undefined || typeof requireVerified === 'boolean', 'requireVerified must be true or false')
    expect(strategy !== undefined || shared !== undefined, 'strategy is missing, and so is options.strategy')
    return [
      ...reported(path, [...problems, ...transport.problems?.() ?? []]),
      ...(strategy === undefined ? [] : ownProblems(`${path}.strategy`, strategy))
    ]
  })
}

/** What tokens of both travel in. */
function common (one: Partial<Backend>, other: Partial<Backend> | undefined): readonly string[] {
  const [carriers, others] = [one, other].map((backend) => [backend?.transport?.carrier ?? []].flat()) as [string[], string[]]
  return carriers.filter((carrier) => others.includes(carrier))
}

function lifetimeRule (option: string): string {
  return `${option} must be a whole number of seconds from 1 to ${longestLifetime} (400 days)`
}

function isLifetime (value: unknown): boolean {
  return value === undefined || (isWhole(value) && value >= 1 && value <= longestLifetime)
}
