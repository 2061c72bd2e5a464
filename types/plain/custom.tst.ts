// Parts that an app writes itself, from the exported types alone.
import { createHmac, randomUUID } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { bearer, cookie, jwt, memory } from 'fastify-users'
import type { Backend, Credential, FastifyUsersOptions, Grant, Hooks, MaybePromise, PasswordHasher, RevocationStore, RunningStrategy, Session, StoredUser, Strategy, StrategyContext, Transport, UserStore } from 'fastify-users'
import { revocationStoreContract, strategyContract, transportContract, userStoreContract, type ContractCase } from 'fastify-users/testing'
import { describe, expect, test } from 'tstyche'

const app = Fastify()
const strategy = jwt({ secret: process.env.AUTH_SECRET })

describe('a strategy', () => {
  function tokens (): Strategy {
    return {
      lifetimeSeconds: 3600,
      problems: () => [],
      async start ({ fastify, clock, backends }) {
        fastify.log.info({ backends: [...backends.keys()] }, 'started')
        const sessions = new Map<string, Session & { backend: string }>()
        return {
          issue ({ userId, epoch, backend, lifetimeSeconds }) {
            const token = randomUUID()
            const session = { id: token, userId, epoch, issuedAt: clock(), expiresAt: clock() + lifetimeSeconds * 1000 }
            sessions.set(token, { ...session, backend })
            return { token, session }
          },
          async verify (token, backend) {
            const session = sessions.get(token)
            return session?.backend === backend ? session : null
          },
          revoke: ({ id }) => { sessions.delete(id) }
        }
      }
    }
  }

  class Tokens implements Strategy {
    readonly lifetimeSeconds = 60
    start (context: StrategyContext): RunningStrategy {
      return {
        issue: async (grant: Grant) => ({ token: 'x', session: { id: 'x', userId: grant.userId, epoch: grant.epoch, issuedAt: context.clock(), expiresAt: context.clock() } }),
        verify: () => null,
        revoke: async () => {}
      }
    }
  }

  test('of your own fits, for all backends or for one', () => {
    expect(app.register).type.toBeCallableWith(fastifyUsers, { users: memory(), strategy: tokens(), backends: [cookie(), bearer({ strategy: new Tokens() })] })
  })

  test('is told what it needs', () => {
    expect<StrategyContext['clock']>().type.toBe<() => number>()
    expect<StrategyContext['revocations']>().type.toBe<RevocationStore>()
    expect<StrategyContext['backends']>().type.toBe<ReadonlyMap<string, number>>()
    expect<StrategyContext['fastify']>().type.toBe<FastifyInstance>()
  })

  test('that cannot check is none', () => {
    expect<Strategy>().type.not.toBeAssignableFrom<{ lifetimeSeconds: number, start (): { issue: RunningStrategy['issue'] } }>()
    expect<ReturnType<RunningStrategy['verify']>>().type.toBe<MaybePromise<Session | null>>()
    // `undefined` is no answer, nor is a mere yes.
    expect<RunningStrategy['verify']>().type.not.toBeAssignableFrom<() => undefined>()
    expect<RunningStrategy['verify']>().type.not.toBeAssignableFrom<() => boolean>()
  })
})

describe('a transport, and the backend around it', () => {
  const transport: Transport = {
    ambient: false,
    read (request) {
      const value = request.headers['x-api-key']
      return typeof value === 'string' ? value : null
    },
    write: (reply, { token, user, lifetimeSeconds, persistent }) => {
      reply.header('x-api-key', token)
      return { id: user.id, expires: persistent ? lifetimeSeconds : undefined }
    },
    clear: (reply) => ({ headers: reply.removeHeader('x-api-key').getHeaders() }),
    challenge: (error) => error === undefined ? 'Key' : `Key error="${error}"`,
    securityScheme: () => ({ type: 'apiKey', in: 'header', name: 'x-api-key' }),
    loginSchema: () => ({ type: 'object' })
  }

  test('of your own fits', () => {
    const backend: Backend = { name: 'key', transport }
    expect(app.register).type.toBeCallableWith(fastifyUsers, { users: memory(), strategy, backends: [backend, { name: 'other', transport, requireVerified: true, lifetimeSeconds: 60, strategy }] })
    expect<Parameters<Transport['challenge']>[0]>().type.toBe<'invalid_token' | 'insufficient_scope' | undefined>()
    expect<Parameters<Transport['write']>[1]>().type.toBe<Credential>()
  })

  test('made of another keeps what is not said anew', () => {
    const web = cookie({ name: 'web' })
    const backend = { ...web, transport: { ...web.transport, loginSchema: () => ({}) } } satisfies Backend<'web'>
    expect<FastifyUsersOptions['backends'][number]>().type.toBeAssignableFrom(backend)
  })

  test('that lacks something is none', () => {
    const { challenge, ...rest } = transport
    expect<Backend>().type.not.toBeAssignableFrom({ name: 'key', transport: rest })
    expect(() => { const backend: Backend = { name: 'key', transport: rest }; return [backend, challenge] }).type.toRaiseError("Property 'challenge' is missing in type")
    expect(() => { const backend: Backend = { name: 'key', transport, lifetime: 3 }; return backend }).type.toRaiseError("'lifetime' does not exist in type 'Backend<string>'")
  })
})

type Row = StoredUser & { tenant: string }
declare const db: { rows: Map<string, Row>, query <T> (sql: string, values: readonly unknown[]): Promise<T[]> }

describe('a user store', () => {
  const atOnce: UserStore = {
    insert (user) {
      db.rows.set(user.id, { ...user, tenant: 'x' })
      return true
    },
    findById: (id) => db.rows.get(id) ?? null,
    findByEmail: (emailKey) => [...db.rows.values()].find((user) => user.emailKey === emailKey) ?? null,
    replace: (user, version) => db.rows.get(user.id)?.version === version ? 'taken' : false,
    remove: (id) => db.rows.delete(id)
  }

  class Later implements UserStore {
    async insert (user: StoredUser): Promise<boolean> {
      return (await db.query('insert …', [user.id, user.passwordHash, user.fields])).length === 1
    }

    async findById (id: string): Promise<StoredUser | null> {
      return (await db.query<Row>('select …', [id]))[0] ?? null
    }

    async findByEmail (emailKey: string): Promise<StoredUser | null> {
      return (await db.query<Row>('select …', [emailKey]))[0] ?? null
    }

    async replace (user: StoredUser, version: number): Promise<boolean | 'taken'> {
      return (await db.query('update …', [user, version])).length === 1 || 'taken'
    }

    async remove (id: string): Promise<boolean> {
      return (await db.query('delete …', [id])).length === 1
    }

    async close (): Promise<void> {}
  }

  test('of your own fits, whether it answers at once or later', () => {
    expect(app.register).type.toBeCallableWith(fastifyUsers, { users: atOnce, strategy, backends: [cookie()] })
    expect(app.register).type.toBeCallableWith(fastifyUsers, { users: new Later(), strategy, backends: [cookie()] })
  })

  test('may wrap another', () => {
    const store = memory()
    const logged: UserStore = {
      ...store,
      revocations: store.revocations,
      ephemeral: store.ephemeral,
      async insert (user) {
        console.log('insert', user.id)
        return await store.insert(user)
      }
    }
    expect<FastifyUsersOptions['users']>().type.toBeAssignableFrom(logged)
  })

  test('finds null where there is nobody', () => {
    expect<UserStore['findById']>().type.not.toBeAssignableFrom<(id: string) => StoredUser | undefined>()
    expect(() => { const store: UserStore = { ...atOnce, findById: (id) => db.rows.get(id) }; return store }).type.toRaiseError("Type 'undefined' is not assignable to type")
  })
})

describe('a hasher', () => {
  const hasher: PasswordHasher = {
    hash: async (password) => createHmac('sha256', 'for a test of types').update(password).digest('hex'),
    async verify (hash, password) { return await this.hash(password) === hash },
    needsRehash: (hash) => !hash.startsWith('$')
  }

  test('of your own fits', () => {
    expect(app.register).type.toBeCallableWith(fastifyUsers, { users: memory(), strategy, backends: [cookie()], passwords: { hasher, concurrency: 2, queueLimit: 10 } })
  })

  test('works in the background', () => {
    expect<PasswordHasher['hash']>().type.not.toBeAssignableFrom<(password: string) => string>()
    expect<PasswordHasher['verify']>().type.not.toBeAssignableFrom<(hash: string, password: string) => boolean>()
  })
})

test('fastify-users/testing checks parts of your own', () => {
  expect(userStoreContract(() => memory())).type.toBe<ContractCase[]>()
  expect(userStoreContract).type.toBeCallableWith(async () => memory())
  expect(revocationStoreContract).type.toBeCallableWith(() => ({ revoke () {}, isRevoked: () => false }))
  expect(strategyContract).type.toBeCallableWith(() => strategy)
  expect(transportContract).type.toBeCallableWith(() => bearer(), (reply: { json (): { access_token: string } }) => ({ headers: { authorization: `Bearer ${reply.json().access_token}` } }))
  expect(userStoreContract(memory())).type.toRaiseError("Argument of type 'UserStore' is not assignable to parameter of type '() => MaybePromise<UserStore>'")
})

test('hooks may reply, be async, and return nothing', () => {
  const hooks: Hooks = {
    onAfterLogin: async (user, request, reply) => await reply.header('x-user', user.id).redirect(`/welcome?from=${request.ip}`),
    onLoginFailed ({ reason, user, backend }) {
      expect(reason).type.toBe<'unknown-user' | 'no-password' | 'wrong-password' | 'inactive' | 'not-verified'>()
      expect(user?.email).type.toBe<string | undefined>()
      expect(backend).type.toBe<string>()
    }
  }
  expect(app.register).type.toBeCallableWith(fastifyUsers, { users: memory(), strategy, backends: [cookie()], hooks })
})
