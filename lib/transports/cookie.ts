import type { FastifyReply, FastifyRequest } from 'fastify'
import type {} from '@fastify/cookie'
import type { Backend, RefreshOptions } from '../contracts/backend.js'
import type { Strategy } from '../contracts/strategy.js'
import type { Transport } from '../contracts/transport.js'
import { AmbiguousCredentialsError, CookieTooLargeError } from '../errors.js'
import { cookieAdvice, cookieProblems, type CookieAttributes } from './cookie-attributes.js'

/** Options of {@link cookie}. */
export interface CookieOptions<Name extends string = string> {
  /** The last part of `/login/:name` and `/logout/:name`: letters, digits, `-` and `_`, at most 64. Default `'cookie'`. */
  readonly name?: Name | undefined
  /** How long the token and the cookie live: seconds, at most 400 days. Default: as the strategy says; with `refresh` 900 at most. */
  readonly lifetimeSeconds?: number | undefined
  /**
   * Offers "remember me": how long token and cookie live where the login said `remember: true`, in seconds, at most 400
   * days. Other logins then get a cookie that ends with the browser's session. Default: no choice, every cookie persists.
   */
  readonly rememberSeconds?: number | undefined
  /** A strategy of its own, instead of the shared one. */
  readonly strategy?: Strategy | undefined
  /**
   * Gives refresh tokens, in a cookie of their own that goes to `/refresh/:name` alone: `true`, or how long they are good. Needs a
   * strategy with sessions, and excludes `rememberSeconds`. Default `false`.
   */
  readonly refresh?: boolean | RefreshOptions | undefined
  /** The path of the refresh token's cookie, where a proxy puts the app below another one. Default: that of `/refresh/:name`. */
  readonly refreshCookiePath?: string | undefined
  /** Whether only users with a verified address may log in here: asked at login, and again at each guarded request. Default `false`. */
  readonly requireVerified?: boolean | undefined
  /** The cookie's name. Prefixed by `__Host-`, no other host can set it. Default `'fastifyusersauth'`. */
  readonly cookieName?: string | undefined
  /** The path below which browsers send it. Default `'/'`. */
  readonly cookiePath?: string | undefined
  /** The domain whose hosts get it. Default: none, so that only the very host that set the cookie gets it back. */
  readonly cookieDomain?: string | undefined
  /** Whether it travels over https alone. Default `true`. */
  readonly cookieSecure?: boolean | undefined
  /** Whether scripts of the page cannot read it. Default `true`. */
  readonly cookieHttpOnly?: boolean | undefined
  /** Whether it comes along when the request begins at another site. Default `'lax'`: only where somebody follows a link. */
  readonly cookieSameSite?: 'lax' | 'strict' | 'none' | undefined
  /** A jar of its own for each top-level site (CHIPS). Needs `cookieSecure`. Default `false`. */
  readonly cookiePartitioned?: boolean | undefined
}

/** RFC 6265bis §5.6: browsers drop a cookie whose name and value exceed this. */
const maxBytes = 4096

/**
 * A backend whose token travels in a cookie. Browsers send it by themselves, so requests that another site may have made
 * are refused: see docs/cookies.md.
 *
 * @example cookie({ cookieName: '__Host-session', rememberSeconds: 30 * 24 * 3600 })
 */
export function cookie<const Name extends string = 'cookie'> (options: CookieOptions<Name> = {}): Backend<NoInfer<Name>> {
  const {
    name = 'cookie' as Name, lifetimeSeconds, rememberSeconds, strategy, refresh, refreshCookiePath, requireVerified,
    cookieName = 'fastifyusersauth', cookiePath = '/', cookieDomain, cookieSecure = true, cookieHttpOnly = true,
    cookieSameSite = 'lax', cookiePartitioned = false, ...unknown
  } = options
  const attributes: CookieAttributes = { cookieName, cookiePath, cookieDomain, cookieSecure, cookieHttpOnly, cookieSameSite, cookiePartitioned, refreshCookiePath }
  return { name, transport: createTransport(attributes, unknown, refresh !== undefined && refresh !== false), strategy, lifetimeSeconds, rememberSeconds, refresh, requireVerified }
}

function createTransport (attributes: CookieAttributes, unknown: object, refreshes: boolean): Transport {
  const { cookieName, refreshCookiePath } = attributes
  const refreshName = `${String(cookieName)}_refresh`
  // What `__Host-` promises, that no other host has set the cookie, is worth more than a narrow path, which it does not allow.
  const isHostOnly = /^__Host-/i.test(String(cookieName))
  // Each one is named, so that no default of the application's own @fastify/cookie gets in.
  const fixed = {
    path: attributes.cookiePath,
    domain: attributes.cookieDomain,
    secure: attributes.cookieSecure,
    httpOnly: attributes.cookieHttpOnly,
    sameSite: attributes.cookieSameSite,
    partitioned: attributes.cookiePartitioned,
    signed: false,
    encode: encodeURIComponent
  }

  return {
    ambient: true,
    carrier: (refreshes ? [cookieName, refreshName] : [cookieName]).map((name) => `cookie ${name}`),
    problems: () => cookieProblems(attributes, unknown),
    advice: (production) => cookieAdvice(attributes, production),
    read: (request) => readCookie(request, cookieName),
    readRefresh: (request) => readCookie(request, refreshName),

    write (reply, { token, user, lifetimeSeconds, persistent, refresh }) {
      if (isTooLarge(cookieName, token) || (refresh !== undefined && isTooLarge(refreshName, refresh.token))) throw new CookieTooLargeError()
      setCookie(reply, cookieName, token, persistent ? lifetimeSeconds : undefined)
      if (refresh !== undefined) setCookie(reply, refreshName, refresh.token, refresh.lifetimeSeconds, refresh.path)
      return user
    },

    clear (reply, refreshPath) {
      setCookie(reply, cookieName, '', 0)
      if (refreshPath !== undefined) setCookie(reply, refreshName, '', 0, refreshPath)
      return {}
    },

    challenge: () => `Cookie realm="users", cookie-name="${cookieName}"`,
    securityScheme: () => ({ type: 'apiKey', in: 'cookie', name: cookieName }),
    loginSchema: (user) => ({ description: 'The user. The token is in the cookie.', ...user })
  }

  function setCookie (reply: FastifyReply, name: string, value: string, maxAge: number | undefined, refreshPath?: string): void {
    const path = refreshPath === undefined || isHostOnly ? fixed.path : refreshCookiePath ?? refreshPath
    // Its types know no `undefined`, which here keeps the application's defaults out.
    reply.setCookie(name, value, { ...fixed, path, expires: undefined, maxAge } as Parameters<FastifyReply['setCookie']>[2] & object)
  }
}

function isTooLarge (name: string, value: string): boolean {
  return Buffer.byteLength(name) + Buffer.byteLength(encodeURIComponent(value)) >= maxBytes
}

/** Seeks the one cookie, without taking all the others apart. */
function readCookie (request: FastifyRequest, name: string): string | null {
  const header = request.raw.headers.cookie
  if (header === undefined) return null
  const start = find(header, name, 0)
  if (start === -1) return null
  const end = header.indexOf(';', start)
  // A second one of the name was planted by a neighbour, on a parent domain or a longer path: which one is ours, nobody knows.
  if (end !== -1 && find(header, name, end) !== -1) throw new AmbiguousCredentialsError()
  return decode((end === -1 ? header.slice(start) : header.slice(start, end)).trim())
}

/** Where the value of the cookie begins, or -1. */
function find (header: string, name: string, from: number): number {
  for (let at = header.indexOf(name, from); at !== -1; at = header.indexOf(name, at + name.length)) {
    if (header.charCodeAt(at + name.length) === equals && beginsPair(header, at)) return at + name.length + 1
  }
  return -1
}

/** Whether a cookie begins here; elsewhere the name is the end of another name, or stands in a value. */
function beginsPair (header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && isBlank(header.charCodeAt(before))) before--
  return before < 0 || header.charCodeAt(before) === semicolon
}

function isBlank (code: number): boolean {
  return code === space || code === tab
}

const [tab, space, semicolon, equals] = [0x09, 0x20, 0x3b, 0x3d] as const

function decode (value: string): string {
  if (!value.includes('%')) return value
  try {
    return decodeURIComponent(value)
  } catch {
    return ''
  }
}
