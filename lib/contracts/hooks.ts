import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BackendName, User } from './user.js'

/** Why a login failed. For the application alone: the client is told `LOGIN_BAD_CREDENTIALS` in all cases but the last. */
export type LoginFailure = 'unknown-user' | 'no-password' | 'wrong-password' | 'inactive' | 'not-verified'

/** A login that failed. */
export interface FailedLogin {
  readonly reason: LoginFailure
  /** The account that was tried; `null` where there is none. */
  readonly user: User | null
  readonly backend: BackendName
}

/**
 * What the application wants to do at certain moments. Each may be async, and is waited for. One that throws ends the
 * request with its error; what that leaves behind is said beside each.
 */
export interface Hooks {
  /**
   * After the credential was issued, before the reply leaves. It may send a reply of its own, a redirect say, and
   * returns that; the cookie goes along. If it throws, the new session is ended and nobody is logged in.
   */
  onAfterLogin? (user: User, request: FastifyRequest, reply: FastifyReply): unknown
  /**
   * After a login was refused. It may send a reply of its own, and returns that. Time spent here is time that tells one
   * reason from another: hand slow work to a queue.
   */
  onLoginFailed? (failure: FailedLogin, request: FastifyRequest, reply: FastifyReply): unknown
  /** After the session was ended, before the reply leaves. If it throws, the session stays ended. */
  onAfterLogout? (user: User, request: FastifyRequest, reply: FastifyReply): unknown
}
