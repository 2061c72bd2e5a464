import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import fastifyUsers, { bearer, cookie, errors, fastifyUsers as named, jwt, memory, type UserStore } from '../lib/index.js'
import { ann, appWith, cheap, login, options, refusal, secret } from './helpers/app.js'

t.test('options that are wrong do not start, and each is named', async (t) => {
  const cases: Array<[object, string]> = [
    [{ users: undefined }, "users must be a user store, such as await sqlite('users.db') from fastify-users/sql"],
    [{ users: Promise.resolve(memory()) }, 'users is a promise: await it'],
    [{ users: { ...memory(), replace: undefined } }, 'users.replace must be a function'],
    [{ backends: undefined }, 'backends must be a list of one backend or more, such as [cookie(), bearer()]'],
    [{ backends: [] }, 'backends must be a list of one backend or more'],
    [{ backends: {} }, 'backends must be a list of one backend or more'],
    [{ backends: [cookie(), null] }, 'backends[1] must be a backend, such as cookie() or bearer()'],
    [{ backends: [cookie] }, 'backends[0] must be a backend'],
    [{ backends: [{ name: 'x', transport: {} }] }, 'backends[0] must be a backend'],
    [{ backends: [cookie(), bearer(), cookie({ cookieName: 'other' })] }, "backends[2].name must differ from the other backends' names: cookie"],
    [{ backends: [cookie(), cookie({ name: 'admin' })] }, 'backends[1].transport must differ from that of backends[0]: both have the cookie fastifyusersauth'],
    [{ backends: [bearer({ name: '' })] }, 'backends[0].name must be letters, digits, - and _'],
    [{ backends: [bearer({ name: 'a b' })] }, 'backends[0].name must be letters'],
    [{ backends: [bearer({ lifetimeSeconds: '1h' as never })] }, 'backends[0].lifetimeSeconds must be a whole number of seconds'],
    [{ backends: [bearer({ realm: 'a"b' })] }, 'backends[0].realm must be printable ASCII'],
    [{ backends: [bearer({ lifetime: 5 } as never)] }, 'backends[0].lifetime is no option of bearer()'],
    [{ backends: [bearer({ strategy: {} as never })] }, 'backends[0].strategy.start must be a function'],
    [{ strategy: undefined }, 'backends[0].strategy is missing, and so is options.strategy'],
    [{ strategy: {} }, 'strategy.start must be a function: a strategy is made by jwt({ secret }), for example'],
    [{ strategy: jwt({ secret, lifetimeSeconds: '1h' as never }) }, 'strategy.lifetimeSeconds must be a whole number of seconds from 1 to 34560000 (400 days)'],
    [{ prefix: 'auth' }, 'prefix must begin with / and not end with it'],
    [{ prefix: '/auth/' }, 'prefix must begin with /'],
    [{ prefix: '/:id' }, 'prefix must begin with /'],
    [{ fields: [] }, 'fields must be the JSON schema of an object'],
    [{ fields: { type: 'object', properties: { isSuperuser: {} } } }, 'fields.properties.isSuperuser is a name that every user has already'],
    [{ fields: { type: 'object', properties: { password: {} } } }, 'fields.properties.password is a name that every user has already'],
    [{ passwords: null }, 'passwords must be an object'],
    [{ passwords: { timeCost: 0 } }, 'passwords.timeCost must be a whole number from 1'],
    [{ passwords: { memoryCost: 7 } }, 'passwords.memoryCost must be a whole number of KiB, from 8 times parallelism'],
    [{ passwords: { concurrency: 1.5 } }, 'passwords.concurrency must be a whole number from 1'],
    [{ passwords: { queueLimit: -1 } }, 'passwords.queueLimit must be a whole number from 1'],
    [{ passwords: { hasher: {} } }, 'passwords.hasher must have hash, verify and needsRehash'],
    [{ passwords: { rounds: 10 } }, 'passwords.rounds is no option'],
    [{ trustedOrigins: ['example.com'] }, 'trustedOrigins must hold origins: scheme, host and port, such as https://app.example.com'],
    [{ trustedOrigins: ['https://example.com/'] }, 'trustedOrigins must hold origins'],
    [{ trustedOrigins: ['*'] }, 'trustedOrigins must hold origins'],
    [{ trustedOrigins: ['null'] }, 'trustedOrigins must hold origins'],
    [{ trustedOrigins: 'https://example.com' }, 'trustedOrigins must hold origins'],
    [{ hooks: { onAfterLogin: 'x' } }, 'hooks must hold functions named onAfterLogin, onLoginFailed or onAfterLogout'],
    [{ hooks: { afterLogin () {} } }, 'hooks must hold functions'],
    [{ decorators: { authenticate: '' } }, 'decorators must hold other names for authenticate and users'],
    [{ decorators: { user: 'x' } }, 'decorators must hold other names'],
    [{ clock: 5 }, 'clock must be a function'],
    [{ secret: 'x' }, 'secret is no option']
  ]
  for (const [given, message] of cases) t.match(await refusal(given as Record<string, unknown>), `FST_USERS_BAD_OPTIONS: options.${message}`, message)

  t.equal(await refusal({ prefix: 'x', clock: 5, backends: [] }), [
    'FST_USERS_BAD_OPTIONS: options.prefix must begin with / and not end with it, such as /auth',
    'options.clock must be a function',
    'options.backends must be a list of one backend or more, such as [cookie(), bearer()]'
  ].join('\n'), 'all at once')
})

t.test('options that are undefined are left out', async (t) => {
  t.equal(await refusal({ fields: undefined, passwords: { memoryCost: undefined, concurrency: undefined, hasher: undefined }, trustedOrigins: undefined, hooks: { onAfterLogin: undefined }, decorators: { authenticate: undefined }, clock: undefined, prefix: undefined }), 'it starts')
})

t.test('in production', async (t) => {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  t.after(() => {
    process.env.NODE_ENV = before
    if (before === undefined) delete process.env.NODE_ENV
  })
  const lasting: UserStore = { ...memory(), ephemeral: false }
  const { revocations, ...without } = lasting
  t.match(await refusal({ passwords: {} }), 'options.users forgets everything when the process ends')
  t.match(await refusal({ users: lasting, passwords: cheap }), 'options.passwords.memoryCost and timeCost are below what OWASP advises')
  t.match(await refusal({ users: without, passwords: {} }), 'options.users.revocations is missing, so a logged-out token would be good again after a restart')
  t.equal(await refusal({ users: lasting, passwords: {} }), 'it starts')
  t.equal(await refusal({ users: lasting, passwords: { memoryCost: 7168, timeCost: 5 } }), 'it starts')
  t.equal(await refusal({ users: without, passwords: {}, strategy: jwt({ secret, revocations }) }), 'it starts')
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
