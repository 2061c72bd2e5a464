import type { FastifyInstance, RouteShorthandOptions } from 'fastify'
import { confirmEmailChange } from '../../accounts/email-change.js'
import { forgotPassword } from '../../accounts/forgot-password.js'
import { requestVerify } from '../../accounts/request-verify.js'
import { resetPassword } from '../../accounts/reset-password.js'
import { toUser } from '../../accounts/to-user.js'
import { verify } from '../../accounts/verify.js'
import { EmailChangeBadTokenError, ResetBadTokenError, VerifyBadTokenError } from '../../errors.js'
import { emailBody, resetBody, tokenBody } from '../../schemas/account.js'
import { errorReply } from '../../schemas/error.js'
import { throttled } from '../throttle.js'
import { addRoute } from './add-route.js'
import type { RouteContext } from './context.js'
import { explain } from './explain.js'

type TokenBody = { readonly token: string, readonly password: string }
type EmailBody = { readonly email: string }

const accepted = { description: 'If there is such an account, a mail is on its way.', type: 'object' }

/** `POST /request-verify-token`, `POST /verify` */
export function verifyRoutes (scope: FastifyInstance, context: RouteContext): void {
  const { accounts, userSchema, sourceOf } = context

  askForMail(scope, context, 'requestVerify', { url: '/request-verify-token', operationId: 'request_verify_token', summary: 'Ask for a mail to verify an address', ask: requestVerify })

  addRoute(scope, context, 'verify', {
    method: 'POST',
    url: '/verify',
    limits: [accounts.limits.verify.perClient],
    schema: {
      operationId: 'verify',
      summary: 'Verify an address',
      body: tokenBody,
      response: {
        200: { description: 'The user, verified.', ...userSchema },
        400: errorReply('`VERIFY_USER_BAD_TOKEN` or `VERIFY_USER_ALREADY_VERIFIED`.')
      }
    },
    schemaErrorFormatter: badTokenOr(() => new VerifyBadTokenError()),
    handler: async (request, reply) => toUser(await throttled(context, 'verify', request, reply, () => verify(accounts, (request.body as TokenBody).token, sourceOf(request, reply))))
  })
}

/** `POST /forgot-password`, `POST /reset-password` */
export function resetRoutes (scope: FastifyInstance, context: RouteContext): void {
  const { accounts, sourceOf } = context

  askForMail(scope, context, 'forgotPassword', { url: '/forgot-password', operationId: 'forgot_password', summary: 'Ask for a mail to reset the password', ask: forgotPassword })

  addRoute(scope, context, 'resetPassword', {
    method: 'POST',
    url: '/reset-password',
    limits: [accounts.limits.resetPassword.perClient],
    schema: {
      operationId: 'reset_password',
      summary: 'Reset the password',
      body: resetBody,
      response: {
        200: { description: 'The password is set, and all sessions are over.', type: 'object' },
        400: errorReply('`RESET_PASSWORD_BAD_TOKEN`; or `RESET_PASSWORD_INVALID_PASSWORD` with a `reason`, and the token is still good.')
      }
    },
    schemaErrorFormatter: badTokenOr(() => new ResetBadTokenError()),
    async handler (request, reply) {
      const { token, password } = request.body as TokenBody
      await throttled(context, 'resetPassword', request, reply, () => resetPassword(accounts, token, password, sourceOf(request, reply)))
      return {}
    }
  })
}

/** `POST /change-email` */
export function changeEmailRoute (scope: FastifyInstance, context: RouteContext): void {
  const { accounts, userSchema, sourceOf } = context

  addRoute(scope, context, 'changeEmail', {
    method: 'POST',
    url: '/change-email',
    limits: [accounts.limits.changeEmail.perClient],
    schema: {
      operationId: 'change_email',
      summary: 'Confirm a new address',
      body: tokenBody,
      response: {
        200: { description: 'The user, with the new address. All sessions are over.', ...userSchema },
        400: errorReply('`CHANGE_EMAIL_BAD_TOKEN`, or `UPDATE_USER_EMAIL_ALREADY_EXISTS`.')
      }
    },
    schemaErrorFormatter: badTokenOr(() => new EmailChangeBadTokenError()),
    handler: async (request, reply) => toUser(await throttled(context, 'changeEmail', request, reply, () => confirmEmailChange(accounts, (request.body as TokenBody).token, sourceOf(request, reply))))
  })
}

/** A route that answers everybody alike; what it mails, and whether, is found out when the reply has left. */
function askForMail (scope: FastifyInstance, context: RouteContext, name: 'requestVerify' | 'forgotPassword', { url, operationId, summary, ask }: { readonly url: string, readonly operationId: string, readonly summary: string, readonly ask: typeof forgotPassword }): void {
  addRoute(scope, context, name, {
    method: 'POST',
    url,
    limits: [context.accounts.limits[name].perClient],
    schema: { operationId, summary, body: emailBody, response: { 202: accepted } },
    async handler (request, reply) {
      await throttled(context, name, request, reply, () => ask(context.accounts, (request.body as EmailBody).email, context.sourceOf(request, reply)))
      reply.code(202)
      return {}
    }
  })
}

/** What cannot be a token is told apart from a wrong one by nobody: it is refused in the same words. */
function badTokenOr (refuse: () => Error): RouteShorthandOptions['schemaErrorFormatter'] {
  return (errors, part) => {
    const isAboutToken = errors.some(({ instancePath, params }) => instancePath === '/token' || params.missingProperty === 'token')
    return isAboutToken ? refuse() : explain(errors, part)
  }
}
