import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import fastifyUsers, { bearer, cookie, errors, fastifyUsers as named, jwt, memory, memorySessions, opaque, type UserStore } from '../lib/index.js'
import { argon2Hasher } from '../lib/crypto/password.js'
import { ann, appWith, cheap, login, options, refusal, secret } from './helpers/app.js'

const hookNames = [
  'onAfterLogin', 'onLoginFailed', 'onAfterLogout', 'onBeforeRegister', 'onAfterRegister', 'onAfterUpdate', 'onAfterPasswordChange', 'onAfterEmailChange',
  'onAfterRequestVerify', 'onAfterVerify', 'onAfterForgotPassword', 'onAfterResetPassword', 'onAfterRequestEmailChange', 'onBeforeDelete', 'onAfterDelete'
]

const routeNames = [
  'login', 'logout', 'register', 'requestVerify', 'verify', 'forgotPassword', 'resetPassword', 'changeEmail', 'getMe', 'updateMe', 'deleteMe',
  'listUsers', 'createUser', 'getUser', 'updateUser', 'deleteUser', 'sendResetLink'
]

t.test('options that are wrong do not start, and each is named', async (t) => {
  const cases: Array<[object, string]> = [
    [{ users: undefined }, "users must be a user store, such as await sqlite('users.db') from fastify-users/sql"],
    [{ users: Promise.resolve(memory()) }, 'users is a promise: await it'],
    ...['insert', 'findById', 'findByEmail', 'list', 'replace', 'remove', 'retire'].map((method): [object, string] => [{ users: { ...memory(), [method]: undefined } }, `users.${method} must be a function`]),
    [{ backends: undefined }, 'backends must be a list of one backend or more, such as [cookie(), bearer()]'],
    [{ backends: [] }, 'backends must be a list of one backend or more'],
    [{ backends: {} }, 'backends must be a list of one backend or more'],
    [{ backends: [cookie(), null] }, 'backends[1] must be a backend, such as cookie() or bearer()'],
    [{ backends: [cookie] }, 'backends[0] is a function: call it, as in cookie() or bearer()'],
    [{ backends: [cookie({ secure: false } as never)] }, 'backends[0].secure is no option of cookie(): did you mean cookieSecure?'],
    [{ backends: [cookie({ path: '/app' } as never)] }, 'backends[0].path is no option of cookie(): did you mean cookiePath?'],
    [{ backends: [cookie({ ttl: 60 } as never)] }, 'backends[0].ttl is no option of cookie(): there are name, lifetimeSeconds, '],
    [{ backends: [{ name: 'x', transport: {} }] }, 'backends[0] must be a backend'],
    [{ backends: [cookie(), bearer(), cookie({ cookieName: 'other' })] }, "backends[2].name must differ from the other backends' names: cookie"],
    [{ backends: [cookie(), cookie({ name: 'admin' })] }, 'backends[1].transport must differ from that of backends[0]: both have the cookie fastifyusersauth'],
    [{ backends: [bearer({ name: '' })] }, 'backends[0].name must be letters, digits, - and _'],
    [{ backends: [bearer({ name: 'a b' })] }, 'backends[0].name must be letters'],
    ...[0, -1, 0.5, NaN, Infinity, 34_560_001].map((seconds): [object, string] => [{ backends: [cookie({ rememberSeconds: seconds })] }, 'backends[0].rememberSeconds must be a whole number of seconds from 1 to 34560000 (400 days)']),
    ...['false', 1, null].map((requireVerified): [object, string] => [{ backends: [bearer({ requireVerified: requireVerified as never })] }, 'backends[0].requireVerified must be true or false']),
    [{ backends: [bearer({ lifetimeSeconds: '1h' as never })] }, 'backends[0].lifetimeSeconds must be a whole number of seconds'],
    [{ backends: [bearer({ realm: 'a"b' })] }, 'backends[0].realm must be printable ASCII'],
    [{ backends: [bearer({ lifetime: 5 } as never)] }, 'backends[0].lifetime is no option of bearer(): did you mean lifetimeSeconds?'],
    [{ backends: [bearer({ strategy: {} as never })] }, 'backends[0].strategy.start must be a function'],
    [{ strategy: undefined, backends: [cookie()] }, 'backends[0].strategy is missing, and so is options.strategy'],
    [{ strategy: jwt }, 'strategy is a function: call it, as in opaque()'],
    [{ backends: [bearer({ strategy: jwt as never })] }, 'backends[0].strategy is a function: call it, as in opaque()'],
    [{ strategy: {} }, 'strategy.start must be a function: a strategy is made by jwt({ secret }), for example'],
    [{ strategy: jwt({ secret, lifetimeSeconds: '1h' as never }) }, 'strategy.lifetimeSeconds must be a whole number of seconds from 1 to 34560000 (400 days)'],
    [{ prefix: 'auth' }, 'prefix must begin with / and not end with it'],
    [{ prefix: '/auth/' }, 'prefix must begin with /'],
    [{ prefix: '/:id' }, 'prefix must begin with /'],
    [{ fields: [] }, 'fields must be the JSON schema of an object'],
    [{ fields: { type: 'object', properties: {}, required: 'nickname' } }, 'fields.required must be a list of names'],
    [{ fields: { type: 'object', properties: { isSuperuser: {} } } }, 'fields.properties.isSuperuser is a name that every user has already'],
    ...['password', 'currentPassword', 'passwordHash', 'emailKey', 'version', 'sessionEpoch', 'pendingTokens', 'fields', 'id', 'createdAt'].map((name): [object, string] => [{ fields: { type: 'object', properties: { [name]: {} } } }, `fields.properties.${name} is a name that every user has already`]),
    [{ fields: JSON.parse('{ "type": "object", "properties": { "__proto__": {} } }') }, 'fields.properties.__proto__ is a name that every user has already'],
    [{ routes: { register: true }, fields: { type: 'object', properties: { plan: { type: 'string', readOnly: true } }, required: ['plan'] } }, 'fields.properties.plan needs a default: it is required, and readOnly, so nobody who registers can send it'],
    [{ passwords: null }, 'passwords must be an object'],
    [{ passwords: { timeCost: 0 } }, 'passwords.timeCost must be a whole number from 1'],
    [{ passwords: { memoryCost: 7 } }, 'passwords.memoryCost must be a whole number of KiB, from 8 times parallelism'],
    [{ passwords: { concurrency: 1.5 } }, 'passwords.concurrency must be a whole number from 1'],
    [{ passwords: { queueLimit: -1 } }, 'passwords.queueLimit must be a whole number from 1'],
    ...[0, 1.5, Infinity, '5', null].map((queuePerClient): [object, string] => [{ passwords: { queuePerClient } }, 'passwords.queuePerClient must be a whole number from 1']),
    ...[0, 1.5, 600_001, '5s', null].map((queueTimeoutMs): [object, string] => [{ passwords: { queueTimeoutMs } }, 'passwords.queueTimeoutMs must be a whole number of milliseconds from 1 to 600000']),
    ...[{}, null, () => ({})].map((hasher): [object, string] => [{ passwords: { hasher } }, 'passwords.hasher must have hash, verify and needsRehash, or be a function that makes one']),
    [{ passwords: { rounds: 10 } }, 'passwords.rounds is no option'],
    ...[7, 65, 8.5, '8', null].map((minLength): [object, string] => [{ passwords: { minLength } }, 'passwords.minLength must be a whole number of characters from 8 to 64']),
    ...[63, 1025, 100.5, '128', null].map((maxLength): [object, string] => [{ passwords: { maxLength } }, 'passwords.maxLength must be a whole number of characters from 64 to 1024']),
    ...['x', null, {}].map((validatePassword): [object, string] => [{ passwords: { validatePassword } }, 'passwords.validatePassword must be a function']),
    ...[true, null, 'https://example.com/'].map((breaches): [object, string] => [{ passwords: { breaches } }, 'passwords.breaches must be an object, such as { fetch }']),
    [{ passwords: { breaches: {} } }, 'passwords.breaches.fetch must be a function, such as the global fetch'],
    [{ passwords: { breaches: { fetch, urls: [] } } }, 'passwords.breaches.urls is no option'],
    [{ passwords: { breaches: { fetch, url: 'https://example.com' } } }, 'passwords.breaches.url must be an http or https URL that ends with /'],
    [{ passwords: { breaches: { fetch, timeoutMs: 30_001 } } }, 'passwords.breaches.timeoutMs must be a whole number of milliseconds from 1 to 30000'],
    [{ trustedOrigins: ['example.com'] }, 'trustedOrigins must hold origins: scheme, host and port, such as https://app.example.com'],
    [{ trustedOrigins: ['https://example.com/'] }, 'trustedOrigins must hold origins'],
    [{ trustedOrigins: ['*'] }, 'trustedOrigins must hold origins'],
    [{ trustedOrigins: ['null'] }, 'trustedOrigins must hold origins'],
    [{ trustedOrigins: 'https://example.com' }, 'trustedOrigins must hold origins'],
    ...[null, 'x', true].map((hooks): [object, string] => [{ hooks }, `hooks must be an object, which may hold ${hookNames.join(', ')}`]),
    [{ hooks: { afterLogin () {} } }, 'hooks.afterLogin is no option: did you mean onAfterLogin?'],
    [{ hooks: { onAfterRegistration () {} } }, 'hooks.onAfterRegistration is no option: did you mean onAfterRegister?'],
    [{ hooks: { whenSomethingHappens () {} } }, `hooks.whenSomethingHappens is no option: there are ${hookNames.join(', ')}`],
    ...['x', true, null].map((hook): [object, string] => [{ hooks: { onAfterLogin: hook } }, 'hooks.onAfterLogin must be a function']),
    ...[{}, 'x', null, true].map((audit): [object, string] => [{ audit }, 'audit must be a function']),
    ...['true', 1, null].flatMap((value): Array<[object, string]> => [
      [{ concealAccounts: value }, 'concealAccounts must be true or false'],
      [{ confirmEmailChange: value }, 'confirmEmailChange must be true or false']
    ]),
    [{ concealAccounts: true }, 'concealAccounts needs routes.verify: from the mail alone can people tell that they have registered'],
    [{ concealAccounts: true, routes: { register: true, verify: false } }, 'concealAccounts needs routes.verify'],
    ...[null, 'register', true].map((routes): [object, string] => [{ routes }, 'routes must be an object, which may hold register, verify, reset, me, deleteMe, sessions, users']),
    [{ routes: ['register'] }, 'routes.0 is no option: there are register, verify, '],
    [{ routes: { regster: true } }, 'routes.regster is no option: did you mean register?'],
    [{ routes: { login: true } }, 'routes.login is no option: there are register, verify, '],
    ...['yes', 1, null].map((register): [object, string] => [{ routes: { register } }, 'routes.register must be true or false']),
    ...[null, 'x'].map((routeOptions): [object, string] => [{ routeOptions }, 'routeOptions must be an object, which may hold login, logout, ']),
    [{ routeOptions: { 'POST /login': {} } }, 'routeOptions.POST /login is no option: there are login, logout, '],
    [{ routeOptions: { updateme: {} } }, 'routeOptions.updateme is no option: did you mean updateMe?'],
    ...[null, 'x', () => {}].map((login): [object, string] => [{ routeOptions: { login } }, 'routeOptions.login must hold hooks, config or schema']),
    [{ routeOptions: { getMe: { preHandlers: [] } } }, 'routeOptions.getMe.preHandlers is no option: did you mean preHandler?'],
    [{ routeOptions: { register: { preHandler () {}, bodyLimit: 5 } } }, 'routeOptions.register.bodyLimit is no option: there are onRequest, '],
    [{ mails: 'x' }, 'mails must be an object'],
    [{ mails: { mailer: {} } }, 'mails.mailer must have send, and may have close'],
    [{ mails: { baseURL: 'https://example.com' } }, 'mails.baseURL is no option: did you mean baseUrl?'],
    [{ mails: { verifySeconds: 5 } }, 'mails.verifySeconds must be a whole number of seconds from 60 to 604800 (7 days)'],
    [{ decorators: { authenticate: '' } }, 'decorators.authenticate must be a name'],
    [{ decorators: { user: 'x' } }, 'decorators.user is no option: did you mean users?'],
    [{ clock: 5 }, 'clock must be a function'],
    [{ secret: 'x' }, 'secret is no option: there are users, '],
    [{ backend: [] }, 'backend is no option: did you mean backends?']
  ]
  for (const [given, message] of cases) {
    const told = await refusal(given as Record<string, unknown>)
    t.match(told, `FST_USERS_BAD_OPTIONS: options.${message}`, message)
    t.equal(told.split('\n').length, 1, 'one mistake is one complaint')
  }

  t.equal(await refusal({ prefix: 'x', clock: 5, backends: [] }), [
    'FST_USERS_BAD_OPTIONS: options.prefix must begin with / and not end with it, such as /auth',
    'options.clock must be a function',
    'options.backends must be a list of one backend or more, such as [cookie(), bearer()]'
  ].join('\n'), 'all at once')
})

t.test('options that are right start', async (t) => {
  const readOnly = { type: 'object', properties: { plan: { type: 'string', readOnly: true } }, required: ['plan'] }
  for (const given of [
    { hooks: Object.fromEntries(hookNames.map((name) => [name, () => {}])) },
    { routeOptions: Object.fromEntries(routeNames.map((name) => [name, { preHandler: [], config: {}, schema: {} }])) },
    { routes: { register: true, verify: true, reset: true, me: true, deleteMe: true, users: true }, concealAccounts: true, confirmEmailChange: true, audit () {} },
    { concealAccounts: false, routes: { verify: false } },
    { fields: readOnly },
    { fields: { ...readOnly, properties: { plan: { type: 'string', readOnly: true, default: 'free' } } }, routes: { register: true } },
    { fields: { ...readOnly, required: ['plan', 'missing'], properties: { plan: { type: 'string' } } }, routes: { register: true } },
    { passwords: { ...cheap, minLength: 15, maxLength: 1024, validatePassword: () => undefined, breaches: { fetch, url: 'https://example.com/range/', timeoutMs: 100 } } },
    { mails: { baseUrl: 'https://example.com', appName: 'Example' } }
  ]) t.equal(await refusal(given), 'it starts', Object.keys(given).join())
})

t.test('options that are undefined are left out', async (t) => {
  t.equal(await refusal({ audit: undefined, routes: { register: undefined }, routeOptions: { login: undefined }, concealAccounts: undefined, confirmEmailChange: undefined, mails: { mailer: undefined, baseUrl: undefined } }), 'it starts')
  t.equal(await refusal({ routes: undefined, routeOptions: undefined, mails: undefined, hooks: undefined, passwords: { minLength: undefined, maxLength: undefined, validatePassword: undefined, breaches: undefined } }), 'it starts')
  t.equal(await refusal({ fields: undefined, passwords: { memoryCost: undefined, concurrency: undefined, hasher: undefined }, trustedOrigins: undefined, hooks: { onAfterLogin: undefined }, decorators: { authenticate: undefined }, clock: undefined, prefix: undefined }), 'it starts')
})

/** Until the test ends. */
function inProduction (t: Test): UserStore {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  t.after(() => {
    process.env.NODE_ENV = before
    if (before === undefined) delete process.env.NODE_ENV
  })
  return { ...memory(), ephemeral: false }
}

t.test('in production', async (t) => {
  const lasting = inProduction(t)
  const { revocations, ...without } = lasting
  t.match(await refusal({ passwords: {} }), 'options.users forgets everything when the process ends')
  t.match(await refusal({ users: lasting, passwords: cheap }), 'options.passwords.memoryCost and timeCost are below what OWASP advises')
  const hasher = argon2Hasher({ ...cheap, parallelism: 1 })
  t.match(await refusal({ users: lasting, passwords: { ...cheap, hasher: argon2Hasher } }), 'options.passwords.memoryCost and timeCost are below what OWASP advises')
  t.equal(await refusal({ users: lasting, passwords: { ...cheap, hasher } }), 'it starts', 'nobody but the hasher knows its costs')
  t.match(await refusal({ users: without, passwords: {} }), 'options.users.revocations is missing, so a logged-out token would be good again after a restart')
  t.equal(await refusal({ users: lasting, passwords: {} }), 'it starts')
  t.equal(await refusal({ users: lasting, passwords: { memoryCost: 7168, timeCost: 5 } }), 'it starts')
  t.equal(await refusal({ users: without, passwords: {}, strategy: jwt({ secret, revocations }) }), 'it starts')
})

t.test('in production somebody must send the links', async (t) => {
  const lasting = inProduction(t)
  const started = async (given: object): Promise<string> => await refusal({ users: lasting, passwords: {}, ...given })
  const needs = (...problems: string[]): string => `FST_USERS_BAD_OPTIONS: ${problems.map((problem) => `options.${problem}`).join('\n')}`
  const verify = 'routes.verify needs mails.mailer, or hooks.onAfterRequestVerify, in production: nobody would send the link'
  const reset = 'routes.reset needs mails.mailer, or hooks.onAfterForgotPassword, in production: nobody would send the link'
  const change = 'confirmEmailChange needs mails.mailer, or hooks.onAfterRequestEmailChange, in production: nobody would send the link'
  const conceal = 'concealAccounts needs mails.mailer: who has an account already is told by mail'
  const everything = { routes: { register: true, verify: true, reset: true, me: true }, confirmEmailChange: true, concealAccounts: true }
  const hooks = { onAfterRequestVerify () {}, onAfterForgotPassword () {}, onAfterRequestEmailChange () {} }
  const mailer = { async send () {} }

  t.equal(await started({ routes: { verify: true } }), needs(verify))
  t.equal(await started({ routes: { reset: true }, mails: {} }), needs(reset))
  t.equal(await started({ confirmEmailChange: true }), needs(change))
  t.equal(await started(everything), needs(verify, reset, change, conceal), 'all at once')
  t.equal(await started({ ...everything, hooks: { ...hooks, onAfterForgotPassword: undefined }, concealAccounts: false }), needs(reset))
  t.equal(await started({ ...everything, hooks }), needs(conceal), 'no hook tells the owner of an account')
  t.equal(await started({ ...everything, hooks, concealAccounts: false }), 'it starts')
  t.match(await started({ ...everything, mails: { mailer } }), needs('mails.baseUrl is missing'))
  t.match(await started({ ...everything, mails: { mailer, baseUrl: 'http://example.com' } }), needs('mails.baseUrl must begin with https in production'))
  t.equal(await started({ ...everything, mails: { mailer, baseUrl: 'https://example.com' } }), 'it starts')
  t.equal(await started({ routes: { register: true, me: true, deleteMe: true, users: true } }), 'it starts', 'which send nothing')
})

t.test('outside production a link that nobody sends is in the log; one that a hook sends is not', async (t) => {
  for (const [hooks, logged] of [[{}, true], [{ onAfterForgotPassword () {} }, false]] as const) {
    const lines: string[] = []
    const app = await appWith(t, { routes: { reset: true }, hooks }, { server: { logger: { level: 'warn', stream: { write: (line: string) => { lines.push(line) } } } } })
    t.equal((await app.inject({ method: 'POST', url: '/forgot-password', payload: { email: ann.email } })).statusCode, 202)
    await app.close()
    t.equal(lines.join('').includes('/reset-password#token=fu-reset.'), logged)
  }
})

t.test('groups of routes are there if they are switched on', async (t) => {
  const groups = {
    register: ['POST /register'],
    verify: ['POST /request-verify-token', 'POST /verify'],
    reset: ['POST /forgot-password', 'POST /reset-password'],
    me: ['GET /users/me', 'PATCH /users/me'],
    deleteMe: ['DELETE /users/me'],
    users: ['GET /users', 'POST /users', 'GET /users/:id', 'PATCH /users/:id', 'DELETE /users/:id']
  }
  const has = async (given: object): Promise<string[]> => {
    const app = await appWith(t, given, { seed: false })
    return [...Object.values(groups).flat(), 'POST /change-email', 'POST /users/:id/forgot-password'].filter((route) => {
      const [method, url] = route.split(' ') as ['GET', string]
      return app.hasRoute({ method, url })
    })
  }
  t.strictSame(await has({}), [])
  t.strictSame(await has({ routes: { register: false }, confirmEmailChange: true }), [])
  for (const [name, routes] of Object.entries(groups)) t.strictSame(await has({ routes: { [name]: true } }), routes, name)
  t.strictSame(await has({ routes: { me: true }, confirmEmailChange: true }), [...groups.me, 'POST /change-email'])
  t.strictSame(await has({ routes: { reset: true, users: true } }), [...groups.reset, ...groups.users, 'POST /users/:id/forgot-password'])
})

t.test('without revocations, outside production, it says so and remembers by itself', async (t) => {
  const lines: string[] = []
  const { revocations, ...without } = memory()
  t.ok(revocations)
  const app = await appWith(t, { users: without }, { server: { logger: { level: 'warn', stream: { write: (line: string) => { lines.push(line) } } } } })
  t.match(lines.join(''), /logged-out tokens are remembered by this process alone/)
  const credential = await login(app, 'bearer')
  await app.inject({ ...credential, method: 'POST', url: '/logout/bearer' })
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401)
})

t.test('prefix, and the names of the plugin', async (t) => {
  t.equal(named, fastifyUsers)
  const app = await appWith(t, { prefix: '/api/auth' })
  t.equal(app.hasPlugin('fastify-users'), true)
  t.equal((await app.inject({ method: 'POST', url: '/login/bearer', payload: ann })).statusCode, 404)
  t.ok(await login(app, 'cookie', ann, '/api/auth/login/cookie'))
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE'] as const) {
    for (const url of ['/api/auth/login/cookie', '/api/auth/logout/cookie']) t.equal((await app.inject({ method, url })).statusCode, 404, `${method} ${url}`)
  }
  t.equal((await app.inject({ url: '/api/auth/login/cookie', headers: { 'x-http-method-override': 'POST' } })).statusCode, 404)
})

t.test('a prefix of the scope around it counts as well', async (t) => {
  const app = Fastify()
  t.after(async () => { await app.close() })
  await app.register(async (scope: FastifyInstance) => {
    await scope.register(fastifyUsers, { ...options(), prefix: '/auth' })
    await scope.users.create(ann)
  }, { prefix: '/v1' })
  t.ok(await login(app, 'bearer', ann, '/v1/auth/login/bearer'))
})

t.test('the store is closed with the app', async (t) => {
  let closed = 0
  const app = Fastify()
  await app.register(fastifyUsers, options({ users: { ...memory(), close: () => { closed++ } } }))
  await app.close()
  t.equal(closed, 1)
  const bare = Fastify()
  await bare.register(fastifyUsers, options())
  await bare.close()
})

t.test('errors can be told apart by class and code', async (t) => {
  t.ok(new errors.UnauthorizedError() instanceof errors.UnauthorizedError)
  const codes = Object.values(errors).flatMap((value) => typeof value === 'function' && value.prototype instanceof Error ? [(new (value as new () => { code: string })()).code] : [])
  t.equal(new Set(codes).size, codes.length)
  t.ok(codes.length > 15)
})

t.test('a clock may tell parts of a millisecond, of which no row has any', async (t) => {
  const clock = (): number => Date.now() + 0.5
  for (const strategy of [jwt({ secret }), jwt({ secret, sessions: true }), opaque()]) {
    const app = await appWith(t, { strategy, sessions: memorySessions(), clock, throttle: { login: { perClient: { attempts: 2 } } } })
    for (const backend of ['cookie', 'bearer']) {
      const credential = await login(app, backend)
      t.equal((await app.inject({ url: '/me', ...credential })).statusCode, 200)
    }
    const statuses = []
    for (let i = 0; i < 3; i++) statuses.push((await app.inject({ method: 'POST', url: '/login/bearer', payload: { ...ann, password: 'wrong' } })).statusCode)
    t.strictSame(statuses, [400, 400, 429])
  }
})
