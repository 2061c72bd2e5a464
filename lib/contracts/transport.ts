import type { FastifyReply, FastifyRequest } from 'fastify'
import type { User } from './user.js'

/** What a login gives to the client. */
export interface Credential {
  readonly token: string
  readonly user: User
  /** How long the token lives: seconds. */
  readonly lifetimeSeconds: number
  /** Whether the client should keep the token beyond the browser's session ("remember me"). */
  readonly persistent: boolean
  /** Of a backend that gives refresh tokens: the newest, how long it lives unless it is used (seconds), and the path of the route that takes it. */
  readonly refresh?: { readonly token: string, readonly lifetimeSeconds: number, readonly path: string } | undefined
}

/**
 * How a token travels. It knows no strategy and no user store. `transportContract` of `fastify-users/testing` checks an
 * implementation.
 */
export interface Transport {
  /** Whether browsers send the token by themselves. Only then does the defence against cross-site requests apply. */
  readonly ambient: boolean
  /** What the tokens travel in, if nothing else may be in it: no two backends may have the same carrier. */
  readonly carrier?: string | readonly string[] | undefined
  /** What is wrong with the options, each sentence beginning with the option's name. Asked once, at start-up. */
  problems? (): readonly string[]
  /** What is allowed, but should not go unsaid: for the log, at start-up. */
  advice? (production: boolean): readonly string[]
  /**
   * The token that the request carries, or `null`; `''` for one that cannot be read. It runs on each guarded request.
   *
   * @throws `AMBIGUOUS_CREDENTIALS` if there are two
   */
  read (request: FastifyRequest): string | null
  /** The refresh token that the request carries, in a body or a cookie, or `null`. Left out where the transport has no place for one. */
  readRefresh? (request: FastifyRequest): string | null
  /** Gives the tokens to the client; what it returns is the body of the reply. */
  write (reply: FastifyReply, credential: Credential): unknown
  /**
   * Takes the tokens from the client; what it returns is the body of the reply.
   *
   * @param refreshPath the path of the route that takes refresh tokens, where the backend gives them
   */
  clear (reply: FastifyReply, refreshPath?: string): unknown
  /** The value of `WWW-Authenticate` (RFC 9110 §11.6.1), with the error of RFC 6750 §3.1 where there is one. */
  challenge (error?: 'invalid_token' | 'insufficient_scope'): string
  /** The OpenAPI security scheme. `loginPath` is the path of the login route. */
  securityScheme (loginPath: string): Readonly<Record<string, unknown>>
  /** The JSON schema of what `write` returns; `user` is the schema of a user. */
  loginSchema (user: object, hasRefresh?: boolean): object
}
