import { misspelt } from '../misspelt.js'

/** The attributes that `cookie()` writes. */
export interface CookieAttributes {
  readonly cookieName: string
  readonly cookiePath: string
  readonly cookieDomain: string | undefined
  readonly cookieSecure: boolean
  readonly cookieHttpOnly: boolean
  readonly cookieSameSite: 'lax' | 'strict' | 'none'
  readonly cookiePartitioned: boolean
  readonly refreshCookiePath: string | undefined
}

/** RFC 9110 §5.6.2: a cookie's name is a token. */
const token = /^[\w!#$%&'*+.^`|~-]+$/
/** RFC 6265bis §4.1.1: no control characters and no semicolon. */
const pathValue = /^\/[\x20-\x3a\x3c-\x7e]*$/
/** At least two labels: nobody owns a top-level domain, and browsers refuse a cookie for one. */
const domainValue = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/i

const optionNames = [
  'name', 'lifetimeSeconds', 'rememberSeconds', 'strategy', 'refresh', 'refreshCookiePath', 'requireVerified', 'cookieName', 'cookiePath',
  'cookieDomain', 'cookieSecure', 'cookieHttpOnly', 'cookieSameSite', 'cookiePartitioned'
]

/** What browsers would refuse, or what would be unsafe, in the attributes of a cookie; each sentence begins with the option. */
export function cookieProblems (attributes: CookieAttributes, unknown: object): string[] {
  const { cookieName, cookiePath, cookieDomain, cookieSecure, cookieHttpOnly, cookieSameSite, cookiePartitioned, refreshCookiePath } = attributes
  const problems = misspelt(unknown, optionNames, 'cookie()')
  const expect = (holds: boolean, problem: string): void => { if (!holds) problems.push(problem) }

  expect(typeof cookieName === 'string' && token.test(cookieName), 'cookieName must be letters, digits and !#$%&\'*+-.^_`|~')
  expect(typeof cookiePath === 'string' && pathValue.test(cookiePath), 'cookiePath must begin with / and hold neither ; nor control characters')
  expect(refreshCookiePath === undefined || (typeof refreshCookiePath === 'string' && pathValue.test(refreshCookiePath)), 'refreshCookiePath must begin with / and hold neither ; nor control characters')
  expect(cookieDomain === undefined || (typeof cookieDomain === 'string' && domainValue.test(cookieDomain)), 'cookieDomain must be a host name of two or more labels, such as example.com')
  expect(typeof cookieSecure === 'boolean', 'cookieSecure must be true or false')
  expect(typeof cookieHttpOnly === 'boolean', 'cookieHttpOnly must be true or false')
  expect(['lax', 'strict', 'none'].includes(cookieSameSite), "cookieSameSite must be 'lax', 'strict' or 'none'")
  expect(typeof cookiePartitioned === 'boolean', 'cookiePartitioned must be true or false')

  expect(cookieSameSite !== 'none' || cookieSecure === true, "cookieSameSite 'none' needs cookieSecure: true; browsers drop the cookie otherwise")
  expect(cookiePartitioned !== true || cookieSecure === true, 'cookiePartitioned needs cookieSecure: true; browsers drop the cookie otherwise')

  // Browsers look at the prefix in any case (RFC 6265bis §5.6).
  const prefix = /^__(host|secure)-/i.exec(String(cookieName))?.[1]?.toLowerCase()
  expect(prefix === undefined || cookieSecure === true, 'cookieName with __Host- or __Secure- needs cookieSecure: true')
  expect(prefix !== 'host' || cookieDomain === undefined, 'cookieName with __Host- excludes cookieDomain')
  expect(prefix !== 'host' || cookiePath === '/', "cookieName with __Host- needs cookiePath: '/'")
  expect(prefix !== 'host' || refreshCookiePath === undefined, 'cookieName with __Host- excludes refreshCookiePath: such a cookie has the path /')
  return problems
}

/** What is allowed, but should not go unsaid. */
export function cookieAdvice ({ cookieSecure, cookieHttpOnly }: CookieAttributes, production: boolean): string[] {
  const advice: string[] = []
  if (cookieSecure && !production) advice.push('the cookie is Secure: over plain http, even to localhost, some clients do not send it back; cookieSecure: false helps while you develop')
  if (!cookieSecure && production) advice.push('cookieSecure is false: whoever is on the network reads the cookie')
  if (!cookieHttpOnly) advice.push('cookieHttpOnly is false: any script on the page reads the cookie')
  return advice
}
