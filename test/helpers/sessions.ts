import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import { jwt, memory, opaque, type RateLimitStore, type SessionStore, type StoredSession, type Strategy, type UserStore } from '../../lib/index.js'
import { redisRateLimits, redisSessions, type RedisClient } from '../../lib/stores/redis/index.js'
import { sameOrigin, secret } from './app.js'
import { freshPrefix, keysOf, noRedis, sharedRedis, skipped } from './redis.js'
import { onEachStore } from './stores.js'

/** Where users and sessions live: new and empty. */
export interface Place {
  readonly users: UserStore
  readonly sessions: SessionStore
  readonly limits: RateLimitStore
  /** All that it holds, as text: what somebody who got at the database would read. */
  dump (): Promise<string>
  /** The same once more, over connections of its own, as another process has it. */
  again (): Promise<Pick<Place, 'users' | 'sessions' | 'limits'>>
}

/** Opens another place for a test; it goes when the test ends. */
export type OpenPlace = (t: Test) => Promise<Place>

/** Runs tests once for each kind of place, or for those that are named. One whose server is absent is skipped, and that is told. */
export function onEachPlace (t: Test, run: (t: Test, open: OpenPlace) => Promise<void>, names?: readonly string[]): void {
  onEachStore(t, async (t, open) => {
    await run(t, async (t) => {
      const { users, dump, again } = await open(t)
      const sessions = users.sessions as SessionStore
      const limits = users.limits as RateLimitStore
      const elsewhere = async (): Promise<Pick<Place, 'users' | 'sessions' | 'limits'>> => {
        const users = await again()
        return { users, sessions: users.sessions as SessionStore, limits: users.limits as RateLimitStore }
      }
      if (users.ephemeral !== true) return { users, sessions, limits, dump, again: elsewhere }
      return { users, sessions, limits, again: elsewhere, dump: async () => `${await dump()}${JSON.stringify(await sessionsOfAll(users, sessions))}` }
    })
  }, names)

  if (names?.includes('Redis') === false) return
  t.test('Redis', async (t) => {
    const client = await sharedRedis(t)
    if (client === null) return skipped(t, noRedis)
    await run(t, async (t) => {
      const prefix = freshPrefix(t, client)
      const users = memory()
      return {
        users,
        sessions: redisSessions(client, { prefix }),
        limits: redisRateLimits(client, { prefix }),
        async again () {
          const other = await sharedRedis(t) as RedisClient
          return { users, sessions: redisSessions(other, { prefix }), limits: redisRateLimits(other, { prefix }) }
        },
        async dump () {
          const keys = await keysOf(client, prefix)
          const values = await Promise.all(keys.map(async (key) => await client.type(key) === 'zset' ? (await client.zrange(key, 0, '-1')).join() : await client.get(key)))
          return JSON.stringify([await users.list({ after: null, limit: 1000, emailPart: null }), keys, values])
        }
      }
    })
  })
}

async function sessionsOfAll (users: UserStore, sessions: SessionStore): Promise<unknown[]> {
  const all = await users.list({ after: null, limit: 1000, emailPart: null })
  return await Promise.all(all.map(async ({ id }) => await sessions.list({ userId: id, after: null, limit: 1000 })))
}

/** The ways to be logged in. */
export const strategies: Readonly<Record<string, () => Strategy>> = {
  jwt: () => jwt({ secret, lifetimeSeconds: 3600 }),
  'jwt with sessions': () => jwt({ secret, lifetimeSeconds: 3600, sessions: true }),
  opaque: () => opaque({ lifetimeSeconds: 3600 })
}

/** The only session of a user. */
export async function onlySession ({ sessions }: Pick<Place, 'sessions'>, userId: string): Promise<StoredSession> {
  const found = await sessions.list({ userId, after: null, limit: 10 })
  if (found.length !== 1) throw new Error(`${found.length} sessions instead of one`)
  return found[0] as StoredSession
}

/** A clock that stands still until it is moved. */
export interface Clock {
  readonly now: () => number
  forward (seconds: number): void
}

export function stoppedClock (now: number = Date.now()): Clock {
  return { now: () => now, forward (seconds) { now += seconds * 1000 } }
}

/** What a client was given. */
export interface Tokens {
  readonly access: string
  readonly refresh: string | undefined
}

/** A way for tokens to travel, and how a client of it goes about them. */
export interface Way {
  readonly name: 'cookie' | 'bearer'
  tokensOf (reply: LightMyRequestResponse): Tokens
  /** What a request with this access token sends. */
  withAccess (token: string): InjectOptions
  /** What a request with this refresh token sends, to the one route that takes it. */
  withRefresh (token: string): InjectOptions
}

const cookieName = 'fastifyusersauth'

export const byCookie: Way = {
  name: 'cookie',
  tokensOf ({ cookies }) {
    const valueOf = (name: string): string | undefined => cookies.find((cookie) => cookie.name === name)?.value
    return { access: valueOf(cookieName) ?? '', refresh: valueOf(`${cookieName}_refresh`) }
  },
  withAccess: (token) => ({ cookies: { [cookieName]: token }, headers: sameOrigin }),
  withRefresh: (token) => ({ cookies: { [`${cookieName}_refresh`]: token }, headers: sameOrigin })
}

export const byBearer: Way = {
  name: 'bearer',
  tokensOf (reply) {
    const { access_token: access = '', refresh_token: refresh } = reply.json<{ access_token?: string, refresh_token?: string }>()
    return { access, refresh }
  },
  withAccess: (token) => ({ headers: { authorization: `Bearer ${token}` } }),
  withRefresh: (token) => ({ payload: { refresh_token: token } })
}

export const ways: readonly Way[] = [byCookie, byBearer]

/** Logs in, and gives both tokens. */
export async function logIn (app: FastifyInstance, { name, tokensOf }: Way, who: { email: string, password: string }, extra: object = {}): Promise<{ readonly access: string, readonly refresh: string }> {
  const reply = await app.inject({ method: 'POST', url: `/login/${name}`, payload: { email: who.email, password: who.password, ...extra }, headers: sameOrigin })
  if (reply.statusCode !== 200) throw new Error(`${reply.statusCode} ${reply.body}`)
  const { access, refresh = '' } = tokensOf(reply)
  return { access, refresh }
}

/** Sends a refresh token to the route that takes it. */
export async function refreshBy (app: FastifyInstance, way: Way, token: string): Promise<LightMyRequestResponse> {
  return await app.inject({ ...way.withRefresh(token), method: 'POST', url: `/refresh/${way.name}` })
}

/** How a guarded route answers to an access token. */
export async function statusOf (app: FastifyInstance, way: Way, token: string, url = '/me'): Promise<number> {
  return (await app.inject({ ...way.withAccess(token), url })).statusCode
}

/** A real session store, some of whose methods can be put out of order, and are counted. */
export interface Faulty {
  readonly store: SessionStore
  /** How often each method was called since the last look. */
  calls (): Readonly<Record<string, number>>
  /** What a method does from now on instead; without one, all work again. */
  fail (method?: keyof SessionStore, how?: Failure): void
}

/** It throws, rejects, or never answers. */
export type Failure = 'throws' | 'rejects' | 'hangs'

export const failures: readonly Failure[] = ['throws', 'rejects', 'hangs']

const methods = ['insert', 'find', 'replace', 'remove', 'list', 'removeAll', 'purge'] as const

/** What a driver's error may hold, and no client may see. */
export const driversError = Object.assign(new Error('select * from sessions: the secret of the driver'), { statusCode: 401 })

export function faulty (inner: SessionStore): Faulty {
  let counts: Record<string, number> = {}
  let broken: keyof SessionStore | undefined
  let failure: Failure = 'throws'

  const call = (method: typeof methods[number]) => (...values: unknown[]): unknown => {
    counts[method] = (counts[method] ?? 0) + 1
    if (broken !== method) return (inner[method] as (...values: unknown[]) => unknown).apply(inner, values)
    if (failure === 'throws') throw driversError
    return failure === 'rejects' ? Promise.reject(driversError) : new Promise(() => {})
  }

  return {
    store: Object.fromEntries(methods.map((method) => [method, call(method)])) as unknown as SessionStore,
    calls () {
      const last = counts
      counts = {}
      return last
    },
    fail (method, how = 'throws') {
      broken = method
      failure = how
    }
  }
}
