/**
 * Whether the time of a reply tells who has an account: medians of interleaved samples over real connections, for every route
 * whose replies must be alike. Run by `npm run test:timing`, in a job of its own: a busy machine is no reason for a test to fail,
 * so a difference counts only if it is there in each of three rounds.
 *
 * `SAMPLES` is how many samples of each case a round takes (200).
 */
import { fork } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import Fastify from 'fastify'
import fastifyUsers, { bearer, jwt } from '../dist/index.js'
import { postgres, sqlite } from '../dist/stores/sql/index.js'

const samples = Number(process.env.SAMPLES ?? 200)
const rounds = 3
const password = 'correct horse battery staple'

/** How far two medians may be apart: what a network hides in any case. */
const tolerance = (median) => Math.max(3, median * 0.05)

if (process.argv[2] === 'serve') await serve(process.argv[3])
else {
  for (const database of ['SQLite', 'PostgreSQL']) await measure(database)
}

/** In a process of its own: what the app does behind a reply must not delay the clock that measures it. */
async function serve (database) {
  const folder = await mkdtemp(path.join(tmpdir(), 'fastify-users-timing-'))
  const pool = database === 'PostgreSQL' ? await postgresPool() : null
  if (database === 'PostgreSQL' && pool === null) return process.send({ skipped: 'no PostgreSQL' }, () => process.disconnect())

  const tablePrefix = `timing_${randomBytes(4).toString('hex')}`
  const users = await (pool === null ? sqlite(path.join(folder, 'users.db')) : postgres(pool, { tablePrefix }))
  const start = async (throttle) => {
    const app = Fastify()
    await app.register(fastifyUsers, {
      users,
      strategy: jwt({ secret: randomBytes(32).toString('base64url') }),
      backends: [bearer({ requireVerified: true })],
      routes: { register: true, verify: true, reset: true },
      concealAccounts: true,
      throttle,
      // A mail server that takes its time.
      mails: { mailer: { send: async () => { await setTimeout(1000) } }, concurrency: 64, queueLimit: 100_000 }
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    return app
  }
  // Each request does all that it can do; and one where guesses lock an account for the day, and nothing else is limited.
  const app = await start(false)
  const locking = await start({ login: { perClient: false, perAccount: { attempts: 10, seconds: 86_400 } }, forgotPassword: false, requestVerify: false, register: false })
  await app.users.create({ email: 'unverified@example.com', password })
  await app.users.create({ email: 'verified@example.com', password, isVerified: true })
  await app.users.create({ email: 'inactive@example.com', password, isActive: false })
  await app.users.create({ email: 'no-password@example.com' })
  await app.users.create({ email: 'locked@example.com', password, isVerified: true })
  process.send({ origin: app.listeningOrigin, lockingOrigin: locking.listeningOrigin })

  process.once('disconnect', async () => {
    for (const table of ['', '_sessions', '_revocations', '_limits', '_migrations']) await pool?.query(`drop table "${tablePrefix}${table}"`)
    await rm(folder, { recursive: true, force: true })
    process.exit()
  })
}

async function measure (database) {
  const server = fork(import.meta.filename, ['serve', database])
  const [{ origin, lockingOrigin, skipped }] = await once(server, 'message', { signal: AbortSignal.timeout(60_000) })
  if (skipped !== undefined) return console.log(`\nskipped: ${skipped}`)

  const open = ['verified', 'unverified', 'inactive', 'no-password', 'unknown']
  const states = [...open, 'locked']
  const post = (url, body, at = origin) => fetch(at + url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const byState = (send, of = states) => Object.fromEntries(of.map((state) => [state, () => send(`${state}@example.com`)]))
  const login = (password, at) => (email) => post('/login/bearer', { email, password }, at)

  console.log(`\n== ${database}: medians in ms of ${samples} samples each`)
  row('', ...states, 'apart', 'allowed')
  row(...Array(states.length + 3).fill('---'))
  const guess = login('staple battery horse', lockingOrigin)
  await lock(byState(guess, ['locked']))
  await compare('login, wrong password', byState(login('staple battery horse'), open))
  await compare('login, right password, if there is one', byState(login(password), open.slice(1)))
  await compare('forgot password', byState((email) => post('/forgot-password', { email }, lockingOrigin)))
  await compare('request to verify', byState((email) => post('/request-verify-token', { email }, lockingOrigin)))
  await compare('register, concealed', { ...byState((email) => post('/register', { email, password }, lockingOrigin)), unknown: () => post('/register', { email: `${randomUUID()}@example.com`, password }, lockingOrigin) })
  await lock(byState(guess, open))
  await compare('login, all of them locked', byState(login(password, lockingOrigin)))
  server.disconnect()
  await once(server, 'exit')

  async function compare (title, cases) {
    for (let round = 1; round <= rounds; round++) {
      const medians = await mediansOf(cases)
      const values = Object.values(medians)
      const spread = Math.max(...values) - Math.min(...values)
      const allowed = tolerance(Math.min(...values))
      row(title, ...states.map((state) => medians[state]?.toFixed(2) ?? ''), `${spread.toFixed(2)}${spread > allowed ? ', TOO MUCH' : ''}`, allowed.toFixed(2))
      if (spread <= allowed) return
    }
    console.error(`FAILED ${title}: the time of the reply tells who has an account`)
    process.exitCode = 1
  }
}

/** As many wrong passwords as lock an account, and the address of nobody. */
async function lock (cases) {
  for (const [name, send] of Object.entries(cases)) {
    for (let i = 0; i < 10; i++) await (await send()).text()
    const { status } = await send()
    if (status !== 429) throw new Error(`${name} is not locked: ${status}`)
  }
}

function row (...cells) {
  console.log(`| ${cells.join(' | ')} |`)
}

async function mediansOf (cases) {
  const times = Object.fromEntries(Object.keys(cases).map((name) => [name, []]))
  for (let i = 0; i < samples; i++) {
    // In another order each time, so that none always comes behind the same one.
    for (const [name, send] of Object.entries(cases).sort(() => Math.random() - 0.5)) {
      const start = performance.now()
      const reply = await send()
      await reply.text()
      times[name].push(performance.now() - start)
      // What one sample leaves behind its reply must not fall into the next one.
      await setTimeout(2)
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, all.sort((a, b) => a - b)[Math.floor(all.length / 2)]]))
}

async function postgresPool () {
  const { default: pg } = await import('pg')
  const { env } = process
  const pool = new pg.Pool({ host: env.PGHOST ?? '127.0.0.1', port: Number(env.PGPORT ?? 5432), user: env.PGUSER ?? 'postgres', database: env.PGDATABASE ?? 'postgres', connectionTimeoutMillis: 5000 })
  try {
    await pool.query('select 1')
    return pool
  } catch (error) {
    await pool.end()
    if (env.CI === 'true') throw error
    return null
  }
}
