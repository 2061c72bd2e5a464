// Parts that an app writes itself, from the exported types alone.
import { createHmac, randomUUID } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { bearer, cookie, jwt, memory } from 'fastify-users'
import type { Backend, BreachFetch, Credential, FastifyUsersOptions, Grant, Hooks, Letter, Mail, Mailer, MailOptions, MaybePromise, PasswordHasher, PasswordRule, PendingToken, Purpose, RevocationStore, RunningStrategy, Session, StoredUser, Strategy, StrategyContext, Transport, UserQuery, UserStore, ValidatePassword, Verified, Words } from 'fastify-users'
import { smtp } from 'fastify-users/smtp'
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
            return session?.backend === backend ? { session } : null
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
    expect<ReturnType<RunningStrategy['verify']>>().type.toBe<MaybePromise<Verified | null>>()
    // A session alone does not say that it is all there is.
    expect<RunningStrategy['verify']>().type.not.toBeAssignableFrom<() => Session>()
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
    list: ({ after, limit, emailPart }) => [...db.rows.values()].filter(({ id, emailKey }) => id > (after ?? '') && emailKey.includes(emailPart ?? '')).slice(0, limit),
    remove: (id, version) => db.rows.get(id)?.version === version && db.rows.delete(id),
    retire: (id, version, next) => next === null ? 'last' : db.rows.get(id)?.version === version
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

    async list ({ after, limit, emailPart }: UserQuery): Promise<StoredUser[]> {
      return await db.query<Row>('select …', [after, limit, emailPart])
    }

    async remove (id: string, version: number): Promise<boolean> {
      return (await db.query('delete …', [id, version])).length === 1
    }

    async retire (id: string, version: number, next: StoredUser | null): Promise<boolean | 'taken' | 'last'> {
      return (await db.query('update …', [id, version, next])).length === 1 || 'last'
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

  test('keeps what was mailed beside the user', () => {
    expect<StoredUser['pendingTokens']>().type.toBe<Readonly<Partial<Record<Purpose, PendingToken>>>>()
    expect<Purpose>().type.toBe<'verify' | 'reset' | 'email-change'>()
    expect<PendingToken['expiresAt']>().type.toBe<number>()
    expect<PendingToken>().type.not.toHaveProperty('token')
  })

  test('lacks nothing', () => {
    const { list, retire, ...rest } = atOnce
    expect<UserStore>().type.not.toBeAssignableFrom(rest)
    expect(() => { const store: UserStore = rest; return [store, list, retire] }).type.toRaiseError('is missing the following properties from type \'UserStore\': list, retire')
    expect<UserStore['retire']>().type.not.toBeAssignableFrom<() => 'gone'>()
    expect<UserStore['remove']>().type.not.toBeAssignableFrom<() => void>()
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

describe('a rule for passwords', () => {
  test('of your own fits, and may call those of the package', () => {
    const validatePassword: ValidatePassword = async (password, about, rules) => {
      expect(password).type.toBe<string>()
      expect(about.email).type.toBe<string>()
      expect(rules).type.toBe<PasswordRule>()
      return password.includes('acme') ? 'The password must not hold our name.' : await rules(password, about)
    }
    expect<FastifyUsersOptions['passwords']>().type.toBeAssignableFrom({ validatePassword, minLength: 12, maxLength: 100 })
    expect<ValidatePassword>().type.toBeAssignableFrom<(password: string) => string | undefined>()
    expect<ReturnType<PasswordRule>>().type.toBe<MaybePromise<string | undefined>>()
  })

  test('says why, or nothing: a mere no is none', () => {
    expect<ValidatePassword>().type.not.toBeAssignableFrom<(password: string) => boolean>()
    expect<ValidatePassword>().type.not.toBeAssignableFrom<(password: string) => Promise<string | null>>()
  })

  test('may ask a service by the global fetch, or by one of your own', () => {
    expect<BreachFetch>().type.toBeAssignableFrom(fetch)
    expect<BreachFetch>().type.toBeAssignableFrom(async (url: string) => ({ ok: true, status: 200, text: async () => url }))
    expect<BreachFetch>().type.not.toBeAssignableFrom(async () => 'a text')
  })
})

describe('a mailer', () => {
  class Service implements Mailer {
    async send ({ to, subject, text, html }: Mail): Promise<void> { console.log({ to, subject, text, html }) }
    close (): void {}
  }

  test('of your own fits', () => {
    const mailer: Mailer = {
      async send (mail, signal) {
        expect(mail).type.toBe<Mail>()
        expect(mail.to).type.toBe<string>()
        expect(mail.html).type.toBe<string | undefined>()
        expect(signal).type.toBe<AbortSignal>()
      }
    }
    expect<MailOptions>().type.toBeAssignableFrom({ mailer })
    expect<MailOptions>().type.toBeAssignableFrom({ mailer: new Service(), baseUrl: 'https://example.com' })
    expect<Mailer>().type.not.toBeAssignableFrom<{ send (mail: Mail): void }>()
    expect<Mailer>().type.not.toBeAssignableFrom<{ close (): void }>()
  })

  test('by SMTP is awaited', async () => {
    expect(smtp).type.toBeCallableWith({ url: process.env.SMTP_URL, from: 'Example <hello@example.com>' })
    expect(smtp).type.toBeCallableWith({ transport: { host: 'localhost', port: 25, auth: { user: process.env.SMTP_USER, pass: undefined } }, from: { name: 'Example', address: 'hello@example.com' }, replyTo: 'help@example.com' })
    expect(await smtp({ url: process.env.SMTP_URL, from: 'hello@example.com' })).type.toBe<Mailer>()
    expect<MailOptions['mailer']>().type.not.toBeAssignableFrom(smtp({ from: 'hello@example.com' }))
    expect(smtp({ url: process.env.SMTP_URL })).type.toRaiseError("Property 'from' is missing in type")
    expect(smtp({ uri: 'smtp://localhost', from: 'hello@example.com' })).type.toRaiseError("'uri' does not exist in type 'SmtpOptions'")
  })

  test('is given words that may be one\'s own', () => {
    const compose: NonNullable<MailOptions['compose']> = (letter) => {
      expect(letter).type.toBe<Letter>()
      expect(letter.user.id).type.toBe<string>()
      expect(letter.link).type.toRaiseError("Property 'link' does not exist on type")
      if (letter.kind === 'password-changed') return undefined
      if ('link' in letter) {
        expect(letter.link).type.toBe<string>()
        expect(letter.lifetimeSeconds).type.toBe<number>()
        return { subject: letter.kind, text: letter.link, html: undefined }
      }
      expect(letter.kind).type.toBe<'email-changed' | 'registration-attempt'>()
      return undefined
    }
    expect<MailOptions>().type.toBeAssignableFrom({ compose })
    expect<MailOptions['compose']>().type.toBeAssignableFrom(async (): Promise<Words> => ({ subject: 'Hello', text: 'Hello' }))
    expect<MailOptions['compose']>().type.not.toBeAssignableFrom(() => 'Hello')
    expect(() => { const options: MailOptions = { compose: (letter) => letter.kind === 'verify-adress' ? undefined : undefined }; return options }).type.toRaiseError('This comparison appears to be unintentional')
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
      expect(reason).type.toBe<'unknown-user' | 'no-password' | 'wrong-password' | 'inactive' | 'not-verified' | 'too-many-attempts'>()
      expect(user?.email).type.toBe<string | undefined>()
      expect(backend).type.toBe<string>()
    }
  }
  expect(app.register).type.toBeCallableWith(fastifyUsers, { users: memory(), strategy, backends: [cookie()], hooks })
})
