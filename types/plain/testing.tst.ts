// The kit for tests, in an app without fields of its own.
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import { memory, type BaseUser, type FastifyUsersOptions, type Mailer } from 'fastify-users'
import { cheapHashes, createUser, loginAs, testClock, testMailer, testPassword, transportContract, type NewTestUser, type TestMail, type TestReply } from 'fastify-users/testing'
import { describe, expect, test } from 'tstyche'

const app = Fastify()

describe('createUser', () => {
  test('wants nothing, and takes what app.users.create takes', () => {
    expect(createUser(app)).type.toBe<Promise<BaseUser>>()
    expect(createUser(app, { isVerified: true, isSuperuser: true, isActive: false, password: null, email: 'ann@example.com' })).type.toBe<Promise<BaseUser>>()
    expect(createUser(app, { superuser: true })).type.toRaiseError("'superuser' does not exist in type")
    expect(createUser(app, { isActive: 'no' })).type.toRaiseError("Type 'string' is not assignable to type 'boolean | undefined'")
    expect<NewTestUser>().type.toBeAssignableFrom({})
  })

  test('takes any app', () => {
    expect(createUser).type.toBeCallableWith(Fastify({ http2: true }))
    expect(createUser).type.toBeCallableWith(Fastify({ https: {} }))
    expect(createUser).type.toBeCallableWith(Fastify().withTypeProvider<TypeBoxTypeProvider>())
    expect(createUser).type.toBeCallableWith(app as FastifyInstance)
    expect(createUser).type.not.toBeCallableWith({})
  })
})

describe('loginAs', () => {
  test('gives headers', async () => {
    const headers = await loginAs(app, await createUser(app))
    expect(headers).type.toBe<Record<string, string>>()
    expect<InjectOptions>().type.toBeAssignableFrom({ url: '/me', headers })
  })

  test('takes any user with an address, and options', () => {
    expect(loginAs).type.toBeCallableWith(app, { email: 'ann@example.com' }, { backend: 'anything', password: testPassword })
    expect(loginAs).type.not.toBeCallableWith(app, { id: '1' })
    expect(loginAs).type.not.toBeCallableWith(app, { email: 'ann@example.com' }, { back: 'cookie' })
  })

  test('takes what transportContract takes', () => {
    const present = (reply: TestReply) => ({ headers: { 'x-ticket': String(reply.headers['x-ticket']) } })
    expect(loginAs).type.toBeCallableWith(app, { email: 'ann@example.com' }, { present })
    expect(transportContract).type.toBeCallableWith(() => ({}) as never, present)
  })
})

test('mailer, clock and hashes are options of the plugin', async () => {
  const mailer = testMailer()
  const clock = testClock(0)
  expect<FastifyUsersOptions>().type.toBeAssignableFrom({ users: memory(), backends: [], passwords: cheapHashes, clock, mails: { mailer } })
  expect(mailer).type.toBeAssignableTo<Mailer>()
  expect(await mailer.next({ to: 'ann@example.com', timeoutMs: 10 })).type.toBe<TestMail>()
  expect(mailer.mails[0]?.token).type.toBe<string | null | undefined>()
  expect(clock.advanceSeconds(1)).type.toBe<void>()
})
