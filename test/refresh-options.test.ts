import t from 'tap'
import { bearer, cookie, jwt, memory, memorySessions, opaque, type Backend, type BearerOptions, type CookieOptions, type OpaqueOptions, type SessionStore } from '../lib/index.js'
import { appWith, refusal, secret } from './helpers/app.js'
import { captureLog } from './helpers/smtp.js'

const prefix = 'FST_USERS_BAD_OPTIONS: options.'
const withSessions = { strategy: jwt({ secret, sessions: true }) }

t.test('refresh', async (t) => {
  const cases: Array<[unknown, string]> = [
    ['yes', 'refresh must be true, false or an object'],
    [1, 'refresh must be true, false or an object'],
    [null, 'refresh must be true, false or an object'],
    [{ idle: 5 }, 'refresh.idle is no option'],
    [{ absoluteSeconds: 299 }, 'refresh.absoluteSeconds must be a whole number of seconds from 300 to 34560000 (400 days)'],
    [{ absoluteSeconds: 34_560_001 }, 'refresh.absoluteSeconds must be'],
    [{ absoluteSeconds: '9999999' }, 'refresh.absoluteSeconds must be'],
    [{ absoluteSeconds: NaN }, 'refresh.absoluteSeconds must be'],
    [{ idleSeconds: 299 }, 'refresh.idleSeconds must be a whole number of seconds from 300 to absoluteSeconds'],
    [{ idleSeconds: 1000, absoluteSeconds: 999 }, 'refresh.idleSeconds must be a whole number of seconds from 300 to absoluteSeconds'],
    [{ idleSeconds: 300.5 }, 'refresh.idleSeconds must be'],
    [{ graceSeconds: -1 }, 'refresh.graceSeconds must be a whole number of seconds from 0 to 10'],
    [{ graceSeconds: 11 }, 'refresh.graceSeconds must be'],
    [{ graceSeconds: '5' }, 'refresh.graceSeconds must be'],
    [{ graceSeconds: 0.5 }, 'refresh.graceSeconds must be']
  ]
  for (const [refresh, message] of cases) {
    for (const make of [cookie, bearer] as Array<(options: object) => Backend>) {
      t.match(await refusal({ ...withSessions, backends: [make({ refresh })] }), `${prefix}backends[0].${message}`, JSON.stringify(refresh))
    }
  }
  for (const refresh of [undefined, false, true, {}, { idleSeconds: undefined, absoluteSeconds: undefined, graceSeconds: undefined }, { idleSeconds: 300, absoluteSeconds: 300, graceSeconds: 10 }, { absoluteSeconds: 34_560_000, idleSeconds: 34_560_000 }]) {
    t.equal(await refusal({ ...withSessions, backends: [cookie({ refresh }), bearer({ refresh })] }), 'it starts', JSON.stringify(refresh))
  }
})

t.test('refresh beside other options', async (t) => {
  t.match(await refusal({ ...withSessions, backends: [bearer({ refresh: { idleSeconds: 300, absoluteSeconds: 600 }, lifetimeSeconds: 601 })] }), `${prefix}backends[0].lifetimeSeconds must be at most refresh.absoluteSeconds: no access token outlives its session`)
  t.equal(await refusal({ ...withSessions, backends: [bearer({ refresh: { idleSeconds: 300, absoluteSeconds: 600 }, lifetimeSeconds: 600 })] }), 'it starts')

  const named = (name: string, cookieName: string, refresh: boolean): Backend => cookie({ name, cookieName, refresh })
  t.match(await refusal({ ...withSessions, backends: [named('a', 'x', true), bearer(), named('b', 'x_refresh', false)] }), `${prefix}backends[2].transport must differ from that of backends[0]: both have the cookie x_refresh`)
  t.match(await refusal({ ...withSessions, backends: [named('a', 'x_refresh', false), named('b', 'x', true)] }), `${prefix}backends[1].transport must differ from that of backends[0]: both have the cookie x_refresh`)
  t.match(await refusal({ ...withSessions, backends: [named('a', 'x', true), named('b', 'x', true)] }), `${prefix}backends[1].transport must differ from that of backends[0]: both have the cookie x and the cookie x_refresh`)
  t.equal(await refusal({ ...withSessions, backends: [named('a', 'x', false), named('b', 'x_refresh', true)] }), 'it starts')

  t.match(await refusal({ ...withSessions, backends: [cookie({ refresh: true, rememberSeconds: 60 })] }), `${prefix}backends[0].rememberSeconds and refresh exclude each other: refresh.idleSeconds says how long who comes back is remembered`)
  t.equal(await refusal({ ...withSessions, backends: [cookie({ refresh: false, rememberSeconds: 60 })] }), 'it starts')

  const { readRefresh, ...transport } = bearer().transport
  t.type(readRefresh, 'function')
  t.match(await refusal({ ...withSessions, backends: [{ name: 'own', transport, refresh: true }] }), `${prefix}backends[0].refresh needs a transport with readRefresh`)
  t.match(await refusal({ backends: [cookie(), bearer({ refresh: true })] }), `${prefix}backends[1].refresh needs a strategy with sessions: opaque(), or jwt({ secret, sessions: true })`)
  t.equal(await refusal({ backends: [cookie(), bearer({ refresh: true, strategy: opaque() })] }), 'it starts')

  const cases: Array<[CookieOptions | BearerOptions, string]> = [
    [{ refreshCookiePath: '/refresh', cookieName: '__Host-a' }, 'cookieName with __Host- excludes refreshCookiePath: such a cookie has the path /'],
    [{ refreshCookiePath: 'refresh' }, 'refreshCookiePath must begin with / and hold neither ; nor control characters'],
    [{ refreshCookiePath: '' }, 'refreshCookiePath must begin with /'],
    [{ refreshCookiePath: '/a;b' }, 'refreshCookiePath must begin with /'],
    [{ refreshCookiePath: '/a\r\nSet-Cookie: x=y' }, 'refreshCookiePath must begin with /'],
    [{ refreshCookiePath: 1 as unknown as string }, 'refreshCookiePath must begin with /']
  ]
  for (const [given, message] of cases) t.match(await refusal({ ...withSessions, backends: [cookie(given)] }), `${prefix}backends[0].${message}`)
})

t.test('sessions', async (t) => {
  for (const sessions of [true, 'redis', {}, { ...memorySessions(), list: undefined }]) {
    t.match(await refusal({ sessions }), `${prefix}sessions must be a session store, such as redisSessions(client) of fastify-users/redis`)
    if (sessions === true) continue
    t.match(await refusal({ strategy: jwt({ secret, sessions: sessions as SessionStore }) }), `${prefix}strategy.sessions must be true, false, or a session store`)
    t.match(await refusal({ strategy: opaque({ sessions: sessions as SessionStore }) }), `${prefix}strategy.sessions must be a session store`)
  }
  t.equal(await refusal({ sessions: memorySessions() }), 'it starts')
  t.equal(await refusal({ strategy: jwt({ secret, sessions: memorySessions() }), users: { ...memory(), sessions: undefined } }), 'it starts')
  t.match(await refusal({ strategy: jwt({ secret, sessions: true, revocations: { revoke: () => {}, isRevoked: () => false } }) }), `${prefix}strategy.revocations has no use beside sessions: a session that has ended is not in the store`)
})

t.test('opaque()', async (t) => {
  const cases: Array<[object, string]> = [
    [{ idleSeconds: 299 }, 'idleSeconds must be a whole number of seconds from 300'],
    [{ idleSeconds: 300.5 }, 'idleSeconds must be'],
    [{ idleSeconds: '300' }, 'idleSeconds must be'],
    [{ secret }, 'secret is no option of opaque(): there are lifetimeSeconds, idleSeconds, sessions'],
    [{ idle: 300 }, 'idle is no option of opaque(): did you mean idleSeconds?'],
    [{ lifetimeSeconds: 0 }, 'lifetimeSeconds must be a whole number of seconds from 1 to 34560000 (400 days)']
  ]
  for (const [given, message] of cases) t.match(await refusal({ strategy: opaque(given as OpaqueOptions) }), `${prefix}strategy.${message}`)
  t.equal(await refusal({ strategy: opaque({ idleSeconds: 300, sessions: memorySessions() }) }), 'it starts')
})

t.test('where sessions would be lost', async (t) => {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  t.after(() => {
    if (before === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = before
  })
  const lasting = { ephemeral: false, close: () => {} }
  const production = { passwords: {}, users: { ...memory(), ...lasting, sessions: undefined } }
  t.match(await refusal({ ...production, strategy: opaque() }), `${prefix}sessions is missing, so a restart would log everybody out: take a store of fastify-users/sql for users, or set options.sessions`)
  t.match(await refusal({ ...production, strategy: opaque(), sessions: memorySessions() }), `${prefix}sessions forgets everybody when the process ends: take one of fastify-users/sql or fastify-users/redis in production`)
  t.equal(await refusal({ ...production, strategy: opaque(), sessions: { ...memorySessions(), ...lasting } }), 'it starts')
  t.equal(await refusal({ ...production, strategy: opaque(), users: { ...memory(), ...lasting, sessions: { ...memorySessions(), ...lasting } } }), 'it starts')

  const forgetful = `${prefix}backends[0] has sessions in a store that forgets everybody when the process ends: take one of fastify-users/sql or fastify-users/redis in production`
  t.match(await refusal({ ...production, strategy: opaque({ sessions: memorySessions() }) }), forgetful, 'in a store of the strategy\'s own')
  t.match(await refusal({ ...production, strategy: jwt({ secret, sessions: true }), users: { ...memory(), ...lasting } }), forgetful, 'in the user store')
})

t.test('that they are lost with the process is said in the log, where somebody needs them', async (t) => {
  const users = { ...memory(), sessions: undefined }
  for (const [strategy, times] of [[opaque(), 1], [jwt({ secret, sessions: true }), 1], [jwt({ secret }), 0], [opaque({ sessions: memorySessions() }), 0]] as const) {
    const { log, lines } = captureLog()
    await appWith(t, { users, strategy }, { server: { loggerInstance: log }, seed: false })
    t.equal(lines.filter(({ level, msg }) => level === 40 && msg === 'fastify-users: sessions live in this process alone: take a store of fastify-users/sql for users, or set options.sessions').length, times)
  }
})

t.test('freshSeconds, storeTimeoutMs, routes.sessions', async (t) => {
  for (const freshSeconds of [0, -1, 1.5, '3600', true, null, Infinity]) t.match(await refusal({ freshSeconds }), `${prefix}freshSeconds must be a whole number of seconds from 1, or false`)
  for (const freshSeconds of [undefined, false, 1]) t.equal(await refusal({ freshSeconds }), 'it starts')
  for (const storeTimeoutMs of [0, -1, 1.5, '50', false, 60_001]) t.match(await refusal({ storeTimeoutMs }), `${prefix}storeTimeoutMs must be a whole number of milliseconds from 1 to 60000`)
  for (const storeTimeoutMs of [undefined, 1, 60_000]) t.equal(await refusal({ storeTimeoutMs }), 'it starts')
  for (const [index, backends] of Object.entries([[bearer(), cookie()], [cookie({ strategy: opaque() }), bearer()]])) {
    t.match(await refusal({ routes: { sessions: true }, backends }), `${prefix}routes.sessions needs a strategy with sessions for each backend, such as opaque(), or jwt({ secret, sessions: true }): options.backends[${index}] has another one, whose sessions nobody could see or end`)
  }
  t.match(await refusal({ routes: { sessions: 'yes' } }), `${prefix}routes.sessions must be true or false`)
  t.equal(await refusal({ ...withSessions, routes: { sessions: true } }), 'it starts')
  t.match(await refusal({ routes: { session: true } }), `${prefix}routes.session is no option: did you mean sessions?`)
})
