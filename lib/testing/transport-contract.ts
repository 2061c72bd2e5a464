import { equal, ok } from 'node:assert/strict'
import fastifyCookie from '@fastify/cookie'
import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import type { Backend } from '../contracts/backend.js'
import type { Credential } from '../contracts/transport.js'
import type { User } from '../contracts/user.js'
import { same, type ContractCase } from './contract-case.js'

const user = {
  id: '01a1fc78-963f-7a88-9b6e-3444ca93a5fc',
  email: 'ann@example.com',
  isActive: true,
  isVerified: true,
  isSuperuser: false,
  createdAt: '2030-01-01T00:00:00.000Z',
  updatedAt: '2030-01-01T00:00:00.000Z'
} as User

const credential: Credential = { token: 'eyJ0b2tlbiI6IjEifQ.e30.abc_-123', user, lifetimeSeconds: 60, persistent: true }

/** A reply of the app that the cases talk to. */
type Reply = Awaited<ReturnType<FastifyInstance['inject']>>

/**
 * What the transport of every {@link Backend} must do, as cases for the test runner of your choice.
 *
 * @param create makes the backend; called once by each case
 * @param present what a client sends that was given this reply of `write`: the headers or cookies with its token
 *
 * @example
 * ```ts
 * import test from 'node:test'
 *
 * const cases = transportContract(() => bearer(), (reply) => ({ headers: { authorization: `Bearer ${reply.json().access_token}` } }))
 * for (const { name, run } of cases) test(name, run)
 * ```
 */
export function transportContract (create: () => Backend, present: (reply: Reply) => InjectOptions): ContractCase[] {
  const caseOf = (name: string, check: (app: FastifyInstance) => Promise<void>): ContractCase => ({ name, run: () => withApp(create(), check) })
  const read = async (app: FastifyInstance, options: InjectOptions): Promise<unknown> => (await app.inject({ ...options, url: '/read' })).json()

  return [
    caseOf('the options have no problems', async () => {
      same(create().transport.problems?.() ?? [], [])
    }),

    caseOf('read: null where nothing was sent', async (app) => {
      equal(await read(app, {}), null)
      equal(await read(app, { headers: { cookie: 'theme=dark', authorization: 'Basic YW5uOmFubg==' } }), null)
    }),

    caseOf('write, then read: the token comes back', async (app) => {
      const reply = await app.inject('/write')
      equal(reply.statusCode, 200)
      equal(await read(app, present(reply)), credential.token)
    }),

    caseOf('clear: takes the credential from the client', async (app) => {
      const { statusCode, body } = await app.inject('/clear')
      equal(statusCode, 200)
      equal(body.includes(credential.token), false)
    }),

    caseOf('a token in the query string or in the body is not read', async (app) => {
      const { token } = credential
      equal(await read(app, { query: { access_token: token, token } }), null)
      equal(await read(app, { method: 'POST', payload: { access_token: token, token } }), null)
    }),

    caseOf('challenge: a scheme with a parameter, fit for a header, in all three forms', async () => {
      const { transport } = create()
      for (const error of [undefined, 'invalid_token', 'insufficient_scope'] as const) {
        ok(/^[A-Za-z][\w-]* [\w-]+="[^"\r\n]*"(?:, [\w-]+="[^"\r\n]*")*$/.test(transport.challenge(error)), transport.challenge(error))
      }
    }),

    caseOf('OpenAPI: the security scheme has a type, and the reply a schema', async () => {
      const { transport } = create()
      ok(['apiKey', 'http', 'oauth2', 'openIdConnect', 'mutualTLS'].includes(String(transport.securityScheme('/login/x').type)))
      equal(typeof transport.loginSchema({ type: 'object' }), 'object')
    })
  ]
}

async function withApp ({ transport }: Backend, check: (app: FastifyInstance) => Promise<void>): Promise<void> {
  const app = Fastify()
  try {
    await app.register(fastifyCookie)
    app.get('/write', async (_request, reply) => transport.write(reply, credential))
    app.get('/clear', async (_request, reply) => transport.clear(reply))
    app.route({ method: ['GET', 'POST'], url: '/read', handler: async (request, reply) => reply.send(JSON.stringify(transport.read(request))) })
    await check(app)
  } finally {
    await app.close()
  }
}
