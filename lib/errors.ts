import { createError } from '@fastify/error'
import { retell } from './foreign-error.js'

/**
 * Every error of this package, in one place. Upper-case codes are outcomes a client is told on the wire; `FST_USERS_…`
 * codes are mistakes in set-up or use, and conditions of the server. docs/errors.md lists cause and remedy of each.
 * Messages are fixed texts: what was sent, a token, a password or an address never becomes part of one.
 */

/** What a guard answers is no accident: nobody reads its stack, which is most of the cost of a refusal. */
const noStack = false

/** 401: no credential, or none that holds. One body for all causes: the cause is nobody's business but the log's. */
export const UnauthorizedError = createError('UNAUTHORIZED', 'Authentication is required.', 401, Error, noStack)

/** 403: the guard asks for a superuser. */
export const ForbiddenError = createError('FORBIDDEN', 'You are not allowed to do this.', 403, Error, noStack)

/** 403: the guard asks for a verified address. */
export const NotVerifiedError = createError('USER_NOT_VERIFIED', 'Verify your e-mail address first.', 403, Error, noStack)

/** 403: the guard asks for a user who has proved lately who they are. */
export const NotFreshError = createError('REAUTHENTICATION_REQUIRED', 'Confirm your password first.', 403, Error, noStack)

/** 403: a credential that browsers send by themselves came with a request that another site may have made. */
export const CrossSiteError = createError('CROSS_SITE_REQUEST', 'The request comes from another site, or does not say where it comes from. Pages of other origins are trusted by trustedOrigins; a client that is no browser sends X-Requested-With.', 403, Error, noStack)

/** 400: two credentials of one kind, or guards in a row that each found another user: who is meant cannot be known. */
export const AmbiguousCredentialsError = createError('AMBIGUOUS_CREDENTIALS', 'The request carries two credentials, and which one is meant cannot be told.', 400, Error, noStack)

/** 400: unknown account, wrong password, inactive account, or one that has no password: all alike. */
export const BadCredentialsError = createError('LOGIN_BAD_CREDENTIALS', 'The user name or the password is wrong.', 400)

/** 400: the password was right, but this backend lets only verified users in. */
export const LoginNotVerifiedError = createError('LOGIN_USER_NOT_VERIFIED', 'Verify your e-mail address first.', 400)

/** 429: more was tried, by this client or at this account, than its limit allows. `Retry-After` says for how many seconds. One body for known accounts and unknown ones. */
export const TooManyRequestsError = createError('TOO_MANY_REQUESTS', 'Too many attempts. Try again later.', 429, Error, noStack)

/** 400: a form field was sent twice, or the form cannot be read. */
export const BadFormError = createError('FST_USERS_BAD_FORM', 'The form cannot be read, or repeats a field.', 400)

/** 415: a character set that is not UTF-8 (RFC 8259 §8.1). */
export const BadCharsetError = createError('FST_USERS_BAD_CHARSET', 'The body must be encoded in UTF-8.', 415)

/** 503: more passwords wait to be hashed than the queue holds, or this one has waited too long. In a flood it is thrown often, so it must cost little. */
export const HashQueueFullError = createError('FST_USERS_BUSY', 'Too many logins at once. Try again in a moment.', 503, Error, noStack)

/** 499, for the log alone: the client has hung up while its password waited to be hashed, so that was left undone. */
export const ClientGoneError = createError('FST_USERS_CLIENT_GONE', 'The client has gone.', 499, Error, noStack)

/** 503: a store, or a strategy, failed. The cause stands in the log. */
export const UnavailableError = createError('FST_USERS_UNAVAILABLE', 'The service is not available at the moment.', 503)

/** The cause of a 503: a store has not answered in time. */
export const StoreTimeoutError = createError('FST_USERS_STORE_TIMEOUT', 'The store has not answered in time.', 503)

/** The cause of a 503: a store has answered with what its method may not answer, or with a row that nobody has asked for. */
export const StoreAnswerError = createError('FST_USERS_STORE_ANSWER', 'The store has given an answer to %s that is none: a store of your own is checked by fastify-users/testing.', 503)

/** 500: something this package did not foresee. The cause stands in the log. */
export const InternalError = createError('FST_USERS_INTERNAL', 'Something went wrong.', 500)

/** 500: the token does not fit a cookie (RFC 6265bis §5.6: name and value, 4,096 bytes). */
export const CookieTooLargeError = createError('FST_USERS_COOKIE_TOO_LARGE', 'The cookie would exceed 4,096 bytes: shorten the token.', 500)

/** Thrown at start-up. The message lists every option that is wrong, by its path, and never a secret. */
export const BadOptionsError = createError('FST_USERS_BAD_OPTIONS', '%s', 500)

/** Thrown by `authenticate({ backends })` when a name is none of the registered backends'. */
export const UnknownBackendError = createError('FST_USERS_UNKNOWN_BACKEND', 'There is no backend of the name %s; the backends are %s.', 500)

/** 400, `users.create`: the address belongs to another account, in whatever case. */
export const UserAlreadyExistsError = createError('REGISTER_USER_ALREADY_EXISTS', 'Another account has this e-mail address.', 400)

/** 400, `users.create`: the password is refused. Its `reason` says why. */
export const RegisterPasswordError = createError('REGISTER_INVALID_PASSWORD', 'Choose another password.', 400)

/** 400: the hook `onBeforeRegister` refused. Its `reason` says why. */
export const RegisterRefusedError = createError('REGISTER_REFUSED', 'You cannot register.', 400)

/** 400, `users.update`: the new address belongs to another account, in whatever case. */
export const EmailTakenError = createError('UPDATE_USER_EMAIL_ALREADY_EXISTS', 'Another account has this e-mail address.', 400)

/** 400, `users.update`: the new password is refused. Its `reason` says why. */
export const UpdatePasswordError = createError('UPDATE_USER_INVALID_PASSWORD', 'Choose another password.', 400)

/** 400: a new address or password, or the end of one's account, needs the current password. */
export const BadCurrentPasswordError = createError('USER_BAD_CURRENT_PASSWORD', 'The current password is missing or wrong.', 400)

/** 400, `users.verify`: forged, expired, used, of another kind, or no longer the newest: all alike. */
export const VerifyBadTokenError = createError('VERIFY_USER_BAD_TOKEN', 'The link is invalid or has expired. Ask for a new one.', 400)

/** 400, `users.verify`: there is nothing left to verify. */
export const AlreadyVerifiedError = createError('VERIFY_USER_ALREADY_VERIFIED', 'The e-mail address is verified already.', 400)

/** 400, `users.resetPassword`: forged, expired, used, of another kind, or no longer the newest: all alike. */
export const ResetBadTokenError = createError('RESET_PASSWORD_BAD_TOKEN', 'The link is invalid or has expired. Ask for a new one.', 400)

/** 400, `users.resetPassword`: the new password is refused, and the token is still good. Its `reason` says why. */
export const ResetPasswordError = createError('RESET_PASSWORD_INVALID_PASSWORD', 'Choose another password.', 400)

/** 400, `users.confirmEmailChange`: forged, expired, used, of another kind, or no longer the newest: all alike. */
export const EmailChangeBadTokenError = createError('CHANGE_EMAIL_BAD_TOKEN', 'The link is invalid or has expired. Ask for a new one.', 400)

/** 404: the account is not there. */
export const UserNotFoundError = createError('USER_NOT_FOUND', 'There is no such user.', 404)

/** 404: the user has no session of this id. */
export const SessionNotFoundError = createError('SESSION_NOT_FOUND', 'There is no such session.', 404)

/** 409: nobody would be left who may do everything. */
export const LastSuperuserError = createError('LAST_SUPERUSER', 'This is the last active superuser.', 409)

/** 409: others kept changing the same account while this change was tried. */
export const ConflictError = createError('FST_USERS_CONFLICT', 'The user was changed by somebody else at the same time.', 409)

/** 400: a value is not what it must be. */
export const InvalidUserError = createError('FST_USERS_INVALID_USER', '%s', 400)

/** Thrown as a SQL store is opened: its tables are older than this release and `migrate` is `false`, or they are newer. */
export const SchemaVersionError = createError('FST_USERS_SCHEMA_VERSION', 'The tables have schema version %s, this release needs %s: open the store once with migrate: true, or update fastify-users.', 500)

/** Sends headers along with an error: Fastify's default error handler takes them from its `headers`. */
export function withHeaders<E extends Error> (error: E, headers: Readonly<Record<string, string>>): E {
  return Object.assign(error, { headers })
}

/**
 * What the client is told where a dependency has failed: when to come back, and nothing of the cause, which is for the log.
 *
 * @param told what the dependency was given: the cause does not repeat it
 */
export function unavailable (error: unknown, told?: unknown): Error {
  if (error instanceof UnavailableError) return error
  const cause = error instanceof StoreTimeoutError || error instanceof StoreAnswerError ? error : retell(error, told)
  return withHeaders(Object.assign(new UnavailableError(), { cause }), { 'retry-after': '5', 'cache-control': 'no-store' })
}

/** Says why a choice was refused, in a sentence for whoever made it: the `reason` of the reply. */
export function withReason<E extends Error> (error: E, reason: string): E {
  return Object.assign(error, { reason })
}
