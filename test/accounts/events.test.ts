import type { FastifyInstance, FastifyRequest, InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { bearer, cookie, memory, memorySessions, opaque, type AuditEvent, type FastifyUsersOptions, type Hooks, type NewUser, type SessionStore, type User } from '../../lib/index.js'
import { aPassword, arrivals, briefly, credentialOf, everyRoute, fields, outcome, postOffice, send, stranger, type Arrivals, type PostOffice } from '../helpers/accounts.js'
import { ann, appWith, login } from '../helpers/app.js'
import { captureLog } from '../helpers/smtp.js'

/** The hooks that are told what has happened to an account. */
const afterHooks = [
  'onAfterRegister', 'onAfterUpdate', 'onAfterPasswordChange', 'onAfterEmailChange', 'onAfterRequestVerify', 'onAfterVerify',
  'onAfterForgotPassword', 'onAfterResetPassword', 'onAfterRequestEmailChange', 'onAfterDelete'
] as const
const accountHooks = [...afterHooks, 'onBeforeRegister', 'onBeforeDelete'] as const

type HookName = typeof accountHooks[number]

/** A hook that was called: its name, what it was given, and last the request, as method and path. */
type Call = readonly unknown[]

interface Told {
  readonly hooks: Hooks
  /** The next calls, in their order. */
  next (...names: HookName[]): Promise<Call[]>
  readonly calls: Arrivals<Call>
}

function recording (): Told {
  const calls = arrivals<Call>()
  const record = (name: string) => (...given: unknown[]): void => {
    const request = given.pop() as FastifyRequest | null
    calls.put([name, ...given, request === null ? null : `${request.method} ${request.url}`])
  }
  return {
    hooks: Object.fromEntries(accountHooks.map((name) => [name, record(name)])),
    async next (...names) {
      const found = []
      for (const name of names) found.push(await calls.take((call) => call[0] === name, name))
      return found
    },
    calls
  }
}

const rootPassword = aPassword('root')

/** Ann, and the superuser Root. */
async function withRoot (app: FastifyInstance): Promise<{ readonly root: User, readonly asRoot: InjectOptions }> {
  const root = await app.users.create({ email: 'root@example.com', password: rootPassword, isSuperuser: true })
  return { root, asRoot: await login(app, 'bearer', { email: root.email, password: rootPassword }) }
}

async function userOf (app: FastifyInstance, email: string): Promise<User> {
  return await app.users.getByEmail(email) as User
}

t.test('each hook is told of its moment, and given the request', async (t) => {
  const { hooks, next, calls } = recording()
  const office = postOffice()
  const app = await appWith(t, { ...office.options, routes: everyRoute, fields, hooks })
  const { asRoot } = await withRoot(app)
  const [[, first]] = await next('onAfterRegister', 'onAfterRegister') as [Call]
  t.match(first, { email: ann.email })

  const password = aPassword('first')
  const bob = (await send(app, stranger, 'POST', '/register', { email: 'Bob@example.com', password, nickname: 'Bob', plan: 'paid', isSuperuser: true, captcha: 'x' })).json<User>()
  t.strictSame(calls.untaken.slice(0, 2), [
    ['onBeforeRegister', { email: 'Bob@example.com', nickname: 'Bob' }, 'POST /register'],
    ['onAfterRegister', bob, 'POST /register']
  ], 'no password, and nothing that is not theirs to say')
  await next('onBeforeRegister', 'onAfterRegister')
  const verifyToken = await office.token('verify-address', bob.email)
  t.strictSame(await next('onAfterRequestVerify'), [['onAfterRequestVerify', bob, verifyToken, 'POST /register']])

  await send(app, stranger, 'POST', '/request-verify-token', { email: 'BOB@example.com' })
  const token = await office.token('verify-address', bob.email)
  t.strictSame(await next('onAfterRequestVerify'), [['onAfterRequestVerify', bob, token, 'POST /request-verify-token']])
  const verified = (await send(app, stranger, 'POST', '/verify', { token })).json<User>()
  t.equal(verified.isVerified, true)
  t.strictSame(await next('onAfterVerify'), [['onAfterVerify', verified, 'POST /verify']])

  let asBob = await login(app, 'bearer', { email: bob.email, password })
  const change = async (body: object): Promise<User> => {
    const reply = await send(app, asBob, 'PATCH', '/users/me', body)
    t.equal(reply.statusCode, 200)
    if ('currentPassword' in body) asBob = credentialOf(reply)
    return await userOf(app, reply.json<User>().email)
  }
  t.strictSame(await change({ isActive: false }), verified, 'nothing to change, and nobody is told')
  const renamed = await change({ nickname: 'Bobby' })
  t.strictSame(await next('onAfterUpdate'), [['onAfterUpdate', renamed, verified, 'PATCH /users/me']])
  const moved = await change({ email: 'rob@example.com', currentPassword: password })
  t.strictSame(await next('onAfterUpdate', 'onAfterEmailChange'), [
    ['onAfterUpdate', moved, renamed, 'PATCH /users/me'],
    ['onAfterEmailChange', moved, 'Bob@example.com', 'PATCH /users/me']
  ])
  t.strictSame(await next('onAfterRequestVerify'), [['onAfterRequestVerify', moved, await office.token('verify-address', 'rob@example.com'), 'PATCH /users/me']])
  const guarded = await change({ password: aPassword('second'), currentPassword: password })
  t.strictSame(await next('onAfterUpdate', 'onAfterPasswordChange'), [
    ['onAfterUpdate', guarded, moved, 'PATCH /users/me'],
    ['onAfterPasswordChange', guarded, 'PATCH /users/me']
  ])

  await send(app, stranger, 'POST', '/forgot-password', { email: 'rob@example.com' })
  const resetToken = await office.token('reset-password', 'rob@example.com')
  t.strictSame(await next('onAfterForgotPassword'), [['onAfterForgotPassword', guarded, resetToken, 'POST /forgot-password']])
  await send(app, stranger, 'POST', '/reset-password', { token: resetToken, password: aPassword('third') })
  const reset = await userOf(app, 'rob@example.com')
  t.strictSame(await next('onAfterResetPassword', 'onAfterPasswordChange'), [
    ['onAfterResetPassword', reset, 'POST /reset-password'],
    ['onAfterPasswordChange', reset, 'POST /reset-password']
  ])

  const eve = (await send(app, asRoot, 'POST', '/users', { email: 'eve@example.com', plan: 'paid' })).json<User>()
  t.strictSame(await next('onAfterRegister', 'onAfterForgotPassword'), [
    ['onAfterRegister', eve, 'POST /users'],
    ['onAfterForgotPassword', eve, await office.token('set-password', eve.email), 'POST /users']
  ])
  const url = `/users/${eve.id}`
  const changed = (await send(app, asRoot, 'PATCH', url, { isVerified: true })).json<User>()
  t.strictSame(await next('onAfterUpdate'), [['onAfterUpdate', changed, eve, `PATCH ${url}`]])
  await send(app, asRoot, 'POST', `${url}/forgot-password`)
  t.strictSame(await next('onAfterForgotPassword'), [['onAfterForgotPassword', changed, await office.token('reset-password', eve.email), `POST ${url}/forgot-password`]])
  t.equal((await send(app, asRoot, 'DELETE', url)).statusCode, 204)
  t.strictSame(await next('onBeforeDelete', 'onAfterDelete'), [['onBeforeDelete', changed, `DELETE ${url}`], ['onAfterDelete', changed, `DELETE ${url}`]])

  asBob = await login(app, 'cookie', { email: 'rob@example.com', password: aPassword('third') })
  t.equal((await send(app, asBob, 'DELETE', '/users/me', { currentPassword: aPassword('third') })).statusCode, 204)
  t.strictSame(await next('onBeforeDelete', 'onAfterDelete'), [['onBeforeDelete', reset, 'DELETE /users/me'], ['onAfterDelete', reset, 'DELETE /users/me']])

  await app.close()
  t.strictSame(calls.untaken, [], 'and nothing else was told')
})

t.test('with confirmEmailChange, the hooks hear of both steps', async (t) => {
  const { hooks, next, calls } = recording()
  const office = postOffice()
  const app = await appWith(t, { ...office.options, routes: everyRoute, confirmEmailChange: true, hooks })
  const before = await userOf(app, ann.email)
  await next('onAfterRegister')

  t.equal((await send(app, await login(app, 'bearer'), 'PATCH', '/users/me', { email: 'Anna@example.com', currentPassword: ann.password })).statusCode, 200)
  const token = await office.token('confirm-email-change', 'Anna@example.com')
  t.strictSame(await next('onAfterRequestEmailChange'), [['onAfterRequestEmailChange', before, 'Anna@example.com', token, 'PATCH /users/me']])
  const after = (await send(app, stranger, 'POST', '/change-email', { token })).json<User>()
  t.match(after, { email: 'Anna@example.com', isVerified: true })
  t.strictSame(await next('onAfterUpdate', 'onAfterEmailChange'), [
    ['onAfterUpdate', after, before, 'POST /change-email'],
    ['onAfterEmailChange', after, ann.email, 'POST /change-email']
  ])
  await app.close()
  t.strictSame(calls.untaken, [], 'a verified address is not asked to be verified')
})

t.test('who calls app.users hands the request over, or the hooks are given null', async (t) => {
  const { hooks, next, calls } = recording()
  const office = postOffice()
  let act: (request: FastifyRequest) => Promise<unknown> = async () => {}
  const app = await appWith(t, { ...office.options, confirmEmailChange: true, routes: { me: true }, hooks }, {
    routes: (app) => { app.post('/act', async (request) => { await act(request) }) }
  })
  await next('onAfterRegister')

  for (const from of ['POST /act', null]) {
    const by = async (work: (request?: FastifyRequest) => Promise<unknown>): Promise<void> => {
      act = work
      if (from === null) await work()
      else t.equal((await app.inject({ method: 'POST', url: '/act' })).statusCode, 200)
    }
    const heard = async (...names: HookName[]): Promise<void> => { for (const call of await next(...names)) t.equal(call.at(-1), from, `${call[0]}, ${from}`) }
    const { users } = app
    const email = 'bob@example.com'
    await by((request) => users.create({ email, password: aPassword('first') }, request))
    await heard('onAfterRegister')
    const { id } = await userOf(app, email)
    await by((request) => users.requestVerify(email, request))
    await heard('onAfterRequestVerify')
    const verifyToken = await office.token('verify-address', email)
    await by((request) => users.verify(verifyToken, request))
    await heard('onAfterVerify')
    await by((request) => users.forgotPassword(email, request))
    await heard('onAfterForgotPassword')
    const resetToken = await office.token('reset-password', email)
    await by((request) => users.resetPassword(resetToken, aPassword('second'), request))
    await heard('onAfterResetPassword', 'onAfterPasswordChange')
    await by((request) => users.revokeSessions(id, request))
    await by((request) => users.update(id, { email: 'rob@example.com', password: aPassword('third') }, request))
    await heard('onAfterUpdate', 'onAfterPasswordChange', 'onAfterEmailChange')
    t.equal((await send(app, await login(app, 'bearer', { email: 'rob@example.com', password: aPassword('third') }), 'PATCH', '/users/me', { email, currentPassword: aPassword('third') })).statusCode, 200)
    await next('onAfterRequestEmailChange')
    const changeToken = await office.token('confirm-email-change', email)
    await by((request) => users.confirmEmailChange(changeToken, request))
    await heard('onAfterUpdate', 'onAfterEmailChange')
    await by((request) => users.remove(id, request))
    await heard('onBeforeDelete', 'onAfterDelete')
  }
  await app.close()
  t.strictSame(calls.untaken, [])
})

t.test('onBeforeRegister refuses, and nobody is added', async (t) => {
  const internal = { statusCode: 500, code: 'FST_USERS_INTERNAL', error: 'Internal Server Error', message: 'Something went wrong.' }
  const refused = { statusCode: 400, code: 'REGISTER_REFUSED', error: 'Bad Request', message: 'You cannot register.' }
  const teapot = Object.assign(new Error('Only with an invitation.'), { statusCode: 403, code: 'NOT_INVITED' })
  const cases: Array<[string, () => unknown, object]> = [
    ['a reason', () => 'Only with an invitation.', { ...refused, reason: 'Only with an invitation.' }],
    ['a reason, later', async () => 'Only with an invitation.', { ...refused, reason: 'Only with an invitation.' }],
    ['a reason without words', () => '', { ...refused, reason: '' }],
    ['an error of its own', () => { throw teapot }, { statusCode: 403, code: 'NOT_INVITED', error: 'Forbidden', message: 'Only with an invitation.' }],
    ['an error of its own, later', async () => await Promise.reject(teapot), { statusCode: 403, code: 'NOT_INVITED', error: 'Forbidden', message: 'Only with an invitation.' }],
    ['an accident', () => { throw new Error('select * from invitations') }, internal],
    ['an accident, later', async () => await Promise.reject(new Error('select * from invitations')), internal],
    ...[false, true, null, 0, {}].map((value): [string, () => unknown, object] => [`${JSON.stringify(value)}, which is no answer`, () => value, internal])
  ]
  for (const concealAccounts of [false, true]) {
    let hook: () => unknown = () => {}
    const office = postOffice()
    const app = await appWith(t, { ...office.options, routes: everyRoute, concealAccounts, hooks: { onBeforeRegister: (() => hook()) as NonNullable<Hooks['onBeforeRegister']> } }, { seed: false })
    const body = { email: 'bob@example.com', password: aPassword('only') }
    for (const [name, answer, expected] of cases) {
      hook = answer
      const reply = await send(app, stranger, 'POST', '/register', body)
      t.strictSame(reply.json(), expected, name)
      t.match(await office.event('register'), { outcome: 'failure', reason: expected === internal ? 'ERROR' : (expected as { code: string }).code, userId: null })
      t.strictSame(await app.users.list(), { items: [], nextCursor: null })
    }
    hook = async () => undefined
    t.equal((await send(app, stranger, 'POST', '/register', body)).statusCode, concealAccounts ? 202 : 201)
    t.match(await office.event('register'), { outcome: 'success' })
    t.ok(await app.users.getByEmail(body.email))
    await app.close()
  }
})

t.test('onBeforeDelete stops it', async (t) => {
  let error: Error | null = null
  const office = postOffice()
  const app = await appWith(t, { ...office.options, routes: everyRoute, hooks: { onBeforeDelete: async () => { if (error !== null) throw error } } })
  const { asRoot } = await withRoot(app)
  const { id } = await userOf(app, ann.email)
  const asAnn = await login(app, 'bearer')
  for (const [thrown, told] of [
    [Object.assign(new Error('Pay first.'), { statusCode: 409, code: 'UNPAID' }), '409 UNPAID'],
    [new Error('select * from bills'), '500 FST_USERS_INTERNAL']
  ] as const) {
    error = thrown
    const replies = [await send(app, asAnn, 'DELETE', '/users/me', { currentPassword: ann.password }), await send(app, asRoot, 'DELETE', `/users/${id}`)]
    for (const reply of replies) {
      t.equal(briefly(reply), told)
      t.equal(reply.headers['set-cookie'], undefined)
      t.notOk(reply.body.includes('select'))
      t.match(await office.event('delete'), { outcome: 'failure', userId: id, reason: told === '409 UNPAID' ? 'UNPAID' : 'ERROR' })
    }
    await t.rejects(app.users.remove(id), thrown)
    await office.event('delete')
    t.equal((await app.inject({ ...asAnn, url: '/me' })).statusCode, 200, 'the user is there still, and logged in')
  }
  error = null
  t.equal((await send(app, asAnn, 'DELETE', '/users/me', { currentPassword: ann.password })).statusCode, 204)
  t.equal(await app.users.get(id), null)
})

/** A life of accounts, through all routes; gives what each answered. */
async function live (app: FastifyInstance, office: PostOffice): Promise<string[]> {
  const { asRoot } = await withRoot(app)
  const [email, other, password] = ['bob@example.com', 'rob@example.com', aPassword('first')]
  const told: string[] = []
  const step = async (...request: Parameters<typeof send>): Promise<void> => { told.push(await outcome(...request)) }
  const asBob = async (email: string, password: string): Promise<InjectOptions> => await login(app, 'bearer', { email, password })

  await step(app, stranger, 'POST', '/register', { email, password })
  await step(app, stranger, 'POST', '/verify', { token: await office.token('verify-address', email) })
  await step(app, await asBob(email, password), 'PATCH', '/users/me', { email: other, currentPassword: password })
  await step(app, stranger, 'POST', '/change-email', { token: await office.token('confirm-email-change', other) })
  await step(app, await asBob(other, password), 'PATCH', '/users/me', { password: aPassword('second'), currentPassword: password })
  await step(app, stranger, 'POST', '/forgot-password', { email: other })
  await step(app, stranger, 'POST', '/reset-password', { token: await office.token('reset-password', other), password: aPassword('third') })
  const { id } = (await app.users.list({ email: other })).items[0] as User
  await step(app, asRoot, 'PATCH', `/users/${id}`, { isVerified: false })
  await step(app, await asBob(other, aPassword('third')), 'DELETE', '/users/me', { currentPassword: aPassword('third') })
  await app.close()
  return told
}

t.test('a hook that fails after something has happened changes nothing, and is logged', async (t) => {
  const answers = ['201', '200', '200', '200', '200', '202', '200', '200', '204']
  for (const fail of [() => { throw new Error('the hook is broken') }, async () => await Promise.reject(new Error('the hook is broken')), () => { throw null }]) { // eslint-disable-line no-throw-literal -- applications do
    const { log, lines } = captureLog()
    const office = postOffice()
    const hooks = Object.fromEntries(afterHooks.map((name) => [name, fail]))
    const app = await appWith(t, { ...office.options, routes: everyRoute, confirmEmailChange: true, hooks }, { server: { loggerInstance: log }, seed: false })
    t.strictSame(await live(app, office), answers)
    const complaints = lines.filter(({ level }) => level >= 50)
    t.strictSame([...new Set(complaints.map(({ hook }) => hook))].sort(), [...afterHooks].sort(), 'each of them')
    t.ok(complaints.every(({ msg }) => msg === 'fastify-users: a hook has failed, and what it was told about stands'))
  }
})

t.test('the audit is told what happens, and who did it from where', async (t) => {
  const events = arrivals<AuditEvent>()
  const office = postOffice()
  let now = Date.UTC(2030, 0, 1)
  const app = await appWith(t, {
    ...office.options,
    audit: (event) => { events.put(event) },
    clock: () => now,
    routes: everyRoute,
    fields,
    backends: [cookie(), bearer(), bearer({ name: 'strict', requireVerified: true })]
  }, { seed: false })
  const secrets: string[] = ['@', rootPassword]

  const agent = `Mozilla/5.0 ${'x'.repeat(600)}`
  const client: InjectOptions = { remoteAddress: '203.0.113.7', headers: { 'user-agent': agent } }
  const as = ({ headers, cookies = {} }: InjectOptions): InjectOptions => ({ ...client, cookies, headers: { ...client.headers, ...headers } })
  const all: AuditEvent[] = []

  /** Takes as many events as are expected. A second passes between one step and the next. */
  async function expect<T> (work: () => Promise<T>, ...expected: Array<Partial<AuditEvent>>): Promise<T> {
    now += 1000
    const result = await work()
    for (const event of expected) {
      const found = await events.take(() => true, `event of the type ${event.type}`)
      all.push(found)
      t.strictSame(found, {
        outcome: event.reason === undefined ? 'success' : 'failure',
        reason: null,
        userId: null,
        actorId: null,
        backend: null,
        ip: '203.0.113.7',
        userAgent: agent.slice(0, 512),
        at: new Date(now).toISOString(),
        ...event
      }, `${event.type} ${event.reason ?? ''}`)
    }
    return result
  }
  const unasked = { ip: null, userAgent: null }
  const call = (credential: InjectOptions, method: 'POST' | 'PATCH' | 'DELETE', url: string, payload?: unknown) => async () => await send(app, as(credential), method, url, payload)
  const enter = async (email: string, password: string, userId: string): Promise<InjectOptions> =>
    credentialOf(await expect(call(stranger, 'POST', '/login/bearer', { email, password }), { type: 'login', userId, backend: 'bearer' }))
  const keep = (secret: string): string => { secrets.push(secret); return secret }
  const password = keep(aPassword('first'))
  const email = 'bob@example.com'

  const rootId = (await app.users.create({ email: 'root@example.com', password: rootPassword, isSuperuser: true })).id
  await expect(async () => {}, { type: 'create', userId: rootId, ...unasked, at: '2030-01-01T00:00:00.000Z' })
  await expect(() => app.users.create({ email: 'ROOT@example.com' }).catch(() => {}), { type: 'create', reason: 'REGISTER_USER_ALREADY_EXISTS', ...unasked })
  await expect(() => app.users.create({ email: 'nobody', password } as NewUser).catch(() => {}), { type: 'create', reason: 'FST_USERS_INVALID_USER', ...unasked })

  await expect(call(stranger, 'POST', '/register', { email, password: 'short' }), { type: 'register', reason: 'REGISTER_INVALID_PASSWORD' })
  await expect(call(stranger, 'POST', '/register', { email: 'root@example.com', password }), { type: 'register', reason: 'REGISTER_USER_ALREADY_EXISTS' })
  const reply = await send(app, client, 'POST', '/register', { email, password })
  const { id } = reply.json<User>()
  await expect(async () => { now -= 1000 }, { type: 'register', userId: id }, { type: 'request-verify', userId: id })
  const token = keep(await office.token('verify-address', email))

  await expect(call(stranger, 'POST', '/request-verify-token', { email: 'stranger@example.com' }), { type: 'request-verify', reason: 'unknown-user' })
  await expect(call(stranger, 'POST', '/verify', { token: token.replace(/.$/, (last) => last === 'A' ? 'B' : 'A') }), { type: 'verify', reason: 'VERIFY_USER_BAD_TOKEN' })
  await expect(call(stranger, 'POST', '/login/strict', { email, password }), { type: 'login', reason: 'not-verified', userId: id, backend: 'strict' })
  await expect(call(stranger, 'POST', '/verify', { token }), { type: 'verify', userId: id })
  await expect(call(stranger, 'POST', '/verify', { token }), { type: 'verify', reason: 'VERIFY_USER_ALREADY_VERIFIED' })
  await expect(call(stranger, 'POST', '/request-verify-token', { email }), { type: 'request-verify', reason: 'verified', userId: id })

  await expect(call(stranger, 'POST', '/login/cookie', { email: 'stranger@example.com', password }), { type: 'login', reason: 'unknown-user', backend: 'cookie' })
  await expect(call(stranger, 'POST', '/login/cookie', { email, password: 'wrong' }), { type: 'login', reason: 'wrong-password', userId: id, backend: 'cookie' })
  const byCookie = credentialOf(await expect(call(stranger, 'POST', '/login/cookie', { email, password }), { type: 'login', userId: id, backend: 'cookie' }))
  await expect(call(byCookie, 'POST', '/logout/cookie'), { type: 'logout', userId: id, actorId: id, backend: 'cookie' })

  let asBob = await enter(email, password, id)
  await expect(call(asBob, 'PATCH', '/users/me', { nickname: 'Bob' }), { type: 'update', userId: id, actorId: id })
  await expect(call(asBob, 'PATCH', '/users/me', { nickname: 'x'.repeat(21) }))
  await expect(call(asBob, 'PATCH', '/users/me', { email: 'rob@example.com' }), { type: 'reauthenticate', reason: 'USER_BAD_CURRENT_PASSWORD', userId: id, actorId: id })
  await expect(call(asBob, 'PATCH', '/users/me', { password: 'short', currentPassword: password }), { type: 'reauthenticate', userId: id, actorId: id }, { type: 'update', reason: 'UPDATE_USER_INVALID_PASSWORD', userId: id, actorId: id })
  const second = keep(aPassword('second'))
  asBob = credentialOf(await expect(
    call(asBob, 'PATCH', '/users/me', { email: 'rob@example.com', password: second, currentPassword: password }),
    ...(['reauthenticate', 'password-change', 'email-change', 'update', 'request-verify'] as const).map((type) => ({ type, userId: id, actorId: id }))
  ))
  keep(await office.token('verify-address', 'rob@example.com'))

  await expect(call(stranger, 'POST', '/forgot-password', { email: 'stranger@example.com' }), { type: 'forgot-password', reason: 'unknown-user' })
  await expect(call(stranger, 'POST', '/forgot-password', { email: 'rob@example.com' }), { type: 'forgot-password', userId: id })
  const resetToken = keep(await office.token('reset-password', 'rob@example.com'))
  const third = keep(aPassword('third'))
  await expect(call(stranger, 'POST', '/reset-password', { token: resetToken, password: 'short' }), { type: 'reset-password', reason: 'RESET_PASSWORD_INVALID_PASSWORD' })
  await expect(call(stranger, 'POST', '/reset-password', { token: resetToken, password: third }), { type: 'password-change', userId: id }, { type: 'reset-password', userId: id })
  await expect(call(stranger, 'POST', '/reset-password', { token: resetToken, password: third }), { type: 'reset-password', reason: 'RESET_PASSWORD_BAD_TOKEN' })

  const asRoot = await enter('root@example.com', rootPassword, rootId)
  const eve = (await send(app, as(asRoot), 'POST', '/users', { email: 'eve@example.com' })).json<User>()
  await expect(async () => { now -= 1000 }, { type: 'create', userId: eve.id, actorId: rootId }, { type: 'forgot-password', userId: eve.id, actorId: rootId })
  keep(await office.token('set-password', 'eve@example.com'))
  await expect(call(stranger, 'POST', '/login/bearer', { email: 'eve@example.com', password }), { type: 'login', reason: 'no-password', userId: eve.id, backend: 'bearer' })
  await expect(call(asRoot, 'POST', '/users', { email: 'eve@example.com' }), { type: 'create', reason: 'REGISTER_USER_ALREADY_EXISTS', actorId: rootId })
  await expect(call(asRoot, 'PATCH', `/users/${eve.id}`, { isActive: false }), { type: 'update', userId: eve.id, actorId: rootId })
  await expect(call(stranger, 'POST', '/login/bearer', { email: 'eve@example.com', password }), { type: 'login', reason: 'no-password', userId: eve.id, backend: 'bearer' })
  for (const [url, type] of [['/request-verify-token', 'request-verify'], ['/forgot-password', 'forgot-password']] as const) {
    await expect(call(stranger, 'POST', url, { email: 'eve@example.com' }), { type, reason: 'inactive', userId: eve.id })
  }
  await expect(call(asRoot, 'PATCH', `/users/${rootId}`, { isSuperuser: false }), { type: 'update', reason: 'LAST_SUPERUSER', userId: rootId, actorId: rootId })
  await expect(call(asRoot, 'DELETE', `/users/${rootId}`), { type: 'delete', reason: 'LAST_SUPERUSER', userId: rootId, actorId: rootId })
  await expect(call(asRoot, 'DELETE', `/users/${eve.id}`), { type: 'delete', userId: eve.id, actorId: rootId })

  await expect(() => app.users.update(id, { isActive: false }), { type: 'update', userId: id, ...unasked })
  await expect(call(stranger, 'POST', '/login/bearer', { email: 'rob@example.com', password: third }), { type: 'login', reason: 'inactive', userId: id, backend: 'bearer' })
  await expect(() => app.users.revokeSessions(id), { type: 'revoke-sessions', userId: id, ...unasked })
  await expect(() => app.users.remove(id), { type: 'delete', userId: id, ...unasked })
  for (const wrong of ['rob@example.com', id]) {
    await expect(() => app.users.remove(wrong), { type: 'delete', reason: 'USER_NOT_FOUND', ...unasked })
    await expect(() => app.users.revokeSessions(wrong), { type: 'revoke-sessions', reason: 'USER_NOT_FOUND', ...unasked })
    await expect(() => app.users.update(wrong, {}).catch(() => {}), { type: 'update', reason: 'USER_NOT_FOUND', ...unasked })
  }

  await app.close()
  t.strictSame(events.untaken, [], 'and of nothing else')
  for (const secret of secrets) t.notOk(JSON.stringify(all).includes(secret), 'no event holds an address, a token or a password')
})

t.test('the audit of a change of address that has to be confirmed', async (t) => {
  const office = postOffice()
  const app = await appWith(t, { ...office.options, routes: everyRoute, confirmEmailChange: true })
  const { id } = await userOf(app, ann.email)
  await app.users.create({ email: 'taken@example.com' })
  const ask = async (email: string): Promise<string> => {
    await send(app, await login(app, 'bearer'), 'PATCH', '/users/me', { email, currentPassword: ann.password })
    t.match(await office.event('request-email-change'), { outcome: 'success', userId: id, actorId: id })
    return await office.token('confirm-email-change', email)
  }
  const confirm = async (token: string): Promise<AuditEvent> => {
    await send(app, stranger, 'POST', '/change-email', { token })
    return await office.event('confirm-email-change')
  }
  t.match(await confirm('x'), { outcome: 'failure', reason: 'CHANGE_EMAIL_BAD_TOKEN', userId: null })
  t.match(await confirm(await ask('taken@example.com')), { outcome: 'failure', reason: 'UPDATE_USER_EMAIL_ALREADY_EXISTS', userId: null })
  const token = await ask('anna@example.com')
  t.match(await confirm(token), { outcome: 'success', userId: id, actorId: null })
  t.match(await office.event('email-change'), { outcome: 'success', userId: id, actorId: null })
  t.match(await confirm(token), { outcome: 'failure', reason: 'CHANGE_EMAIL_BAD_TOKEN', userId: null })
})

t.test('where accounts are concealed, the audit knows more than the client', async (t) => {
  const office = postOffice()
  const app = await appWith(t, { ...office.options, routes: everyRoute, concealAccounts: true })
  const bodies: string[] = []
  for (const [email, event] of [[ann.email, { outcome: 'failure', reason: 'REGISTER_USER_ALREADY_EXISTS' }], ['bob@example.com', { outcome: 'success', reason: null }]] as const) {
    const reply = await send(app, stranger, 'POST', '/register', { email, password: aPassword('only') })
    bodies.push(`${reply.statusCode} ${reply.body}`)
    t.match(await office.event('register'), event)
  }
  t.strictSame(bodies, ['202 {}', '202 {}'])
})

t.test('an audit that fails is logged, and nothing else', async (t) => {
  for (const audit of [() => { throw new Error('the audit is down') }, async () => await Promise.reject(new Error('the audit is down'))] as Array<NonNullable<FastifyUsersOptions['audit']>>) {
    const { log, lines } = captureLog()
    const office = postOffice()
    const app = await appWith(t, { mails: office.options.mails, audit, routes: everyRoute, confirmEmailChange: true }, { server: { loggerInstance: log }, seed: false })
    t.strictSame(await live(app, office), ['201', '200', '200', '200', '200', '202', '200', '200', '204'])
    const complaints = lines.filter(({ level }) => level >= 50)
    t.ok(complaints.length >= 14)
    for (const complaint of complaints) t.match(complaint, { msg: 'fastify-users: audit has failed', err: { message: 'the audit is down' } })
  }
})

t.test('what an error calls its code is told if it can be one', async (t) => {
  for (const [code, reason] of [['ECONNREFUSED', 'ECONNREFUSED'], ['bob@example.com', 'ERROR'], ['', 'ERROR'], ['x'.repeat(65), 'ERROR'], [42, 'ERROR'], [undefined, 'ERROR']] as const) {
    t.equal((await refusedWith(t, Object.assign(new Error('no'), { code }))).reason, reason)
  }
  t.equal((await refusedWith(t, null)).reason, 'ERROR')
})

async function refusedWith (t: Test, thrown: unknown): Promise<AuditEvent> {
  const office = postOffice()
  const app = await appWith(t, { ...office.options, hooks: { onBeforeDelete: () => { throw thrown } } })
  const { id } = await userOf(app, ann.email)
  await app.users.remove(id).catch(() => {})
  return await office.event('delete')
}

t.test('a login that a store or a hook stops is told, and an id that nobody could look up is not', async (t) => {
  const post = postOffice()
  const users = memory()
  let down: 'findByEmail' | 'findById' | null = null
  const failing = (method: 'findByEmail' | 'findById') => (key: string) => {
    if (down === method) throw new Error(`connection lost: ${key}`)
    return users[method](key)
  }
  const sessions = memorySessions()
  let lost = false
  const store: SessionStore = { ...sessions, insert: async (row) => { if (lost) throw new Error('down'); await sessions.insert(row) } }
  const hooks = { onAfterLogin () { throw Object.assign(new Error('the app says no'), { statusCode: 409, code: 'NO_SEAT' }) } }
  const app = await appWith(t, { ...post.options, users: { ...users, findByEmail: failing('findByEmail'), findById: failing('findById') }, sessions: store, strategy: opaque(), backends: [bearer()], hooks })
  const { id = '' } = await app.users.getByEmail(ann.email) ?? {}
  const entered = async (): Promise<object> => {
    t.not((await app.inject({ method: 'POST', url: '/login/bearer', payload: ann })).statusCode, 200)
    const { outcome, reason, userId, backend } = await post.event('login')
    return { outcome, reason, userId, backend }
  }

  down = 'findByEmail'
  t.strictSame(await entered(), { outcome: 'failure', reason: 'FST_USERS_UNAVAILABLE', userId: null, backend: 'bearer' })
  down = null
  t.strictSame(await entered(), { outcome: 'failure', reason: 'NO_SEAT', userId: id, backend: 'bearer' })
  lost = true
  t.strictSame(await entered(), { outcome: 'failure', reason: 'FST_USERS_UNAVAILABLE', userId: id, backend: 'bearer' })

  down = 'findById'
  await t.rejects(app.users.update(ann.email, { isActive: false }), { code: 'FST_USERS_UNAVAILABLE' })
  t.match(await post.event('update'), { userId: null, reason: 'FST_USERS_UNAVAILABLE' })
  await t.rejects(app.users.update(id, { isActive: false }), { code: 'FST_USERS_UNAVAILABLE' })
  t.match(await post.event('update'), { userId: id, reason: 'FST_USERS_UNAVAILABLE' })
})
