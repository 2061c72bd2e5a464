import type { BackendName } from '../contracts/user.js'
import type { Registration } from '../registrations.js'
import { testPassword } from './create-user.js'
import { registrationIn, type TestApp, type TestReply } from './test-app.js'
import { refuseInProduction } from './tests-only.js'

/** What a client sends to show who it is. */
export interface Presented {
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly cookies?: Readonly<Record<string, string>> | undefined
}

/** Options of {@link loginAs}. */
export interface LoginAsOptions {
  /** The name of the backend. Default: the first one. */
  readonly backend?: BackendName | undefined
  /** Default: {@link testPassword}, which users made by `createUser` have. */
  readonly password?: string | undefined
  /**
   * For a transport of your own: what a client sends that was given this reply, as for `transportContract`. Default: the cookies of
   * the reply, or its `access_token`.
   */
  readonly present?: ((reply: TestReply) => Presented) | undefined
}

/**
 * Logs a user in, and gives the headers of whatever that user sends from then on. It is a login like any other, by the backend's route
 * and the password: hooks, limits and checks are those of the app, and nobody gets in who could not.
 *
 * With a cookie the headers also say, as a browser would, that a page of the app itself has sent the request.
 *
 * @param app the instance that fastify-users is registered with, or a scope inside
 * @throws an error with the `statusCode` and the `code` of the reply if the login is refused
 * @example
 * ```ts
 * const headers = await loginAs(app, await createUser(app), { backend: 'bearer' })
 * const reply = await app.inject({ url: '/me', headers })
 * ```
 */
export async function loginAs (app: TestApp, user: { readonly email: string }, { backend, password = testPassword, present = asUsual }: LoginAsOptions = {}): Promise<Record<string, string>> {
  refuseInProduction('loginAs()')
  const { path, ambient } = loginOf(await registrationIn(app), backend)
  const fromOwnPage = ambient ? { 'sec-fetch-site': 'same-origin' } : {}
  const reply = await app.inject({ method: 'POST', url: path, headers: fromOwnPage, payload: { email: user.email, password } })
  if (reply.statusCode !== 200) throw refused(path, reply)
  return { ...fromOwnPage, ...headersOf(present(reply)) }
}

function loginOf ({ logins }: Registration, name: string | undefined): Registration['logins'][number] {
  const login = name === undefined ? logins[0] : logins.find(({ backend }) => backend === name)
  if (login === undefined) throw new Error(`There is no backend of the name ${name}; the backends are ${logins.map(({ backend }) => backend).join(', ')}`)
  return login
}

/** What clients of `cookie()` and `bearer()` send. */
function asUsual (reply: TestReply): Presented {
  if (reply.cookies.length > 0) return { cookies: Object.fromEntries(reply.cookies.map(({ name, value }) => [name, value])) }
  const { access_token: token } = bodyOf(reply)
  if (typeof token !== 'string') throw new Error('The login gave neither a cookie nor an access_token: tell loginAs() by `present` what a client sends after it')
  return { headers: { authorization: `Bearer ${token}` } }
}

/** All in headers, which is what a test can hand on most easily. */
function headersOf ({ headers = {}, cookies = {} }: Presented): Record<string, string> {
  const cookie = Object.entries(cookies).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('; ')
  return { ...cookie === '' ? {} : { cookie }, ...headers }
}

function refused (path: string, reply: TestReply): Error {
  const { code, message } = bodyOf(reply)
  const told = [reply.statusCode, code, message].filter((part) => part !== undefined)
  return Object.assign(new Error(`POST ${path} was refused: ${told.join(' ')}`), { statusCode: reply.statusCode, code })
}

/** The members of a reply. The app, or a transport of its own, may answer in any shape. */
function bodyOf ({ body }: TestReply): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(body)) as Record<string, unknown>
  } catch {
    return {}
  }
}
