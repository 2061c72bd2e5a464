import type { FastifyInstance } from 'fastify'
import { register, type RegistrationInput } from '../../accounts/register.js'
import { toUser } from '../../accounts/to-user.js'
import { registerBody } from '../../schemas/account.js'
import { errorReply } from '../../schemas/error.js'
import { throttled } from '../throttle.js'
import { addRoute } from './add-route.js'
import type { RouteContext } from './context.js'
import { pick } from './pick.js'

/** `POST /register` */
export function registerRoutes (scope: FastifyInstance, context: RouteContext): void {
  const { accounts, fields, userSchema, sourceOf } = context
  const body = registerBody(fields)

  addRoute(scope, context, 'register', {
    method: 'POST',
    url: '/register',
    limits: [accounts.limits.register.perClient],
    schema: {
      operationId: 'register',
      summary: 'Register',
      body,
      response: {
        ...accounts.policy.concealAccounts
          ? { 202: { description: 'Read your mail, whoever you are.', type: 'object' } }
          : { 201: { description: 'The new user.', ...userSchema } },
        400: errorReply('`REGISTER_USER_ALREADY_EXISTS`, `REGISTER_INVALID_PASSWORD` or `REGISTER_REFUSED`, the latter two with a `reason`.')
      }
    },
    async handler (request, reply) {
      const user = await throttled(context, 'register', request, reply, () => register(accounts, pick<RegistrationInput>(request.body, body), sourceOf(request, reply)))
      reply.code(user === null ? 202 : 201)
      return user === null ? {} : toUser(user)
    }
  })
}
