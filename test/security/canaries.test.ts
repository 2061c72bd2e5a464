// Secrets that are sought wherever they should not be: in logs, replies, errors, events, what hooks are given, and in the stores.
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { bearer, cookie, jwt, memory, opaque, type AuditEvent, type FastifyUsersOptions, type Hooks, type StoredUser, type Strategy, type User, type UserStore } from '../../lib/index.js'
import { mysql, postgres } from '../../lib/stores/sql/index.js'
import { everyRoute, fields, postOffice, send, stranger, type PostOffice } from '../helpers/accounts.js'
import { appWith, sameOrigin } from '../helpers/app.js'
import { foundIn } from '../helpers/canaries.js'
import { breakable, failures, toPlan, withFault } from '../helpers/faults.js'
import { skipped } from '../helpers/redis.js'
import { mariadbServer, noMariadb, noPostgres, postgresServer } from '../helpers/servers.js'
import { byBearer, byCookie, onEachPlace, refreshBy, type Way } from '../helpers/sessions.js'
import { captureLog } from '../helpers/smtp.js'

const secret = randomBytes(32).toString('base64url')
const strategies: Readonly<Record<string, () => Strategy>> = { opaque: () => opaque(), 'jwt with sessions': () => jwt({ secret, sessions: true }) }
const hookNames = [
  'onAfterLogin', 'onLoginFailed', 'onAfterLogout', 'onBeforeRegister', 'onAfterRegister', 'onAfterUpdate', 'onAfterPasswordChange', 'onAfterEmailChange',
  'onAfterRequestVerify', 'onAfterVerify', 'onAfterForgotPassword', 'onAfterResetPassword', 'onAfterRequestEmailChange', 'onBeforeDelete', 'onAfterDelete'
] as const

/** Hooks that are meant to be given a token, so that an app without a mailer can send it. */
const tokenHooks = ['onAfterRequestVerify', 'onAfterForgotPassword', 'onAfterRequestEmailChange']

interface Told {
  readonly hook: string
  readonly text: string
}

/** What was said to whom, and what should be nowhere in it. */
interface Scene {
  readonly app: FastifyInstance
  readonly post: PostOffice
  readonly log: () => string
  readonly replies: LightMyRequestResponse[]
  readonly errors: unknown[]
  readonly events: AuditEvent[]
  readonly told: Told[]
  /** Passwords, the key, hashes: for nobody's eyes. */
  readonly canaries: Map<string, string>
  /** Tokens, and in which reply each was given; `null`: in a mail. */
  readonly tokens: Map<string, { readonly token: string, readonly reply: LightMyRequestResponse | null }>
  readonly addresses: Map<string, string>
  canary (name: string): string
  address (name: string): string
  ask (...request: Parameters<typeof send>): Promise<LightMyRequestResponse>
  note (reply: LightMyRequestResponse): LightMyRequestResponse
}

function everything (value: unknown): string {
  return inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity, breakLength: Infinity })
}

async function setScene (t: Test, given: Partial<FastifyUsersOptions>): Promise<Scene> {
  const post = postOffice()
  const { log, text } = captureLog()
  log.level = 'trace'
  const [replies, errors, events, told]: [LightMyRequestResponse[], unknown[], AuditEvent[], Told[]] = [[], [], [], []]
  const canaries = new Map([['the key', secret]])
  const addresses = new Map<string, string>()
  const isOwn = (value: unknown): boolean => !(typeof value === 'object' && value !== null && 'raw' in value)
  const hooks = Object.fromEntries(hookNames.map((hook) => [hook, (...values: unknown[]) => { told.push({ hook, text: everything(values.filter(isOwn)) }) }])) as Hooks
  const app = await appWith(t, {
    ...post.options,
    backends: [cookie({ refresh: true }), bearer({ refresh: true })],
    routes: { ...everyRoute, sessions: true },
    confirmEmailChange: true,
    fields,
    hooks,
    audit: (event) => { events.push(event); toPlan(event); post.options.audit?.(event) },
    storeTimeoutMs: 2000,
    ...given
  }, { server: { loggerInstance: log }, seed: false })

  const note = (reply: LightMyRequestResponse): LightMyRequestResponse => {
    replies.push(reply)
    return reply
  }
  return {
    app,
    post,
    log: text,
    replies,
    errors,
    events,
    told,
    canaries,
    tokens: new Map(),
    addresses,
    note,
    canary (name) {
      // With what is written otherwise in URLs, JSON and forms.
      const value = `${name}: "${randomBytes(12).toString('hex')}" \\ ${randomBytes(4).toString('hex')}`
      canaries.set(name, value)
      return value
    },
    address (name) {
      const value = `${name}.${randomBytes(8).toString('hex')}@example.com`
      addresses.set(name, value)
      return value
    },
    ask: async (...request) => note(await send(...request))
  }
}

/** Notes the tokens that a reply gives. */
function noteTokens ({ tokens }: Scene, name: string, way: Way, reply: LightMyRequestResponse): { access: string, refresh: string } {
  const { access, refresh = '' } = way.tokensOf(reply)
  if (access === '' || refresh === '') throw new Error(`${name}: ${reply.statusCode} ${reply.body}`)
  tokens.set(`${name}'s access token`, { token: access, reply })
  tokens.set(`${name}'s refresh token`, { token: refresh, reply })
  return { access, refresh }
}

async function logIn (scene: Scene, name: string, way: Way, email: string, password: string): Promise<{ access: string, refresh: string }> {
  const reply = scene.note(await scene.app.inject({ method: 'POST', url: `/login/${way.name}`, payload: { email, password }, headers: sameOrigin }))
  return noteTokens(scene, name, way, reply)
}

async function mailed (scene: Scene, name: string, kind: Parameters<PostOffice['token']>[0], to: string): Promise<string> {
  const token = await scene.post.token(kind, to)
  scene.tokens.set(name, { token, reply: null })
  return token
}

/** All that can be done to an account, and much that cannot. */
async function liveThrough (scene: Scene, users: Pick<UserStore, 'findById'>): Promise<void> {
  const { app, ask, note, canary, address, canaries } = scene
  const hashOf = async (name: string, id: string): Promise<void> => { canaries.set(name, (await users.findById(id) as StoredUser).passwordHash as string) }
  const [rootEmail, email, other, third] = ['root', 'first', 'other', 'third'].map(address) as [string, string, string, string]
  const [rootPassword, first, second, last, wrong] = ['root\'s password', 'the first password', 'the second password', 'the last password', 'a wrong password'].map(canary) as [string, string, string, string, string]
  await app.users.create({ email: rootEmail, password: rootPassword, isSuperuser: true })
  const root = byBearer.withAccess((await logIn(scene, 'root', byBearer, rootEmail, rootPassword)).access)

  for (const body of [{ email, password: [first] }, { email, password: 'short' }, { email: [email], password: first }, `{"password":${JSON.stringify(first)}`, { email, password: first, isSuperuser: true }, { email, password: wrong }]) await ask(app, stranger, 'POST', '/register', body)
  const { id } = await app.users.getByEmail(email) as User
  await hashOf('the first hash', id)
  const verify = await mailed(scene, 'the link to verify', 'verify-address', email)
  await ask(app, stranger, 'POST', `/verify?token=${verify}`, { token: `${verify}x` })
  for (let twice = 0; twice < 2; twice++) await ask(app, stranger, 'POST', '/verify', { token: verify })

  for (const way of [byCookie, byBearer]) {
    const { name } = way
    for (const password of [wrong, [first], null]) note(await app.inject({ method: 'POST', url: `/login/${name}?password=${encodeURIComponent(first)}`, payload: { email, password }, headers: sameOrigin }))
    note(await app.inject({ method: 'POST', url: `/login/${name}`, payload: { email, password: first }, headers: { origin: 'https://evil.example' } }))
    const { access, refresh } = await logIn(scene, `${name}, to be stolen`, way, email, first)
    for (const token of [access, `${access}x`, refresh]) note(await app.inject({ ...way.withAccess(token), url: '/me' }))
    for (const path of [`/users/me?access_token=${access}`, `/sessions?refresh_token=${refresh}`]) note(await app.inject({ ...stranger, url: path }))
    noteTokens(scene, `${name}, refreshed`, way, note(await refreshBy(app, way, refresh)))
    for (const token of [access, refresh]) note(await refreshBy(app, way, token))

    const own = await logIn(scene, `${name}, to be confirmed`, way, email, first)
    const credential = way.withAccess(own.access)
    await ask(app, credential, 'POST', '/confirm', { password: wrong })
    const confirmed = noteTokens(scene, `${name}, confirmed`, way, await ask(app, credential, 'POST', '/confirm', { password: first }))
    await logIn(scene, `${name}, to be ended`, way, email, first)
    const now = way.withAccess(confirmed.access)
    const { items: [latest] } = (await ask(app, now, 'GET', '/sessions')).json<{ items: Array<{ id: string }> }>()
    for (const url of [`/sessions/${latest?.id ?? ''}`, '/sessions/nobody', '/sessions']) await ask(app, now, 'DELETE', url)
    for (let twice = 0; twice < 2; twice++) await ask(app, now, 'POST', `/logout/${name}`)
  }

  let own = byBearer.withAccess((await logIn(scene, 'the one who changes', byBearer, email, first)).access)
  for (const body of [{ password: second }, { password: second, currentPassword: wrong }, { password: 'short', currentPassword: first }, { email: rootEmail, currentPassword: wrong }, { nickname: [second] }]) await ask(app, own, 'PATCH', '/users/me', body)
  own = byBearer.withAccess(noteTokens(scene, 'the one who has changed', byBearer, await ask(app, own, 'PATCH', '/users/me', { password: second, currentPassword: first })).access)
  await hashOf('the second hash', id)
  await ask(app, own, 'PATCH', '/users/me', { email: other, currentPassword: second })
  const change = await mailed(scene, 'the link to change', 'confirm-email-change', other)
  for (const token of [`${change}x`, change, change]) await ask(app, stranger, 'POST', '/change-email', { token })

  await ask(app, stranger, 'POST', '/forgot-password', { email: other })
  const reset = await mailed(scene, 'the link to reset', 'reset-password', other)
  for (const body of [{ token: reset, password: 'short' }, { token: [reset], password: last }, { token: reset }, { token: verify, password: last }, { token: reset, password: last }, { token: reset, password: wrong }]) await ask(app, stranger, 'POST', '/reset-password', body)
  await hashOf('the last hash', id)

  for (const [method, url, body] of [['GET', `/users?email=${encodeURIComponent(other)}`], ['GET', `/users/${id}`], ['GET', `/users/${id}/sessions`], ['PATCH', `/users/${id}`, { email: rootEmail }], ['POST', '/users', { email: other }], ['POST', '/users', { email: third }], ['POST', `/users/${id}/forgot-password`], ['DELETE', `/users/${id}/sessions`], ['DELETE', '/users/nobody']] as const) await ask(app, root, method, url, body)
  await mailed(scene, 'the link to set', 'set-password', third)
  await mailed(scene, 'the link that a superuser sends', 'reset-password', other)

  const calls: ReadonlyArray<() => Promise<unknown>> = [
    () => app.users.create({ email: other, password: first }),
    () => app.users.create({ email: `${wrong}@`, password: first }),
    () => app.users.create({ email: third, passwordHash: first }),
    () => app.users.create({ email: address('unborn'), password: 'short' }),
    () => app.users.create({ email: address('unborn'), nickname: wrong } as never),
    () => app.users.update(id, { password: 'short' }),
    () => app.users.update(first, { password: first }),
    () => app.users.update(id, { email: rootEmail }),
    () => app.users.list({ cursor: `${first}\0` }),
    () => app.users.verify(`${verify}x`),
    () => app.users.verify(verify),
    () => app.users.resetPassword(reset, first),
    () => app.users.resetPassword(reset, 7 as never),
    () => app.users.confirmEmailChange(change)
  ]
  for (const call of calls) await call().catch((error: unknown) => { scene.errors.push(error) })
  own = byBearer.withAccess((await logIn(scene, 'the one who leaves', byBearer, other, last)).access)
  for (const currentPassword of [wrong, last]) await ask(app, own, 'DELETE', '/users/me', { currentPassword })
}

/** Nothing of it is where it should not be. */
function seek (t: Test, { replies, errors, events, told, canaries, tokens, addresses, log }: Scene): void {
  const bare = new Map([...tokens].map(([name, { token }]) => [name, token]))
  // The part that makes a token: of a JWT its signature, else what stands between selector and checksum.
  const parts = new Map([...bare].map(([name, token]) => [`the heart of ${name}`, token.split('.')[2] as string]))
  const secrets = new Map([...canaries, ...bare, ...parts])
  const all = new Map([...secrets, ...addresses])

  t.strictSame(foundIn(log(), all), [], 'the log')
  t.strictSame(foundIn(everything(events), all), [], 'the audit')
  t.ok(errors.length > 0)
  t.strictSame(foundIn(everything(errors), all), [], 'errors')
  t.strictSame(told.flatMap(({ hook, text }) => foundIn(text, tokenHooks.includes(hook) ? canaries : secrets).map((found) => `${hook}: ${found}`)), [], 'what hooks are given')
  for (const reply of replies) {
    const given = [...tokens].filter(([, { reply: own }]) => own === reply).map(([name]) => name)
    const others = new Map([...secrets].filter(([name]) => !given.some((one) => name.endsWith(one))))
    const text = `${reply.body}\n${JSON.stringify(reply.headers)}`
    t.strictSame(foundIn(text, reply.statusCode < 400 ? others : new Map([...others, ...addresses])), [], `${reply.statusCode} ${String(reply.raw.req.method)} ${String(reply.raw.req.url?.split('?')[0]?.slice(0, 40))}`)
  }
}

onEachPlace(t, async (t, open) => {
  for (const [name, strategy] of Object.entries(strategies)) {
    t.test(name, async (t) => {
      const { users, sessions, dump } = await open(t)
      const scene = await setScene(t, { users, sessions, strategy: strategy() })
      await liveThrough(scene, users)
      await scene.app.close()
      t.ok(scene.replies.length > 80)
      seek(t, scene)

      const stored = await dump()
      const keys = new Map([...scene.canaries].filter(([name]) => !name.endsWith('hash')))
      const tokens = [...scene.tokens].map(([name, { token }]) => [name, token] as const)
      const hearts = tokens.map(([name, token]) => [`the heart of ${name}`, token.split('.')[2] as string] as const)
      t.strictSame(foundIn(stored, new Map([...keys, ...tokens, ...hearts])), [], 'the store')
      t.ok(foundIn(stored, scene.addresses).length > 0, 'which has been read')
    })
  }
})

t.test('stores whose errors quote all that they were given', async (t) => {
  const users = memory()
  const scene = await setScene(t, { users: breakable('users', users), strategy: strategies.opaque?.(), sessions: users.sessions, storeTimeoutMs: 20 })
  const { app, ask, canary, address } = scene
  const email = address('ann')
  const [password, next] = [canary('the password'), canary('the next password')]
  const { id } = await app.users.create({ email, password })
  scene.canaries.set('the hash', (await users.findById(id) as StoredUser).passwordHash as string)
  const own = byBearer.withAccess((await logIn(scene, 'ann', byBearer, email, password)).access)

  const runs: ReadonlyArray<() => Promise<unknown>> = [
    () => ask(app, stranger, 'POST', '/register', { email: scene.addresses.get('new') ?? address('new'), password: next }),
    () => ask(app, stranger, 'POST', '/login/bearer', { email, password }),
    () => ask(app, own, 'PATCH', '/users/me', { password: next, currentPassword: password }),
    () => app.users.update(id, { password: next }).catch((error: unknown) => { scene.errors.push(error) }),
    () => app.users.create({ email: address('another'), password: next }).catch((error: unknown) => { scene.errors.push(error) })
  ]
  for (const run of runs) {
    for (const fault of failures.filter(({ name }) => name === 'throws' || name === 'rejects')) {
      for (let at = 1; at <= 3; at++) await withFault(at, fault, run)
      scene.canaries.set('the hash', (await users.findById(id) as StoredUser).passwordHash as string)
      // Whatever was changed, for the next one.
      await app.users.update(id, { password })
    }
  }
  await app.close()
  t.ok(scene.replies.filter(({ statusCode }) => statusCode === 503).length > 5)
  t.ok(scene.log().includes('driver: users.'), 'what has failed can be read in the log')
  const quiet = new Map([...scene.canaries, ...scene.addresses])
  t.strictSame(foundIn(scene.log(), quiet), [], 'the log')
  t.strictSame(foundIn(everything(scene.errors), quiet), [], 'errors')
  t.strictSame(scene.replies.filter(({ statusCode }) => statusCode >= 400).flatMap(({ body }) => foundIn(body, quiet)), [], 'replies')
})

const databases: Readonly<Record<string, (t: Test, prefix: string) => Promise<{ readonly users: UserStore, readonly run: (sql: string) => Promise<unknown> } | string>>> = {
  async PostgreSQL (t, tablePrefix) {
    const pool = await postgresServer()
    if (pool === null) return noPostgres
    t.after(async () => {
      for (const table of ['', '_sessions', '_revocations', '_migrations']) await pool.query(`drop table if exists ${tablePrefix}${table}`)
      await pool.end()
    })
    return { users: await postgres(pool, { tablePrefix }), run: async (sql) => await pool.query(sql) }
  },
  async MariaDB (t, tablePrefix) {
    const pool = await mariadbServer()
    if (pool === null) return noMariadb
    t.after(async () => {
      for (const table of ['', '_sessions', '_revocations', '_migrations']) await pool.query(`drop table if exists ${tablePrefix}${table}`)
      await pool.end()
    })
    return { users: await mysql(pool, { tablePrefix }), run: async (sql) => await pool.query(sql) }
  }
}

for (const [name, open] of Object.entries(databases)) {
  t.test(`${name}, which tells in its errors the row that it refuses`, async (t) => {
    const prefix = `test_${randomBytes(6).toString('hex')}`
    const opened = await open(t, prefix)
    if (typeof opened === 'string') return skipped(t, opened)
    const { users, run } = opened
    const scene = await setScene(t, { users, strategy: strategies.opaque?.(), passwords: { memoryCost: 8, timeCost: 1 } })
    const { app, ask, canary, address } = scene
    const password = canary('the password')
    // As the database itself would refuse what does not fit a column.
    await run(`alter table ${prefix} add constraint ${prefix}_check check (email not like 'refused%')`)
    const email = address('refused')
    const refused = await ask(app, stranger, 'POST', '/register', { email, password })
    t.equal(refused.statusCode, 503)
    await app.users.create({ email, password }).catch((error: unknown) => { scene.errors.push(error) })
    // Longer than its column, in a place where nobody has looked at it before.
    await run(`alter table ${prefix} drop constraint ${prefix}_check`)
    await run(name === 'MariaDB' ? `alter table ${prefix} modify email varchar(20)` : `alter table ${prefix} alter email type varchar(20)`)
    await ask(app, stranger, 'POST', '/register', { email: address('longer'), password })
    await app.users.create({ email: address('longest'), password }).catch((error: unknown) => { scene.errors.push(error) })
    await app.close()

    t.ok(scene.errors.length === 2 && /check|email/i.test(scene.log()), 'what has failed can be read in the log')
    const all = new Map([...scene.canaries, ...scene.addresses, ['a hash', '$argon2id$']])
    t.strictSame(foundIn(scene.log(), all), [], 'the log')
    t.strictSame(foundIn(everything(scene.errors), all), [], 'errors')
    t.strictSame(scene.replies.flatMap(({ body }) => foundIn(body, all)), [], 'replies')
    for (const error of scene.errors as Array<Error & { cause: object }>) t.strictSame(Object.keys(error.cause), ['code'])
  })
}
