import { spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { aPassword } from '../helpers/accounts.js'
import { compile, plainEnv } from '../helpers/program.js'
import { noPostgres, postgresServer } from '../helpers/servers.js'
import type { ServerOptions } from './server.js'

const agent = new Agent({ keepAlive: true })

const kills = 5

/** How many log-ins there are before a server is killed, all stores taken together. */
const [fewest, most] = [150, 250]

/** Clients of each store that log in again and again, and such that exchange the newest token of one session. */
const [loginClients, refreshClients] = [3, 2]

const ann = { email: 'ann@example.com', password: aPassword('first') } as const

/** What a client was given. */
interface Tokens {
  readonly access: string
  readonly refresh: string
}

interface Reply {
  readonly status: number
  readonly tokens: Tokens
}

/** A session whose tokens are exchanged again and again. */
interface Chain {
  newest: Tokens
  /** The refresh token before the newest; `null` if there was none. */
  used: string | null
}

/** What the clients of a store know. */
interface Clients {
  readonly prefix: string
  /** Tokens of log-ins that were answered. */
  readonly noted: Tokens[]
  readonly chains: Chain[]
}

t.after(() => { agent.destroy() })

t.test('a server that is killed again and again forgets no log-in that it has answered', async (t) => {
  const folder = t.testdir()
  const program = compile(folder, 'test/faults/server.ts')
  const options: ServerOptions = { file: join(folder, 'users.db'), tables: await freshTables(t), now: Date.now() }
  if (options.tables === null) t.comment(`skipped: ${noPostgres}`)
  const stores: Clients[] = ['/sqlite', ...options.tables === null ? [] : ['/postgres']].map((prefix) => ({ prefix, noted: [], chains: [] }))

  let server = await start(t, program, options)
  let { url } = server
  for (const { prefix, chains } of stores) {
    t.equal((await post(`${url}${prefix}/register`, ann))?.status, 201)
    for (let count = 0; count < refreshClients; count++) chains.push({ newest: (await logIn(url + prefix))?.tokens as Tokens, used: null })
  }

  let unanswered = 0
  for (let round = 0; round < kills; round++) {
    const before = stores.map(({ noted }) => noted.length)
    t.strictSame(await runUntilKilled(server, stores), [], 'all that was answered was answered well')
    server = await start(t, program, options)
    url = server.url

    for (const [index, { prefix, noted, chains }] of stores.entries()) {
      const latest = noted.slice(before[index])
      t.ok(latest.length > 0, `${latest.length} log-ins at ${prefix}`)
      t.strictSame(await inBatches(latest, ({ access }) => statusOf(url + prefix, access)), latest.map(() => 200), 'each is still good')
      for (const chain of chains) {
        if (await statusOf(url + prefix, chain.newest.access) === 401) unanswered++
        await goOn(t, url + prefix, chain)
      }
    }
  }
  t.comment(`${unanswered} exchanges were done and not answered`)

  for (const { prefix, noted, chains } of stores) {
    t.strictSame(await inBatches(noted, ({ access }) => statusOf(url + prefix, access)), noted.map(() => 200), `all ${noted.length} log-ins at ${prefix} hold`)
    const some = noted.filter((_, index) => index % 5 === 0)
    t.strictSame(await inBatches(some, async ({ refresh }) => (await exchange(url + prefix, refresh))?.status), some.map(() => 200), 'and their refresh tokens')
    for (const chain of chains) await fork(t, url + prefix, chain)
  }
})

/** Of the newest tokens that a client has, or of those that it was not given any more: one is good, and leads to one next one. */
async function goOn (t: Test, url: string, chain: Chain): Promise<void> {
  const once = await exchange(url, chain.newest.refresh)
  const again = await exchange(url, chain.newest.refresh)
  t.strictSame([once?.status, again?.status], [200, 200], 'the newest refresh token that was answered is good')
  t.equal(again?.tokens.refresh, once?.tokens.refresh, 'and has one successor')
  chain.used = chain.newest.refresh
  chain.newest = again?.tokens as Tokens
  t.equal(await statusOf(url, chain.newest.access), 200)
}

/** Whoever comes with an old token ends the session: there are never two heirs. */
async function fork (t: Test, url: string, { newest, used }: Chain): Promise<void> {
  const heir = await exchange(url, newest.refresh)
  t.equal(await statusOf(url, heir?.tokens.access as string), 200)
  t.equal((await exchange(url, used as string))?.status, 401)
  t.equal(await statusOf(url, heir?.tokens.access as string), 401)
  t.equal((await exchange(url, heir?.tokens.refresh as string))?.status, 401)
}

/** Lets clients log in and exchange tokens, and kills the server meanwhile; gives each status that was not 200. */
async function runUntilKilled ({ url, kill }: Server, stores: readonly Clients[]): Promise<number[]> {
  const refused: number[] = []
  const killAt = randomInt(fewest, most)
  let logins = 0
  let dying: Promise<void> | null = null

  /** One client: until the server does not answer, which it may not do before it is killed. */
  async function run (ask: () => Promise<Reply | null>, note: (tokens: Tokens) => void): Promise<void> {
    for (let count = 0; count < 2 * most; count++) {
      const reply = await ask()
      if (reply === null) {
        if (dying === null) throw new Error('the server did not answer')
        return
      }
      if (reply.status === 200) note(reply.tokens)
      else refused.push(reply.status)
    }
  }

  const clients = stores.flatMap(({ prefix, noted, chains }) => [
    ...Array.from({ length: loginClients }, async () => {
      await run(() => logIn(url + prefix), (tokens) => {
        noted.push(tokens)
        if (++logins === killAt) dying = sleep(randomInt(5)).then(kill)
      })
    }),
    ...chains.map(async (chain) => {
      await run(() => exchange(url + prefix, chain.newest.refresh), (tokens) => {
        chain.used = chain.newest.refresh
        chain.newest = tokens
      })
    })
  ])
  await Promise.all(clients)
  await dying
  return refused
}

/** A server in a process of its own. */
interface Server {
  readonly url: string
  /** Ends it at once, as a power cut does. */
  kill (): Promise<void>
}

/** Starts a server; it ends with the test. */
async function start (t: Test, program: string, options: ServerOptions): Promise<Server> {
  const child = spawn(process.execPath, [program, JSON.stringify(options)], { env: plainEnv(), stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  t.after(kill)
  const port = await Promise.race([once(child.stdout, 'data'), ended.then(() => { throw new Error('the server has ended by itself') })])
  return { url: `http://127.0.0.1:${String(port).trim()}`, kill }
}

/** Tables of this test alone; `null` where there is no server. */
async function freshTables (t: Test): Promise<ServerOptions['tables']> {
  const pool = await postgresServer()
  if (pool === null) return null
  const tablePrefix = `test_${randomBytes(6).toString('hex')}`
  t.after(async () => {
    for (const table of ['', '_sessions', '_revocations', '_limits', '_migrations']) await pool.query(`drop table if exists ${tablePrefix}${table}`)
    await pool.end()
  })
  const { host, port, user, database } = pool.options
  return { tablePrefix, connection: { host, port, user, database } }
}

async function logIn (url: string): Promise<Reply | null> {
  return await post(`${url}/login/bearer`, ann)
}

async function exchange (url: string, token: string): Promise<Reply | null> {
  return await post(`${url}/refresh/bearer`, { refresh_token: token })
}

/** `null` if there was no answer, or not all of it. */
async function post (url: string, body: object): Promise<Reply | null> {
  try {
    const { status, text } = await send(url, 'POST', { 'content-type': 'application/json' }, JSON.stringify(body))
    const { access_token: access = '', refresh_token: refresh = '' } = JSON.parse(text) as { access_token?: string, refresh_token?: string }
    return { status, tokens: { access, refresh } }
  } catch {
    return null
  }
}

async function statusOf (url: string, token: string): Promise<number> {
  return (await send(`${url}/me`, 'GET', { authorization: `Bearer ${token}` })).status
}

/** Less work than `fetch`, which counts where there are thousands. */
async function send (url: string, method: string, headers: Readonly<Record<string, string>>, body = ''): Promise<{ status: number, text: string }> {
  const sent = request(url, { method, headers: { ...headers, 'content-length': Buffer.byteLength(body) }, agent })
  sent.end(body)
  const [reply] = await once(sent, 'response') as [IncomingMessage]
  return { status: reply.statusCode as number, text: await text(reply) }
}

/** A few at a time, in order. */
async function inBatches<T, R> (items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let from = 0; from < items.length; from += 10) results.push(...await Promise.all(items.slice(from, from + 10).map(run)))
  return results
}
