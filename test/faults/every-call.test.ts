// Each call to a store, and to the mailer, goes wrong once, in each way, in each flow.
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import bcrypt from 'bcrypt'
import t, { type Test } from 'tap'
import { bearer, cookie, jwt, memory, memoryRevocations, memorySessions, opaque, type AuditEvent, type AuditEventType, type FastifyUsersOptions, type Letter, type SessionStore, type StoredSession, type StoredUser, type Strategy, type User, type UserStore } from '../../lib/index.js'
import { sqlite } from '../../lib/stores/sql/index.js'
import { everyRoute, fields, postOffice, send, stranger, type PostOffice } from '../helpers/accounts.js'
import { appWith, sameOrigin, secret } from '../helpers/app.js'
import { breakable, breakableUsers, failures, gaps, lies, toPlan, withFault, type Fault, type Plan } from '../helpers/faults.js'
import { byBearer, byCookie, logIn, refreshBy, ways, type Way } from '../helpers/sessions.js'
import { captureLog, type CapturedLog } from '../helpers/smtp.js'

/** All of it, at every place, instead of a part in turn. */
const thorough = process.env.FAULTS === 'all'

/** No flow makes more calls. */
const mostCalls = 30

/** How many runs wait at once for a store that hangs. */
const width = 60

/** Part of each address and each password: where it is logged, there is a leak. */
const canary = 'zq7canary'
const password = `the ${canary} password`
const newPassword = `another ${canary} password`
const imported = bcrypt.hashSync(password, 4)

/** What may be in no log beside that: tokens, and hashes of passwords. */
const secrets = /zq7canary|fu-[a-z-]+\.[\w-]+\.[\w-]{43}|eyJ[\w-]+\.eyJ[\w-]+|\$argon2|\$2b\$/

const strategies: Readonly<Record<string, () => Strategy>> = {
  jwt: () => jwt({ secret }),
  'jwt with sessions': () => jwt({ secret, sessions: true }),
  opaque: () => opaque()
}

// A deadline keeps no process alive.
t.beforeEach((t) => {
  const alive = setInterval(() => {}, 1000)
  t.after(() => { clearInterval(alive) })
})

const uncaught: unknown[] = []
process.on('unhandledRejection', (error) => { uncaught.push(error) })
process.on('uncaughtExceptionMonitor', (error) => { uncaught.push(error) })

let injected = 0
let people = 0

/** An app whose stores and mailer may go wrong, and what is behind them. */
interface Scene {
  readonly app: FastifyInstance
  readonly users: UserStore
  readonly sessions: SessionStore
  readonly post: PostOffice
  readonly log: CapturedLog
  readonly way: Way
  readonly hash: string
  readonly root: InjectOptions
  readonly lies: readonly Fault[]
}

/** What came of a run, by the wire or by `app.users`. */
interface Reply {
  readonly status: number
  readonly code: string | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: unknown
  readonly http: LightMyRequestResponse | null
}

/** What is done in a flow, by somebody for whom it was never done before. */
interface Act {
  run (): Promise<Reply>
  /** How it is answered. */
  readonly good: number
  /** Whether what a good answer tells is so, as the stores themselves know. */
  isDone (reply: Reply): Promise<boolean>
  /** What the audit is told of the work behind a good answer, at its end at last. */
  readonly behind?: readonly AuditEventType[]
  /** What gives the client what that work has failed to. Default: the same once more. */
  mend? (): Promise<Reply>
  /** The mail that it leads to. */
  readonly mail?: readonly [kind: Letter['kind'], to: string]
  /** Whose failure does not undo what was done before, and so is only logged. */
  readonly spares?: readonly string[]
  /** Of whom a clear "there is none" is believed, and nothing to recover from is left. */
  readonly believes?: readonly string[]
}

type Flow = (scene: Scene) => Promise<Act>

async function setScene (t: Test, strategy: Strategy, way: Way, hasSessions: boolean, given: Partial<FastifyUsersOptions> = {}, database?: UserStore): Promise<Scene> {
  const users = database ?? memory()
  const sessions = database?.sessions ?? memorySessions()
  const post = postOffice()
  const log = captureLog()
  const { mailer } = post.options.mails
  const app = await appWith(t, {
    strategy,
    // A database is asked for session and user at once, where both are its own.
    ...database === undefined
      ? { users: { ...breakable('users', users), revocations: breakable('revocations', memoryRevocations()) }, sessions: breakable('sessions', sessions) }
      : { users: breakableUsers(database) },
    backends: [cookie({ refresh: hasSessions }), bearer({ refresh: hasSessions })],
    routes: { ...everyRoute, sessions: hasSessions },
    fields,
    audit: toPlan,
    mails: { ...post.options.mails, mailer: breakable('mailer', mailer as object) as typeof mailer, retryDelaysMs: [0, 0, 0], attemptTimeoutMs: 100, concurrency: 100 },
    storeTimeoutMs: 20,
    ...given
  }, { server: { loggerInstance: log.log }, seed: false })

  const who = { email: `root.${canary}@example.com`, password }
  await app.users.create({ ...who, isSuperuser: true })
  // There must be another one.
  await app.users.create({ email: `second.${canary}@example.com`, isSuperuser: true })
  const bob = { email: `bob.${canary}@example.com`, password }
  const { id } = await app.users.create(bob)
  await logIn(app, way, bob)
  const user = await users.findById(id) as StoredUser
  const [session = null] = await sessions.list({ userId: id, after: null, limit: 1 })
  const { access } = await logIn(app, way, who)
  return { app, users, sessions, post, log, way, hash: user.passwordHash as string, root: way.withAccess(access), lies: lies({ user, session }) }
}

/** Somebody who is there, and logged in. */
async function person (scene: Scene, given: object = {}): Promise<{ readonly id: string, readonly email: string, readonly access: string, readonly refresh: string, readonly credential: InjectOptions }> {
  const { app, way, hash } = scene
  const email = `ann${++people}.${canary}@example.com`
  const { id } = await app.users.create({ email, passwordHash: hash, ...given })
  const { access, refresh } = await logIn(app, way, { email, password })
  return { id, email, access, refresh, credential: way.withAccess(access) }
}

function byHttp (http: LightMyRequestResponse): Reply {
  const body = http.body === '' ? {} : http.json<{ code?: string }>()
  return { status: http.statusCode, code: body.code, headers: http.headers, body, http }
}

async function byCall (call: () => Promise<unknown>): Promise<Reply> {
  try {
    return { status: 200, code: undefined, headers: {}, body: await call(), http: null }
  } catch (error) {
    const { statusCode: status = 0, code, headers = {} } = error as { statusCode?: number, code?: string, headers?: Record<string, unknown> }
    return { status, code, headers, body: {}, http: null }
  }
}

const idOf = ({ body }: Reply): unknown => (body as { id?: unknown } | null)?.id
const stored = async ({ users }: Scene, id: string): Promise<StoredUser | null> => await users.findById(id)
const sessionsOf = async ({ sessions }: Scene, userId: string): Promise<readonly StoredSession[]> => await sessions.list({ userId, after: null, limit: 100 })

/** Whether a reply has logged somebody in, as whom it should have. */
async function isLoggedIn ({ app, way }: Scene, reply: Reply, id: string): Promise<boolean> {
  const { access } = way.tokensOf(reply.http as LightMyRequestResponse)
  return (await app.inject({ ...way.withAccess(access), url: '/me' })).json<{ id: string }>().id === id
}

/** What depends on the backend and the strategy. */
const perBackend: Readonly<Record<string, Flow>> = {
  'a log-in': async (scene) => {
    const { app, way } = scene
    const { id, email } = await person(scene)
    return { good: 200, run: async () => byHttp(await app.inject({ method: 'POST', url: `/login/${way.name}`, payload: { email, password }, headers: sameOrigin })), isDone: async (reply) => await isLoggedIn(scene, reply, id) }
  },

  'a log-in over another one': async (scene) => {
    const { app, way } = scene
    const { id, email, access, credential } = await person(scene)
    return {
      good: 200,
      run: async () => byHttp(await app.inject({ ...credential, method: 'POST', url: `/login/${way.name}`, payload: { email, password }, headers: { ...sameOrigin, ...credential.headers } })),
      believes: ['sessions.find', 'users.findBySession'],
      isDone: async (reply) => await isLoggedIn(scene, reply, id) && (way === byBearer || (await app.inject({ ...way.withAccess(access), url: '/me' })).statusCode === 401)
    }
  },

  'a log-in by an imported hash': async (scene) => {
    const { app, way } = scene
    const email = newAddress()
    const { id } = await app.users.create({ email, passwordHash: imported })
    return { good: 200, run: async () => byHttp(await app.inject({ method: 'POST', url: `/login/${way.name}`, payload: { email, password }, headers: sameOrigin })), isDone: async (reply) => await isLoggedIn(scene, reply, id) }
  },

  'a guarded request': async (scene) => {
    const { id, credential } = await person(scene)
    return { good: 200, run: async () => byHttp(await scene.app.inject({ ...credential, url: '/me' })), isDone: async (reply) => idOf(reply) === id }
  },

  'a log-out': async (scene) => {
    const { app, way } = scene
    const { credential } = await person(scene)
    return { good: 200, run: async () => byHttp(await send(app, credential, 'POST', `/logout/${way.name}`)), isDone: async () => (await app.inject({ ...credential, url: '/me' })).statusCode === 401 }
  },

  'a confirmation': async (scene) => {
    const { id, credential } = await person(scene)
    return {
      good: 200,
      run: async () => byHttp(await send(scene.app, credential, 'POST', '/confirm', { password })),
      isDone: async (reply) => await isLoggedIn(scene, reply, id) && (await scene.app.inject({ ...credential, url: '/me' })).statusCode === 401
    }
  },

  'a change of one\'s password': async (scene) => {
    const { id, credential } = await person(scene)
    return {
      good: 200,
      run: async () => byHttp(await send(scene.app, credential, 'PATCH', '/users/me', { password: newPassword, currentPassword: password })),
      isDone: async () => await scene.app.users.authenticate((await stored(scene, id))?.email ?? '', newPassword) !== null && (await scene.app.inject({ ...credential, url: '/me' })).statusCode === 401,
      spares: ['sessions.insert', 'sessions.remove', 'revocations.revoke']
    }
  },

  'the end of one\'s account': async (scene) => {
    const { id, credential } = await person(scene)
    return { good: 204, run: async () => byHttp(await send(scene.app, credential, 'DELETE', '/users/me', { currentPassword: password })), isDone: async () => await stored(scene, id) === null, spares: ['sessions.removeAll'] }
  }
}

/** What needs sessions in a store. */
const perSession: Readonly<Record<string, Flow>> = {
  'an exchange of a refresh token': async (scene) => {
    const { id, refresh } = await person(scene)
    return { good: 200, run: async () => byHttp(await refreshBy(scene.app, scene.way, refresh)), isDone: async (reply) => await isLoggedIn(scene, reply, id), believes: ['users.findById'] }
  },

  'a guarded request that is noted': async (scene) => {
    const { id, credential } = await person(scene)
    return {
      good: 200,
      async run () {
        const [row] = await sessionsOf(scene, id) as [StoredSession]
        await scene.sessions.replace({ ...row, lastSeenAt: row.lastSeenAt - 61_000, version: row.version + 1 }, row.version)
        return byHttp(await scene.app.inject({ ...credential, url: '/me' }))
      },
      isDone: async (reply) => idOf(reply) === id,
      spares: ['sessions.replace']
    }
  },

  'the list of one\'s sessions': async (scene) => {
    const { id, credential } = await person(scene)
    return {
      good: 200,
      run: async () => byHttp(await send(scene.app, credential, 'GET', '/sessions')),
      isDone: async ({ body }) => JSON.stringify((body as { items: Array<{ id: string }> }).items.map(({ id }) => id)) === JSON.stringify((await sessionsOf(scene, id)).map(({ id }) => id))
    }
  },

  'the end of a session': async (scene) => {
    const { id, email, credential } = await person(scene)
    const other = await logIn(scene.app, scene.way, { email, password })
    const [latest, before] = await sessionsOf(scene, id) as [StoredSession, StoredSession]
    const theirs = scene.way.withAccess(other.access)
    const isLatest = (await send(scene.app, theirs, 'GET', '/sessions')).json<{ items: Array<{ id: string, current: boolean }> }>().items.some(({ id, current }) => current && id === latest.id)
    return {
      good: 204,
      run: async () => byHttp(await send(scene.app, credential, 'DELETE', `/sessions/${isLatest ? latest.id : before.id}`)),
      isDone: async () => (await scene.app.inject({ ...theirs, url: '/me' })).statusCode === 401
    }
  },

  'the end of all others': async (scene) => {
    const { email, credential } = await person(scene)
    const other = await logIn(scene.app, scene.way, { email, password })
    return {
      good: 204,
      run: async () => byHttp(await send(scene.app, credential, 'DELETE', '/sessions')),
      isDone: async () => (await scene.app.inject({ ...scene.way.withAccess(other.access), url: '/me' })).statusCode === 401 && (await scene.app.inject({ ...credential, url: '/me' })).statusCode === 200
    }
  },

  'the list of somebody\'s sessions': async (scene) => {
    const { id } = await person(scene)
    return {
      good: 200,
      run: async () => byHttp(await send(scene.app, scene.root, 'GET', `/users/${id}/sessions`)),
      isDone: async ({ body }) => (body as { items: Array<{ id: string }> }).items[0]?.id === (await sessionsOf(scene, id))[0]?.id
    }
  },

  'the end of somebody\'s session': async (scene) => {
    const { id, credential } = await person(scene)
    const [row] = await sessionsOf(scene, id) as [StoredSession]
    return { good: 204, run: async () => byHttp(await send(scene.app, scene.root, 'DELETE', `/users/${id}/sessions/${row.id}`)), isDone: async () => (await scene.app.inject({ ...credential, url: '/me' })).statusCode === 401 }
  },

  'the end of all of somebody\'s sessions': async (scene) => {
    const { id, credential } = await person(scene)
    return { good: 204, run: async () => byHttp(await send(scene.app, scene.root, 'DELETE', `/users/${id}/sessions`)), isDone: async () => (await scene.app.inject({ ...credential, url: '/me' })).statusCode === 401 }
  }
}

/** What a database answers in one where others are asked twice. */
const atOnce = new Set(['a log-in over another one', 'a guarded request', 'a guarded request that is noted', 'a log-out', 'a confirmation', 'the end of all others'])

/** A token that was mailed. */
async function mailed (scene: Scene, kind: Letter['kind'], to: string, ask: () => Promise<unknown>): Promise<string> {
  await ask()
  return await scene.post.token(kind, to)
}

const newAddress = (): string => `new${++people}.${canary}@example.com`

/** What is the same for all backends. */
const perAccount: Readonly<Record<string, Flow>> = {
  'to register': async (scene) => {
    const email = newAddress()
    return {
      good: 201,
      run: async () => byHttp(await send(scene.app, stranger, 'POST', '/register', { email, password })),
      isDone: async (reply) => (await scene.users.findByEmail(email))?.id === idOf(reply),
      behind: ['request-verify'],
      mend: async () => byHttp(await send(scene.app, stranger, 'POST', '/request-verify-token', { email })),
      mail: ['verify-address', email]
    }
  },

  'to be mailed a link for a new password': async (scene) => {
    const { id, email } = await person(scene)
    return {
      good: 202,
      run: async () => byHttp(await send(scene.app, stranger, 'POST', '/forgot-password', { email })),
      isDone: async () => (await stored(scene, id))?.pendingTokens.reset !== undefined,
      behind: ['forgot-password'],
      mail: ['reset-password', email]
    }
  },

  'to set a new password by it': async (scene) => {
    const { email, credential } = await person(scene)
    const token = await mailed(scene, 'reset-password', email, () => scene.app.users.forgotPassword(email))
    return {
      good: 200,
      run: async () => byHttp(await send(scene.app, stranger, 'POST', '/reset-password', { token, password: newPassword })),
      isDone: async () => await scene.app.users.authenticate(email, newPassword) !== null && (await scene.app.inject({ ...credential, url: '/me' })).statusCode === 401
    }
  },

  'to be mailed a link to verify': async (scene) => {
    const { id, email } = await person(scene)
    return {
      good: 202,
      run: async () => byHttp(await send(scene.app, stranger, 'POST', '/request-verify-token', { email })),
      isDone: async () => (await stored(scene, id))?.pendingTokens.verify !== undefined,
      behind: ['request-verify'],
      mail: ['verify-address', email]
    }
  },

  'to verify': async (scene) => {
    const { id, email } = await person(scene)
    const token = await mailed(scene, 'verify-address', email, () => scene.app.users.requestVerify(email))
    return { good: 200, run: async () => byHttp(await send(scene.app, stranger, 'POST', '/verify', { token })), isDone: async () => (await stored(scene, id))?.isVerified === true }
  },

  'a change of one\'s address': async (scene) => {
    const { id, credential } = await person(scene)
    const email = newAddress()
    return {
      good: 200,
      run: async () => byHttp(await send(scene.app, credential, 'PATCH', '/users/me', { email, currentPassword: password })),
      isDone: async () => (await stored(scene, id))?.email === email && (await scene.app.inject({ ...credential, url: '/me' })).statusCode === 401,
      behind: ['request-verify'],
      mend: async () => byHttp(await send(scene.app, stranger, 'POST', '/request-verify-token', { email })),
      mail: ['verify-address', email],
      spares: ['sessions.insert', 'sessions.remove']
    }
  },

  'a change of one\'s fields': async (scene) => {
    const { id, credential } = await person(scene)
    return { good: 200, run: async () => byHttp(await send(scene.app, credential, 'PATCH', '/users/me', { nickname: 'annie' })), isDone: async () => (await stored(scene, id))?.fields.nickname === 'annie' }
  },

  'a list of users': async (scene) => ({
    good: 200,
    run: async () => byHttp(await send(scene.app, scene.root, 'GET', '/users?limit=2')),
    isDone: async ({ body }) => JSON.stringify((body as { items: User[] }).items.map(({ id }) => id)) === JSON.stringify((await scene.users.list({ after: null, limit: 2, emailPart: null })).map(({ id }) => id))
  }),

  'a user': async (scene) => {
    const { id } = await person(scene)
    return { good: 200, run: async () => byHttp(await send(scene.app, scene.root, 'GET', `/users/${id}`)), isDone: async (reply) => idOf(reply) === id }
  },

  'a user that is added': async (scene) => {
    const email = newAddress()
    return {
      good: 201,
      run: async () => byHttp(await send(scene.app, scene.root, 'POST', '/users', { email })),
      isDone: async (reply) => (await scene.users.findByEmail(email))?.id === idOf(reply),
      behind: ['forgot-password'],
      mend: async () => byHttp(await send(scene.app, scene.root, 'POST', `/users/${(await scene.users.findByEmail(email))?.id ?? ''}/forgot-password`)),
      mail: ['set-password', email]
    }
  },

  'a user that is deactivated': async (scene) => {
    const { id, credential } = await person(scene)
    return { good: 200, run: async () => byHttp(await send(scene.app, scene.root, 'PATCH', `/users/${id}`, { isActive: false })), isDone: async () => (await stored(scene, id))?.isActive === false && (await scene.app.inject({ ...credential, url: '/me' })).statusCode === 401 }
  },

  'a superuser that is one no more': async (scene) => {
    const { id } = await person(scene, { isSuperuser: true })
    return { good: 200, run: async () => byHttp(await send(scene.app, scene.root, 'PATCH', `/users/${id}`, { isSuperuser: false })), isDone: async () => (await stored(scene, id))?.isSuperuser === false }
  },

  'a user that is removed': async (scene) => {
    const { id } = await person(scene)
    return { good: 204, run: async () => byHttp(await send(scene.app, scene.root, 'DELETE', `/users/${id}`)), isDone: async () => await stored(scene, id) === null, spares: ['sessions.removeAll'] }
  },

  'a superuser that is removed': async (scene) => {
    const { id } = await person(scene, { isSuperuser: true })
    return { good: 204, run: async () => byHttp(await send(scene.app, scene.root, 'DELETE', `/users/${id}`)), isDone: async () => await stored(scene, id) === null, spares: ['sessions.removeAll'] }
  },

  'a link that a superuser sends': async (scene) => {
    const { id, email } = await person(scene)
    return {
      good: 202,
      run: async () => byHttp(await send(scene.app, scene.root, 'POST', `/users/${id}/forgot-password`)),
      isDone: async () => (await stored(scene, id))?.pendingTokens.reset !== undefined,
      behind: ['forgot-password'],
      mail: ['reset-password', email]
    }
  },

  'users.create': async (scene) => {
    const email = newAddress()
    return { good: 200, run: async () => await byCall(() => scene.app.users.create({ email, password })), isDone: async (reply) => (await scene.users.findByEmail(email))?.id === idOf(reply) }
  },

  'users.get': async (scene) => {
    const { id } = await person(scene)
    return { good: 200, run: async () => await byCall(() => scene.app.users.get(id)), isDone: async (reply) => reply.body === null || idOf(reply) === id }
  },

  'users.getByEmail': async (scene) => {
    const { id, email } = await person(scene)
    return { good: 200, run: async () => await byCall(() => scene.app.users.getByEmail(email)), isDone: async (reply) => reply.body === null || idOf(reply) === id }
  },

  'users.list': async (scene) => ({
    good: 200,
    run: async () => await byCall(() => scene.app.users.list({ limit: 2 })),
    isDone: async ({ body }) => (body as { items: User[] }).items.length === 2
  }),

  'users.update': async (scene) => {
    const { id } = await person(scene)
    return { good: 200, run: async () => await byCall(() => scene.app.users.update(id, { password: newPassword })), isDone: async () => await scene.app.users.authenticate((await stored(scene, id))?.email ?? '', newPassword) !== null }
  },

  'users.remove': async (scene) => {
    const { id } = await person(scene)
    return { good: 200, run: async () => await byCall(() => scene.app.users.remove(id)), isDone: async ({ body }) => body === false || await stored(scene, id) === null, spares: ['sessions.removeAll'] }
  },

  'users.authenticate': async (scene) => {
    const { id, email } = await person(scene)
    return { good: 200, run: async () => await byCall(() => scene.app.users.authenticate(email, password)), isDone: async (reply) => reply.body === null || idOf(reply) === id }
  },

  'users.forgotPassword': async (scene) => {
    const { id, email } = await person(scene)
    return { good: 200, run: async () => await byCall(() => scene.app.users.forgotPassword(email)), isDone: async () => (await stored(scene, id))?.pendingTokens.reset !== undefined, behind: ['forgot-password'], mail: ['reset-password', email] }
  },

  'users.requestVerify': async (scene) => {
    const { id, email } = await person(scene)
    return { good: 200, run: async () => await byCall(() => scene.app.users.requestVerify(email)), isDone: async () => (await stored(scene, id))?.pendingTokens.verify !== undefined, behind: ['request-verify'], mail: ['verify-address', email] }
  },

  'users.verify': async (scene) => {
    const { id, email } = await person(scene)
    const token = await mailed(scene, 'verify-address', email, () => scene.app.users.requestVerify(email))
    return { good: 200, run: async () => await byCall(() => scene.app.users.verify(token)), isDone: async () => (await stored(scene, id))?.isVerified === true }
  },

  'users.resetPassword': async (scene) => {
    const { email } = await person(scene)
    const token = await mailed(scene, 'reset-password', email, () => scene.app.users.forgotPassword(email))
    return { good: 200, run: async () => await byCall(() => scene.app.users.resetPassword(token, newPassword)), isDone: async () => await scene.app.users.authenticate(email, newPassword) !== null }
  },

  'users.revokeSessions': async (scene) => {
    const { id, credential } = await person(scene)
    return { good: 200, run: async () => await byCall(() => scene.app.users.revokeSessions(id)), isDone: async ({ body }) => body === false || (await scene.app.inject({ ...credential, url: '/me' })).statusCode === 401 }
  }
}

/** Where addresses are confirmed first, and accounts concealed. */
const perPolicy: Readonly<Record<string, Flow>> = {
  'to register where that is concealed': async (scene) => {
    const email = newAddress()
    return {
      good: 202,
      run: async () => byHttp(await send(scene.app, stranger, 'POST', '/register', { email, password })),
      isDone: async () => await scene.users.findByEmail(email) !== null,
      behind: ['register', 'request-verify'],
      mend: async () => byHttp(await (await scene.users.findByEmail(email) === null
        ? send(scene.app, stranger, 'POST', '/register', { email, password })
        : send(scene.app, stranger, 'POST', '/request-verify-token', { email })))
    }
  },

  'to register an address that is taken': async (scene) => {
    const { email } = await person(scene)
    return { good: 202, run: async () => byHttp(await send(scene.app, stranger, 'POST', '/register', { email, password })), isDone: async () => true, behind: ['register'], spares: ['users.findByEmail'] }
  },

  'to ask for another address, with a field beside it': async (scene) => {
    const { id, credential } = await person(scene)
    const email = newAddress()
    return {
      good: 200,
      run: async () => byHttp(await send(scene.app, credential, 'PATCH', '/users/me', { email, nickname: 'annie', currentPassword: password })),
      isDone: async () => (await stored(scene, id))?.pendingTokens['email-change']?.email === email && (await stored(scene, id))?.fields.nickname === 'annie',
      mail: ['confirm-email-change', email]
    }
  },

  'to confirm it': async (scene) => {
    const { id, credential } = await person(scene)
    const email = newAddress()
    const token = await mailed(scene, 'confirm-email-change', email, () => send(scene.app, credential, 'PATCH', '/users/me', { email, currentPassword: password }))
    return { good: 200, run: async () => byHttp(await send(scene.app, stranger, 'POST', '/change-email', { token })), isDone: async () => (await stored(scene, id))?.email === email }
  },

  'users.confirmEmailChange': async (scene) => {
    const { id, credential } = await person(scene)
    const email = newAddress()
    const token = await mailed(scene, 'confirm-email-change', email, () => send(scene.app, credential, 'PATCH', '/users/me', { email, currentPassword: password }))
    return { good: 200, run: async () => await byCall(() => scene.app.users.confirmEmailChange(token)), isDone: async () => (await stored(scene, id))?.email === email }
  }
}

/** What came of a run, and of the work behind its answer. */
interface Ended {
  readonly plan: Plan
  readonly reply: Reply
  /** Whether the work behind the answer has failed. */
  readonly hasFailedBehind: boolean
}

async function runOnce (scene: Scene, act: Act, at: number, fault: Fault, run: () => Promise<Reply> = act.run): Promise<Ended> {
  const { behind = [], mail, good } = act
  const { plan, result: reply } = await withFault(at, fault, run)
  if (reply.status !== good && run === act.run) return { plan, reply, hasFailedBehind: false }
  const hasFailedBehind = behind.length > 0 && isFailure(await plan.events.take((event) => event.type === behind.at(-1) || (behind.includes(event.type) && isFailure(event)), behind.join()))
  // It is tried again where the mailer fails.
  if (!hasFailedBehind && mail !== undefined && !isNobodys(reply)) await scene.post.mails.take(({ to }) => to === mail[1], mail.join())
  // Work that goes on, and that nobody is told of.
  if (behind.length === 1 && mail === undefined) await new Promise((resolve) => { setImmediate(resolve) })
  return { plan, reply, hasFailedBehind }
}

/** Where it is concealed, the owner of an account is told by mail. */
function isFailure ({ outcome, reason }: AuditEvent): boolean {
  return outcome === 'failure' && reason !== 'REGISTER_USER_ALREADY_EXISTS'
}

/** `null` of `app.users`: there is no such user. */
function isNobodys ({ http, body }: Reply): boolean {
  return http === null && body === null
}

/** What is wrong with how it went, in words. `null` if nothing went wrong, because there is no such call. */
async function judge (scene: Scene, flow: Flow, at: number, fault: Fault): Promise<string[] | null> {
  const act = await flow(scene)
  const first = await runOnce(scene, act, at, fault)
  const { plan: { struck }, reply, hasFailedBehind } = first
  if (struck === null) return null
  injected++

  const problems: string[] = []
  const expect = (holds: boolean, complaint: string): void => { if (!holds) problems.push(`call ${at}, ${struck} ${fault.name}: ${complaint} (${reply.status} ${String(reply.code)})`) }
  const isGood = reply.status === act.good
  const isBelieved = act.believes?.includes(struck) === true && /undefined|null/.test(fault.name)
  const isSpared = act.spares?.includes(struck) === true || struck === 'mailer.send' || hasFailedBehind

  if (isGood) {
    expect(!fault.fails || isSpared, 'a failure is not told')
    if (!hasFailedBehind && !isBelieved) expect(await act.isDone(reply), 'what is told is not so')
  } else {
    expect(!('set-cookie' in reply.headers), 'a cookie is set or cleared')
    expect(!secrets.test(JSON.stringify(reply.body)), 'the reply tells something')
    if (fault.fails) expect(reply.status === 503 && reply.code === 'FST_USERS_UNAVAILABLE' && reply.headers['retry-after'] === '5', 'it is not told as it is')
    else expect([400, 401, 403, 404, 409, 503].includes(reply.status), 'it is not told as it is')
  }

  if ((isGood && !hasFailedBehind) || isBelieved) return problems
  const again = await runOnce(scene, act, Infinity, fault, hasFailedBehind ? act.mend : undefined)
  if (fault.isDone === true && again.reply.status >= 300) expect([400, 401, 404].includes(again.reply.status), `what was done once is told with ${again.reply.status} then`)
  else expect(again.reply.status < 300 && !again.hasFailedBehind && (hasFailedBehind || await act.isDone(again.reply)), `it does not recover: ${again.reply.status} ${String(again.reply.code)}`)
  return problems
}

/** Lets each call of each flow go wrong in each way. */
async function breakAll (t: Test, scene: Scene, flows: Readonly<Record<string, Flow>>, lying: 'all' | 'none'): Promise<void> {
  const [hangs] = failures.filter(({ name }) => name === 'hangs') as [Fault]
  const waiting: Array<{ name: string, flow: Flow, at: number }> = []
  const problems: string[] = []

  for (const [name, flow] of Object.entries(flows)) {
    let calls = 0
    for (let at = 1; at <= mostCalls; at++) {
      const some = gaps.filter((_, index) => thorough || index % 6 === (at + name.length) % 6)
      const faults = [...failures.filter((fault) => fault !== hangs), ...lying === 'all' ? [...scene.lies, ...some] : []]
      const found = await judge(scene, flow, at, faults[0] as Fault)
      if (found === null) break
      problems.push(...found.map((problem) => `${name}: ${problem}`))
      for (const fault of faults.slice(1)) problems.push(...(await judge(scene, flow, at, fault) ?? []).map((problem) => `${name}: ${problem}`))
      waiting.push({ name, flow, at })
      calls = at
    }
    t.ok(calls > 0 && calls < mostCalls, `${name}: ${calls} calls`)
  }
  for (let from = 0; from < waiting.length; from += width) {
    const found = await Promise.all(waiting.slice(from, from + width).map(async ({ name, flow, at }) => (await judge(scene, flow, at, hangs) ?? []).map((problem) => `${name}: ${problem}`)))
    problems.push(...found.flat())
  }
  t.strictSame(problems, [])
  await scene.app.close()
  const leaks = scene.log.lines.map((line) => JSON.stringify(line)).filter((line) => secrets.test(line))
  t.ok(scene.log.lines.length > 100)
  t.strictSame(leaks.slice(0, 3), [], `${leaks.length} lines of the log hold a secret`)
}

for (const [name, strategy] of Object.entries(strategies)) {
  for (const way of ways) {
    t.test(`${name}, by ${way.name}`, async (t) => {
      const hasSessions = name !== 'jwt'
      // Half of them lie, in turn.
      const lying = thorough || (name === 'opaque') === (way === byCookie) ? 'all' : 'none'
      await breakAll(t, await setScene(t, strategy(), way, hasSessions), hasSessions ? { ...perBackend, ...perSession } : perBackend, lying)
    })
  }
}

for (const [name, strategy] of Object.entries(strategies)) {
  t.test(`${name}, in one database`, async (t) => {
    const hasSessions = name !== 'jwt'
    const scene = await setScene(t, strategy(), name === 'opaque' ? byBearer : byCookie, hasSessions, {}, await sqlite(':memory:'))
    const flows = { ...perBackend, ...hasSessions ? perSession : {} }
    await breakAll(t, scene, thorough ? flows : Object.fromEntries(Object.entries(flows).filter(([flow]) => atOnce.has(flow))), 'all')
  })
}

t.test('accounts', async (t) => {
  await breakAll(t, await setScene(t, opaque(), byCookie, true), perAccount, 'all')
})

t.test('accounts, where addresses are confirmed and accounts concealed', async (t) => {
  await breakAll(t, await setScene(t, opaque(), byBearer, true, { confirmEmailChange: true, concealAccounts: true }), perPolicy, 'all')
})

t.test('nothing was left uncaught', async (t) => {
  t.strictSame(uncaught, [])
  t.comment(`faults injected: ${injected}`)
})
