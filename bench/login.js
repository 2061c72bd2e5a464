// Logins in a flood, and what the rest of the app feels of it. `node bench/login.js --help`; README.md says how to read what comes
// out. Progress goes to stderr, the table to stdout.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { parseArgs } from 'node:util'
import { loadLogins, settle } from './login-load.js'
import { startProgress } from './progress.js'
import { fixed, median, percent, toTable } from './report.js'
import { killServers, startServer } from './server-process.js'

const usage = `npm run bench:login -- [options]

  --only NAME     only contenders whose name contains NAME; may be repeated
  --rounds N      how often each is measured (3)
  --seconds N     for how long each time (5)
  --cores N       how many cores the servers may use (all)
  --clients N     how many log in without a pause (32)
  --json FILE     also write the rows to FILE
  --help`

/** Each login is of the next one. */
const emails = Array.from({ length: 64 }, (_, i) => `user-${i}@example.com`)
const password = 'correct horse battery staple'
const idleSeconds = 3
const warmUpSeconds = 2

const contenders = [
  { name: 'fastify-users', library: 'argon2', server: 'login-fastify-users', path: '/login/bearer' },
  { name: 'fastify-users, nodeRsArgon2', library: '@node-rs/argon2', server: 'login-fastify-users', path: '/login/bearer' },
  { name: 'by hand, no bound', library: 'argon2', server: 'login-by-hand', path: '/login' },
  { name: 'better-auth, its scrypt', library: null, server: 'login-better-auth', path: '/api/auth/sign-in/email' }
]

const options = readOptions()
const { cpus, cores } = pickCpus(options.cores)
/** As fastify-users has it by default. */
const concurrency = Math.max(1, Math.min(cores, 3))
const chosen = contenders.filter(({ name }) => options.only.length === 0 || options.only.some((part) => name.includes(part)))
if (chosen.length === 0) fail(`--only matches none of: ${contenders.map(({ name }) => name).join(', ')}`)

process.once('exit', killServers)
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) process.once(signal, () => process.exit(code))

const rows = await run()
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(rows, null, 2) + '\n')
console.log(toTable(columns(), rows))

async function run () {
  const libraries = [...new Set(chosen.flatMap(({ library }) => library ?? []))]
  const perContender = 2 * (warmUpSeconds + options.seconds) + warmUpSeconds + idleSeconds
  const progress = startProgress(options.rounds * (chosen.length * perContender + libraries.length * 3))
  const servers = new Map()
  const bare = new Map()
  const results = []
  try {
    for (const library of libraries) bare.set(library, await start('login-bare', { library, concurrency, seconds: 3 }))
    for (const contender of chosen) servers.set(contender, await start(contender.server, { library: contender.library, emails, password }))

    // Now: they would inherit it.
    takePrecedence()
    for (let round = 0; round < options.rounds; round++) {
      const rates = new Map()
      for (const library of libraries) {
        progress.step(`round ${round + 1}/${options.rounds}: ${library} alone`, 3)
        rates.set(library, (await bare.get(library).sample()).perSecond)
      }
      for (const contender of round % 2 === 0 ? chosen : chosen.toReversed()) {
        progress.step(`round ${round + 1}/${options.rounds}: ${contender.name}`, perContender)
        results.push({ contender, ...await measure(contender, servers.get(contender), rates.get(contender.library)) })
      }
    }
  } finally {
    progress.done()
    for (const server of [...servers.values(), ...bare.values()]) await server.stop()
  }
  return chosen.flatMap((contender) => ['clients', 'flood'].map((workload) => toRow(contender, workload, results.filter((result) => result.contender === contender))))
}

function start (server, settings) {
  // In production fastify-users refuses users in memory.
  return startServer(server, { settings, cpu: cpus, env: { NODE_ENV: 'development' } })
}

/** First idle, then with clients that wait for an answer before they log in again, then with twice as many logins as can be. */
async function measure ({ path }, server, bareRate) {
  const { port, credentials: [credential], sample } = server
  const login = (n) => ({ path, body: JSON.stringify({ email: emails[n % emails.length], password }) })
  const load = async (given) => {
    await settle(server)
    return await loadLogins({ port, credential, login, sample, warmUp: warmUpSeconds, seconds: options.seconds, ...given })
  }
  const idle = await load({ seconds: idleSeconds })
  const clients = await load({ clients: options.clients })
  const flood = await load({ rate: 2 * (bareRate ?? clients.loginsPerSecond) })
  await settle(server)
  return { idle, clients, flood, bareRate }
}

function toRow ({ name, library }, workload, results) {
  const of = (value) => {
    const values = results.map(value).filter((value) => value !== null && value !== undefined)
    return values.length === 0 ? null : median(values)
  }
  return {
    name,
    library,
    workload: workload === 'clients' ? `${options.clients} clients` : 'twice as many as it can',
    cores,
    rounds: results.length,
    loginsPerSecond: of((result) => result[workload].loginsPerSecond),
    ofLibrary: of(({ bareRate, ...result }) => bareRate === undefined ? null : result[workload].loginsPerSecond / bareRate),
    loginP50: of((result) => result[workload].loginP50),
    loginP99: of((result) => result[workload].loginP99),
    refused: of((result) => result[workload].refused),
    waiting: of((result) => result[workload].waiting),
    meP99Idle: of(({ idle }) => idle.meP99),
    meP99: of((result) => result[workload].meP99),
    meRatio: of((result) => result[workload].meP99 / result.idle.meP99),
    poolP99Idle: of(({ idle }) => idle.poolP99),
    poolP99: of((result) => result[workload].poolP99),
    rssIdle: of(({ idle }) => idle.rss),
    rss: Math.max(...results.map((result) => result[workload].rss))
  }
}

function columns () {
  return [
    ['contender', ({ name }) => name],
    ['workload', ({ workload }) => workload],
    ['logins/s', ({ loginsPerSecond }) => fixed(loginsPerSecond, 1)],
    ['of library', ({ ofLibrary }) => fixed(ofLibrary, 2)],
    ['login p50 ms', ({ loginP50 }) => fixed(loginP50, 0)],
    ['login p99 ms', ({ loginP99 }) => fixed(loginP99, 0)],
    ['503', ({ refused }) => percent(refused)],
    ['waiting', ({ waiting }) => fixed(waiting, 0)],
    ['/me p99 idle', ({ meP99Idle }) => fixed(meP99Idle, 1)],
    ['/me p99', ({ meP99 }) => fixed(meP99, 1)],
    ['× idle', ({ meRatio }) => fixed(meRatio, 1)],
    ['file p99', ({ poolP99 }) => fixed(poolP99, 1)],
    ['RSS MB', ({ rss }) => fixed(rss / 1e6, 0)]
  ]
}

/** Else what the load waits for a core, which it has to share with hashes, would count as the servers'. */
function takePrecedence () {
  try {
    setPriority(Math.max(-20, getPriority() - 10))
  } catch {
    say('The load may not have a higher priority than the servers, so what it waits for a core counts as theirs.')
  }
}

/** The servers have the first cores, as many as they may; the load goes to the last. */
function pickCpus (wanted) {
  try {
    const list = execFileSync('taskset', ['-c', '-p', String(process.pid)], { encoding: 'utf8' }).split(': ').at(-1).trim()
    const all = list.split(',').flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    })
    const own = all.slice(0, wanted)
    execFileSync('taskset', ['-a', '-c', '-p', String(all.at(-1)), String(process.pid)], { stdio: 'ignore' })
    return { cpus: own.join(','), cores: own.length }
  } catch (error) {
    fail(`taskset is needed: ${error.message}`)
  }
}

function readOptions () {
  try {
    const { values: { help, rounds, seconds, cores, clients, ...others } } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '5' },
        cores: { type: 'string', default: '1000' },
        clients: { type: 'string', default: '32' },
        json: { type: 'string' },
        help: { type: 'boolean' }
      }
    })
    if (help) {
      console.log(usage)
      process.exit()
    }
    return { ...others, rounds: atLeastOne({ rounds }), seconds: atLeastOne({ seconds }), cores: atLeastOne({ cores }), clients: atLeastOne({ clients }) }
  } catch (error) {
    fail(`${error.message}\n\n${usage}`)
  }
}

function atLeastOne (option) {
  const [[name, text]] = Object.entries(option)
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 1000) throw new Error(`--${name} must be a whole number from 1 to 1000`)
  return value
}

function say (text) {
  console.error(text)
}

function fail (message) {
  say(message)
  process.exit(2)
}
