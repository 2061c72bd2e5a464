import type { FastifyReply, FastifyRequest } from 'fastify'
import type { MaybePromise } from '../maybe-promise.js'
import type { BackendName, User, UserFields } from './user.js'

/** Why a login failed. For the application alone: the client is told `LOGIN_BAD_CREDENTIALS` in all cases but the last two. `too-many-attempts`: nothing
 * was looked up, so `user` is `null` then, whoever was meant. */
export type LoginFailure = 'unknown-user' | 'no-password' | 'wrong-password' | 'inactive' | 'not-verified' | 'too-many-attempts'

/** A login that failed. */
export interface FailedLogin {
  readonly reason: LoginFailure
  /** The account that was tried; `null` where there is none, or nobody has looked. */
  readonly user: User | null
  readonly backend: BackendName
}

/** Who wants to register: what was sent, without the password. */
export type Registration = { readonly email: string } & { readonly [Field in keyof UserFields]?: UserFields[Field] }

/**
 * What the application wants to do at certain moments. Each may be async, and is waited for. `request` is `null` where the
 * application itself has called `app.users`, and given no request.
 *
 * - Hooks of login and logout that throw end the request with their error; what that leaves behind is said beside each.
 * - A hook named `onBefore…` that throws stops what was about to happen, with its error. Nothing was written yet.
 * - A hook named `onAfter…` of an account that throws is logged as an error. What has happened stands, and the reply is the same.
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

  /**
   * Before somebody registers. A string refuses, and reaches the client as the `reason`; `undefined` lets them in. Anything
   * else is neither, and refuses with 500.
   */
  onBeforeRegister? (registration: Registration, request: FastifyRequest | null): MaybePromise<string | undefined | void>
  /** After a user was added: by the route, by a superuser, or by `app.users.create`. */
  onAfterRegister? (user: User, request: FastifyRequest | null): unknown
  /**
   * After a user was changed: by themselves, a superuser or the application, or by following the link to a new address. `before`
   * is the user as it was. To verify an address and to reset a password have hooks of their own.
   */
  onAfterUpdate? (user: User, before: User, request: FastifyRequest | null): unknown
  /** After the password was set: with the old one at hand, by a reset, or by the application. */
  onAfterPasswordChange? (user: User, request: FastifyRequest | null): unknown
  /** After the address was changed, by whomever. */
  onAfterEmailChange? (user: User, oldEmail: string, request: FastifyRequest | null): unknown
  /** After a token to verify the address was made. Runs when the reply has left. An application without a mailer sends the token from here. */
  onAfterRequestVerify? (user: User, token: string, request: FastifyRequest | null): unknown
  /** After the address was verified. */
  onAfterVerify? (user: User, request: FastifyRequest | null): unknown
  /** After a token to reset the password was made. Runs when the reply has left. An application without a mailer sends the token from here. */
  onAfterForgotPassword? (user: User, token: string, request: FastifyRequest | null): unknown
  /** After the password was reset. */
  onAfterResetPassword? (user: User, request: FastifyRequest | null): unknown
  /** With `confirmEmailChange`: after a token to confirm `newEmail` was made. An application without a mailer sends it, to that address, from here. */
  onAfterRequestEmailChange? (user: User, newEmail: string, token: string, request: FastifyRequest | null): unknown
  /** Before a user is removed. If it throws, the user stays. */
  onBeforeDelete? (user: User, request: FastifyRequest | null): unknown
  /** After a user was removed. */
  onAfterDelete? (user: User, request: FastifyRequest | null): unknown
}
