import type { FastifyRequest } from 'fastify'
import type { Backend, RefreshOptions } from '../contracts/backend.js'
import type { Strategy } from '../contracts/strategy.js'
import type { Transport } from '../contracts/transport.js'
import { AmbiguousCredentialsError } from '../errors.js'
import { misspelt } from '../misspelt.js'

/** Options of {@link bearer}. */
export interface BearerOptions<Name extends string = string> {
  /** The last part of `/login/:name` and `/logout/:name`: letters, digits, `-` and `_`, at most 64. Default `'bearer'`. */
  readonly name?: Name | undefined
  /** How long a token lives: seconds, at most 400 days. Default: as the strategy says; with `refresh` 900 at most. */
  readonly lifetimeSeconds?: number | undefined
  /** A strategy of its own, instead of the shared one. */
  readonly strategy?: Strategy | undefined
  /** Gives refresh tokens: `true`, or how long they are good. Needs a strategy with sessions. Default `false`. */
  readonly refresh?: boolean | RefreshOptions | undefined
  /** Whether only users with a verified address may log in here: asked at login, and again at each guarded request. Default `false`. */
  readonly requireVerified?: boolean | undefined
  /** The `realm` of `WWW-Authenticate`: printable ASCII without double quotes and backslashes. Default `'users'`. */
  readonly realm?: string | undefined
}

/**
 * A backend whose token travels in `Authorization: Bearer …` (RFC 6750 §2.1), and nowhere else: not in the query string,
 * not in a body. The login route answers as an OAuth 2 token endpoint does.
 *
 * @example bearer({ name: 'api', lifetimeSeconds: 900 })
 */
export function bearer<const Name extends string = 'bearer'> (options: BearerOptions<Name> = {}): Backend<NoInfer<Name>> {
  const { name = 'bearer' as Name, lifetimeSeconds, strategy, refresh, requireVerified, realm = 'users', ...unknown } = options
  const transport: Transport = {
    ambient: false,
    problems: () => [
      ...misspelt(unknown, ['name', 'lifetimeSeconds', 'strategy', 'refresh', 'requireVerified', 'realm'], 'bearer()'),
      ...(isQuotable(realm) ? [] : ['realm must be printable ASCII without " and \\'])
    ],
    read: readAuthorization,
    readRefresh: ({ body }) => textOrNull((body as { refresh_token?: unknown } | null | undefined)?.refresh_token),
    write: (_reply, { token, lifetimeSeconds, refresh }) => ({
      access_token: token,
      token_type: 'bearer',
      expires_in: lifetimeSeconds,
      ...(refresh === undefined ? {} : { refresh_token: refresh.token })
    }),
    // Nothing to take from a client that keeps the token itself: the strategy has ended it.
    clear: () => ({}),
    challenge: (error) => error === undefined ? `Bearer realm="${realm}"` : `Bearer realm="${realm}", error="${error}"`,
    // The password flow and not the `http` scheme: Swagger UI's Authorize button then logs in by itself.
    securityScheme: (tokenUrl) => ({ type: 'oauth2', flows: { password: { tokenUrl, scopes: {} } } }),
    loginSchema: (_user, hasRefresh = false) => ({
      description: 'The token.',
      type: 'object',
      properties: {
        access_token: { type: 'string' },
        token_type: { type: 'string', const: 'bearer' },
        expires_in: { type: 'integer', description: 'Seconds.' },
        ...(hasRefresh ? { refresh_token: { type: 'string' } } : {})
      },
      required: ['access_token', 'token_type', 'expires_in', ...(hasRefresh ? ['refresh_token'] : [])]
    })
  }
  return { name, transport, strategy, lifetimeSeconds, refresh, requireVerified }
}

function textOrNull (value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function readAuthorization (request: FastifyRequest): string | null {
  const { headers, rawHeaders } = request.raw
  const value = headers.authorization
  if (value === undefined) return null
  // Node keeps the first of two such headers and drops the other, which a proxy before us may have judged by.
  if (isRepeated(rawHeaders, 'authorization')) throw new AmbiguousCredentialsError()
  // As nearly all clients spell it. What follows is for the strategy to judge.
  if (value.startsWith('Bearer ') && value.charCodeAt(7) > space) return value.slice(7)
  // The scheme's name in any case (RFC 9110 §11.1). Another scheme is nothing to us; this one without a token is a bad credential.
  return /^bearer +(\S.*)$/is.exec(value)?.[1] ?? (/^bearer\b/i.test(value) ? '' : null)
}

const space = 0x20

function isRepeated (rawHeaders: readonly string[], name: string): boolean {
  let seen = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = rawHeaders[i] as string
    if (header.length === name.length && header.toLowerCase() === name) seen++
  }
  return seen > 1
}

function isQuotable (text: unknown): boolean {
  return typeof text === 'string' && /^[\x20-\x7e]+$/.test(text) && !/["\\]/.test(text)
}
