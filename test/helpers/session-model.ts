import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { aPassword, briefly, send, stranger, type PostOffice } from './accounts.js'
import { byBearer, byCookie, type Clock, type Place, type Way } from './sessions.js'

/**
 * What a token is good for, told once more and as simply as it can be: accounts, sessions and tokens as plain objects, and what each command
 * does to them. No digests, no epochs, no rows.
 */

export const lifetimeMs = 900_000
export const idleMs = 1_800_000
export const absoluteMs = 5_400_000
const resetMs = 3_600_000
const seenEveryMs = 60_000

export interface Account {
  readonly id: string
  email: string
  password: string
  isActive: boolean
  isVerified: boolean
  isSuperuser: boolean
  isGone: boolean
  /** The one token to reset the password that is good. */
  reset: { readonly token: string, readonly expiresAt: number } | null
}

export interface Session {
  readonly account: Account
  readonly way: Way
  readonly id: string | null
  readonly endsAt: number
  lastSeenAt: number
  expiresAt: number
  isAlive: boolean
  readonly accesses: Access[]
  /** The newest last. */
  readonly refreshes: string[]
}

export interface Access {
  readonly session: Session
  readonly token: string
  readonly expiresAt: number
}

export interface Model {
  readonly addresses: readonly string[]
  readonly accounts: Account[]
  readonly sessions: Session[]
  readonly accesses: Access[]
  readonly resets: Array<{ readonly account: Account, readonly token: string }>
}

export interface Real {
  readonly app: FastifyInstance
  readonly place: Place
  readonly clock: Clock
  readonly post: PostOffice
  /** Whether sessions are in a store, and have refresh tokens. */
  readonly hasSessions: boolean
  /** Whether the newest access token of a session is the only good one. */
  readonly newestOnly: boolean
  /** The backends that let only verified users in. */
  readonly verifiedOnly: ReadonlySet<Way>
  readonly root: { readonly email: string, readonly password: string }
}

/** Nobody is where everything begins. */
export function emptyModel (addresses: readonly string[]): Model {
  return { addresses, accounts: [], sessions: [], accesses: [], resets: [] }
}

export const holder = ({ accounts }: Model, address: string): Account | undefined => accounts.find(({ email, isGone }) => !isGone && email === address)

/** Whether a store must have a session: it was neither ended, nor has its time passed. */
function isThere ({ isAlive, expiresAt, endsAt }: Session, now: number): boolean {
  return isAlive && now < Math.min(expiresAt, endsAt)
}

/** Whether the session is there and the token its own, whoever its user may be by now. */
function isKnown ({ session, token, expiresAt }: Access, { clock, hasSessions, newestOnly }: Real): boolean {
  const now = clock.now()
  return session.isAlive && now < expiresAt && (!hasSessions || isThere(session, now)) && (!newestOnly || session.accesses.at(-1)?.token === token)
}

export function isGood (access: Access, real: Real): boolean {
  const { account, way } = access.session
  return isKnown(access, real) && isAdmitted(account, way, real)
}

function isAdmitted ({ isGone, isActive, isVerified }: Account, way: Way, { verifiedOnly }: Real): boolean {
  return !isGone && isActive && (isVerified || !verifiedOnly.has(way))
}

/** A session that is used goes on, which is noted once a minute. */
function see (access: Access, real: Real): void {
  const { session } = access
  const now = real.clock.now()
  if (real.hasSessions && isKnown(access, real) && now - session.lastSeenAt >= seenEveryMs) {
    session.lastSeenAt = now
    session.expiresAt = Math.min(session.endsAt, now + idleMs)
  }
}

function endAll ({ sessions }: Model, account: Account, except?: Session): void {
  for (const session of sessions) {
    if (session.account === account && session !== except) session.isAlive = false
  }
}

function expect (what: string, seen: unknown, wanted: unknown): void {
  if (seen !== wanted) throw new Error(`${what}: ${String(seen)} instead of ${String(wanted)}`)
}

/** Whether the app agrees on a token. */
export async function check (access: Access, real: Real): Promise<void> {
  const { session: { way, account }, token } = access
  const wanted = isGood(access, real) ? 200 : 401
  see(access, real)
  expect(`a token of ${account.email} by ${way.name}`, (await real.app.inject({ ...way.withAccess(token), url: '/me' })).statusCode, wanted)
}

/** Whether the app lists the sessions that there are. */
export async function checkLists (model: Model, { app, clock, hasSessions, root }: Real): Promise<void> {
  if (!hasSessions) return
  const admin = byBearer.withAccess((await enter(app, byBearer, root)).access)
  for (const account of model.accounts) {
    if (account.isGone) continue
    const { items } = (await send(app, admin, 'GET', `/users/${account.id}/sessions?limit=100`)).json<{ items: Array<{ id: string }> }>()
    const wanted = model.sessions.filter((session) => session.account === account && isThere(session, clock.now()))
    expect(`the sessions of ${account.email}`, items.map(({ id }) => id).sort().join(), wanted.map(({ id }) => id).sort().join())
  }
}

async function enter (app: FastifyInstance, way: Way, who: { readonly email: string, readonly password: string }) {
  const reply = await send(app, stranger, 'POST', `/login/${way.name}`, who)
  if (reply.statusCode !== 200) throw new Error(`${reply.statusCode} ${reply.body}`)
  return way.tokensOf(reply)
}

/** Notes the session that a reply has begun. */
async function begin (model: Model, real: Real, account: Account, way: Way, reply: LightMyRequestResponse): Promise<void> {
  const now = real.clock.now()
  const known = new Set(model.sessions.map(({ id }) => id))
  const rows = real.hasSessions ? await real.place.sessions.list({ userId: account.id, after: null, limit: 1000 }) : []
  const fresh = rows.filter(({ id }) => !known.has(id))
  expect('new sessions', fresh.length, real.hasSessions ? 1 : 0)
  const endsAt = now + (real.hasSessions ? absoluteMs : lifetimeMs)
  const session: Session = { account, way, id: fresh[0]?.id ?? null, endsAt, lastSeenAt: now, expiresAt: Math.min(endsAt, now + idleMs), isAlive: true, accesses: [], refreshes: [] }
  model.sessions.push(session)
  give(model, session, reply, now)
}

function give (model: Model, session: Session, reply: LightMyRequestResponse, now: number): void {
  const { access: token, refresh } = session.way.tokensOf(reply)
  const access: Access = { session, token, expiresAt: Math.min(now + lifetimeMs, session.endsAt) }
  session.accesses.push(access)
  model.accesses.push(access)
  if (refresh !== undefined) session.refreshes.push(refresh)
}

const wrong = aPassword('wrong')
let count = 0
const nextPassword = (): string => aPassword(`number ${count++}`)

/** The commands. Each sends one request or few, compares the answer with what it must be, and changes the model. */
export const commands = {
  async register (model: Model, { app }: Real, address: string): Promise<void> {
    const password = nextPassword()
    const reply = await send(app, stranger, 'POST', '/register', { email: address, password })
    expect('register', briefly(reply), holder(model, address) === undefined ? '201' : '400 REGISTER_USER_ALREADY_EXISTS')
    if (reply.statusCode === 201) model.accounts.push({ id: reply.json<{ id: string }>().id, email: address, password, isActive: true, isVerified: false, isSuperuser: false, isGone: false, reset: null })
  },

  async login (model: Model, real: Real, address: string, way: Way, isRight: boolean, planted: Access | undefined): Promise<void> {
    const account = holder(model, address)
    const isKnownUser = account?.isActive === true && isRight
    const carried = planted?.session.way === byCookie && way === byCookie ? planted : undefined
    const reply = await send(real.app, carried === undefined ? stranger : byCookie.withAccess(carried.token), 'POST', `/login/${way.name}`, { email: address, password: isRight ? account?.password ?? wrong : wrong })
    expect('login', briefly(reply), !isKnownUser ? '400 LOGIN_BAD_CREDENTIALS' : isAdmitted(account, way, real) ? '200' : '400 LOGIN_USER_NOT_VERIFIED')
    if (account === undefined || reply.statusCode !== 200) return
    // The browser had a session, whoever's it was: that one ends.
    if (carried !== undefined && isKnown(carried, real)) carried.session.isAlive = false
    await begin(model, real, account, way, reply)
  },

  async refresh (model: Model, real: Real, session: Session, pick: number): Promise<void> {
    const { app, clock } = real
    const { account, way, refreshes } = session
    const now = clock.now()
    const token = refreshes[Math.max(0, refreshes.length - 1 - pick)] as string
    const wasThere = isThere(session, now)
    const isGood = wasThere && token === refreshes.at(-1) && isAdmitted(account, way, real)
    const reply = await app.inject({ ...way.withRefresh(token), method: 'POST', url: `/refresh/${way.name}` })
    expect('refresh', briefly(reply), isGood ? '200' : '401 UNAUTHORIZED')
    // Reused, or the user is not let in any more.
    if (!isGood) session.isAlive &&= !wasThere
    if (!isGood) return
    session.lastSeenAt = now
    session.expiresAt = Math.min(session.endsAt, now + idleMs)
    give(model, session, reply, now)
  },

  async logout (_model: Model, real: Real, access: Access): Promise<void> {
    const { session } = access
    const wanted = isGood(access, real) ? '200' : '401 UNAUTHORIZED'
    see(access, real)
    expect('logout', briefly(await send(real.app, session.way.withAccess(access.token), 'POST', `/logout/${session.way.name}`)), wanted)
    if (wanted === '200') session.isAlive = false
  },

  async revokeOne (_model: Model, real: Real, by: Access, target: Session): Promise<void> {
    const isAllowed = isGood(by, real)
    see(by, real)
    const told = briefly(await send(real.app, by.session.way.withAccess(by.token), 'DELETE', `/sessions/${target.id}`))
    if (!isAllowed) return expect('revoke one', told, '401 UNAUTHORIZED')
    if (target.account !== by.session.account) return expect('revoke one', told, '404 SESSION_NOT_FOUND')
    // One that is over may or may not have been cleared away.
    if (isThere(target, real.clock.now()) || told !== '404 SESSION_NOT_FOUND') expect('revoke one', told, '204')
    target.isAlive = false
  },

  async revokeOthers (model: Model, real: Real, by: Access): Promise<void> {
    const isAllowed = isGood(by, real)
    see(by, real)
    expect('revoke others', briefly(await send(real.app, by.session.way.withAccess(by.token), 'DELETE', '/sessions')), isAllowed ? '204' : '401 UNAUTHORIZED')
    if (isAllowed) endAll(model, by.session.account, by.session)
  },

  async confirm (model: Model, real: Real, by: Access, isRight: boolean): Promise<void> {
    const { session: { account, way } } = by
    const reply = await asOwner(real, by, isRight, 'POST', '/confirm', { password: isRight ? account.password : wrong }, '200')
    if (reply === null) return
    by.session.isAlive = false
    await begin(model, real, account, way, reply)
  },

  async changePassword (model: Model, real: Real, by: Access, isRight: boolean): Promise<void> {
    const { session: { account, way } } = by
    const password = nextPassword()
    const reply = await asOwner(real, by, isRight, 'PATCH', '/users/me', { password, currentPassword: isRight ? account.password : wrong }, '200')
    if (reply === null) return
    account.password = password
    account.reset = null
    endAll(model, account)
    await begin(model, real, account, way, reply)
  },

  async changeEmail (model: Model, real: Real, by: Access, isRight: boolean, address: string): Promise<void> {
    const { session: { account, way } } = by
    const isSame = address === account.email
    const isTaken = !isSame && holder(model, address) !== undefined
    const reply = await asOwner(real, by, isRight || isSame, 'PATCH', '/users/me', { email: address, currentPassword: isRight ? account.password : wrong }, isTaken ? '400 UPDATE_USER_EMAIL_ALREADY_EXISTS' : '200')
    if (reply === null || isSame || isTaken) return
    account.email = address
    account.isVerified = false
    account.reset = null
    endAll(model, account)
    await begin(model, real, account, way, reply)
  },

  async deleteOwn (model: Model, real: Real, by: Access, isRight: boolean): Promise<void> {
    const { session: { account } } = by
    if (await asOwner(real, by, isRight, 'DELETE', '/users/me', { currentPassword: isRight ? account.password : wrong }, '204') === null) return
    account.isGone = true
    endAll(model, account)
  },

  async set (model: Model, real: Real, account: Account, flag: 'isActive' | 'isVerified' | 'isSuperuser', value: boolean): Promise<void> {
    await asRoot(real, account, 'PATCH', '', { [flag]: value }, '200')
    if (account.isGone) return
    const isLost = account[flag] && !value
    account[flag] = value
    if (isLost && flag !== 'isVerified') endAll(model, account)
    if (isLost && flag !== 'isSuperuser') account.reset = null
  },

  async remove (model: Model, real: Real, account: Account): Promise<void> {
    await asRoot(real, account, 'DELETE', '', undefined, '204')
    account.isGone = true
    endAll(model, account)
  },

  async revokeAll (model: Model, real: Real, account: Account): Promise<void> {
    if (real.hasSessions) await asRoot(real, account, 'DELETE', '/sessions', undefined, '204')
    else expect('revoke all', await real.app.users.revokeSessions(account.id), !account.isGone)
    endAll(model, account)
  },

  async forgot (model: Model, { app, post, clock }: Real, address: string): Promise<void> {
    const account = holder(model, address)
    expect('forgot', briefly(await send(app, stranger, 'POST', '/forgot-password', { email: address })), '202')
    if (account?.isActive !== true) return
    const token = await post.token('reset-password', address)
    account.reset = { token, expiresAt: clock.now() + resetMs }
    model.resets.push({ account, token })
  },

  async reset (model: Model, { app, clock }: Real, { account, token }: Model['resets'][number]): Promise<void> {
    const password = nextPassword()
    const isGood = !account.isGone && account.isActive && account.reset?.token === token && clock.now() < account.reset.expiresAt
    expect('reset', briefly(await send(app, stranger, 'POST', '/reset-password', { token, password })), isGood ? '200' : '400 RESET_PASSWORD_BAD_TOKEN')
    if (!isGood) return
    account.password = password
    account.reset = null
    endAll(model, account)
  }
}

/** What only the owner may, with their password. `null` where it was refused. */
async function asOwner (real: Real, by: Access, isRight: boolean, method: 'POST' | 'PATCH' | 'DELETE', url: string, body: object, answer: string): Promise<LightMyRequestResponse | null> {
  const isAllowed = isGood(by, real)
  see(by, real)
  const reply = await send(real.app, by.session.way.withAccess(by.token), method, url, body)
  expect(`${method} ${url}`, briefly(reply), !isAllowed ? '401 UNAUTHORIZED' : isRight ? answer : '400 USER_BAD_CURRENT_PASSWORD')
  return isAllowed && isRight ? reply : null
}

/** What a superuser does, who has just logged in. */
async function asRoot ({ app, root }: Real, account: Account, method: 'PATCH' | 'DELETE', path: string, body: object | undefined, answer: string): Promise<void> {
  const { access } = await enter(app, byBearer, root)
  expect(`${method} /users/:id${path}`, briefly(await send(app, byBearer.withAccess(access), method, `/users/${account.id}${path}`, body)), account.isGone ? '404 USER_NOT_FOUND' : answer)
}
