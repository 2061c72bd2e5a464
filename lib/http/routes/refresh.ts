import { finished } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { findById } from '../../accounts/find.js'
import { record } from '../../accounts/record.js'
import { toUser } from '../../accounts/to-user.js'
import { toCredential, type RunningBackend } from '../../backend.js'
import type { Exchange, RefreshTerms, RunningStrategy, Session } from '../../contracts/strategy.js'
import type { StoredUser } from '../../contracts/user-store.js'
import type { BackendName } from '../../contracts/user.js'
import { refreshBody } from '../../schemas/login.js'
import { errorReply } from '../../schemas/error.js'
import { createRefuse } from '../guard.js'
import { throttled } from '../throttle.js'
import { decide } from '../undecided.js'
import { addRoute } from './add-route.js'
import type { RouteContext } from './context.js'

type Refresh = NonNullable<RunningStrategy['refresh']>

/** When requests came in: what was on its way before a token was exchanged is no reuse of it. */
const arrivals = new WeakMap<object, number>()

/** `POST /refresh/:name`: exchanges a refresh token for new tokens. */
export function refreshRoute (scope: FastifyInstance, context: RouteContext, backend: RunningBackend): void {
  const { name, transport } = backend

  addRoute(scope, context, 'refresh', {
    method: 'POST',
    url: `/refresh/${name}`,
    loginOf: backend,
    limits: [context.accounts.limits.refresh.perClient],
    onRequest (request, _reply, done) {
      arrivals.set(request, performance.now())
      done()
    },
    schema: {
      operationId: `refresh_${name}`,
      summary: `Exchange a refresh token (${name})`,
      consumes: ['application/json', 'application/x-www-form-urlencoded'],
      ...(transport.ambient ? {} : { body: refreshBody }),
      response: {
        200: transport.loginSchema(context.userSchema, true),
        401: errorReply('`UNAUTHORIZED`: no refresh token, or none that holds. One that was used before has ended the session.')
      }
    },
    async handler (request, reply) {
      const token = transport.readRefresh?.(request) ?? null
      const exchange = (): Promise<unknown> => refresh(context, backend, token, request, reply)
      // No token is no attempt: pages find out that way whether somebody is logged in.
      return await (token === null ? exchange() : throttled(context, 'refresh', request, reply, exchange, name as BackendName))
    }
  })
}

async function refresh (context: RouteContext, backend: RunningBackend, token: string | null, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { accounts, deadline, sourceOf } = context
  const { transport, strategy, lifetimeSeconds, requireVerified } = backend
  const name = backend.name as BackendName
  const { graceSeconds } = backend.refresh as RefreshTerms
  let user: StoredUser | null = null
  let robbed: string | null = null

  const admits = async (session: Session): Promise<boolean> => {
    user = await findById(accounts.store, session.userId)
    return user !== null && user.isActive === true && user.sessionEpoch === session.epoch && (!requireVerified || user.isVerified === true)
  }
  const onReplied: Exchange['onReplied'] = (listener) => {
    // A client that goes away is no fault of ours: it could go on purpose.
    const tell = (): void => { listener(reply.raw.writableEnded && reply.statusCode >= 500 ? 'failed' : 'answered') }
    if (reply.raw.destroyed || reply.raw.writableEnded) return tell()
    finished(reply.raw, tell)
  }
  const onReuse = (session: Session): void => { robbed = session.userId }
  const cameAt = arrivals.get(request) as number
  const renewed = token === null ? 'none' : await decide(() => deadline((strategy.refresh as Refresh)(token, { backend: name, lifetimeSeconds, graceSeconds, cameAt, onReplied, onReuse, admits })))

  const source = sourceOf(request, reply)
  if (typeof renewed === 'string') {
    record(accounts, source, { type: 'refresh', userId: robbed, reason: renewed, backend: name })
    throw createRefuse([backend])({ reason: renewed === 'none' ? 'none' : 'invalid', backend })
  }
  record(accounts, source, { type: 'refresh', userId: renewed.session.userId, backend: name })
  // Less than usual where the session itself ends soon, or where the same token is given once more.
  const leftMs = Math.max(0, renewed.session.expiresAt - accounts.clock())
  return transport.write(reply, { ...toCredential(backend, renewed), lifetimeSeconds: Math.ceil(leftMs / 1000), user: toUser(user as unknown as StoredUser) })
}
