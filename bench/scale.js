// Whether a request and a log-in cost the same among a hundred users and among a million. `node bench/scale.js --help`; README.md
// says how to read what comes out. Progress goes to stderr, the tables to stdout.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { check } from './check.js'
import { load } from './load.js'
import { pickServerCpu } from './pin.js'
import { fixed, median, toTable } from './report.js'
import { loginsOf, requestsOf } from './requests.js'
import { fill } from './scale-fill.js'
import { startServer } from './server-process.js'
import { absentStores } from './stores.js'
import { withPlace } from './with-place.js'

const usage = `npm run bench:scale -- [options]

  --only NAME      only stores whose name contains NAME, or "token cache"; may be repeated
  --sizes A,B,…    how many users, sessions and ended tokens there are (100,10000,1000000)
  --rounds N       how often each is measured (3)
  --seconds N      for how long each time (2)
  --json FILE      also write the rows to FILE
  --help`

const sql = { backends: ['opaque', 'jwt'], rows: { session: 'session', user: 'user', ended: 'ended token' } }
const stores = { sqlite: sql, postgres: sql, mariadb: sql, redis: { backends: ['opaque'], rows: { session: 'session' }, env: { NODE_ENV: 'development' } } }
const tokenCache = 'token cache'

const password = 'correct horse battery staple'
/** At most so many users log in for real. */
const mostActive = 1000
const runUpSeconds = 0.5
const warmUpSeconds = 1.5
const distinctTokens = 1_000_000

const columnsOfRows = [
  ['store', ({ name }) => name],
  ['work', ({ work }) => work],
  ['users, sessions', ({ size }) => `${size}`],
  ['CPU µs', ({ cpuMicroseconds }) => fixed(cpuMicroseconds, 1)],
  ['× smallest', ({ cpuRatio }) => fixed(cpuRatio, 2)],
  ['p50 ms', ({ p50 }) => fixed(p50, 2)],
  ['× smallest', ({ p50Ratio }) => fixed(p50Ratio, 2)],
  ['p99 ms', ({ p99 }) => fixed(p99, 2)],
  ['requests/s', ({ requestsPerSecond }) => fixed(requestsPerSecond, 0)]
]

const columnsOfBytes = [
  ['store', ({ store }) => store],
  ['row', ({ name }) => name],
  ['rows', ({ size }) => `${size}`],
  ['bytes a row, with indexes', ({ bytes }) => fixed(bytes, 0)]
]

const columnsOfCache = [
  ['', ({ name }) => name],
  ['tokens seen', ({ tokens }) => tokens],
  ['heap MiB', ({ heap }) => fixed(heap / 2 ** 20, 1)],
  ['grown by MiB', ({ grown }) => fixed(grown / 2 ** 20, 1)],
  ['RSS MiB', ({ rss }) => fixed(rss / 2 ** 20, 0)]
]

const options = readOptions()
/** As many at each size, or ten times the tokens would be measured along with ten thousand times the rows. */
const active = Math.min(mostActive, ...options.sizes)
const cpu = pickServerCpu()

await withPlace(async (place) => {
  const names = [...Object.keys(stores), tokenCache].filter((name) => options.only.length === 0 || options.only.some((part) => name.includes(part)))
  const chosen = names.filter((name) => name in stores)
  const absent = await absentStores(chosen)
  const results = []
  for (const store of chosen) if (!absent.has(store)) results.push(await measureStore(store, place))

  const rows = results.flatMap(({ rows }) => rows)
  const bytes = results.flatMap(({ bytes }) => bytes)
  const cache = names.includes(tokenCache) ? await measureTokenCache(place) : []
  for (const [columns, part] of [[columnsOfRows, rows], [columnsOfBytes, bytes], [columnsOfCache, cache]]) {
    if (part.length > 0) console.log(`${toTable(columns, part)}\n`)
  }
  for (const [store, reason] of absent) console.log(`${store} skipped: ${reason}`)
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ rows, bytes, cache }, null, 2) + '\n')
})

/** All sizes side by side, in turn: what the machine does meanwhile, it does to all of them. */
async function measureStore (store, place) {
  const { backends, rows: kinds, env = {} } = stores[store]
  const servers = []
  const bytes = []
  for (const size of options.sizes) {
    say(`${store}: ${size} users and sessions`)
    const settings = { store, users: active, backends, password, ...place.forServer(store) }
    const server = await startServer('scale', { settings, cpu, env })
    await check(`${store}, ${size}`, server, 'required')
    if (size > active) place.busy = fill(store, settings, size - active)
    const perRow = size > active ? await place.busy : {}
    servers.push({ size, server })
    // A few pages for a few rows say nothing.
    if (size >= 10_000) bytes.push(...Object.entries(kinds).map(([kind, name]) => ({ store, size, name, bytes: perRow[kind] })))
  }

  const rows = []
  // The log-ins come last, for they add sessions.
  for (const work of ['guarded', 'login']) {
    for (const backend of backends) rows.push(...await measureWork(store, work, backend, servers))
  }
  for (const { server } of servers) await server.stop()
  return { rows, bytes }
}

async function measureWork (store, work, backend, servers) {
  const logins = Array.from({ length: active }, (_, i) => ({ email: `user-${i}@example.com`, password }))
  const measure = ({ server }, warmUp, seconds) => {
    const credentials = server.credentials.filter((credential) => credential.backend === backend)
    const next = work === 'login' ? loginsOf(server, backend, logins) : requestsOf({ ...server, credentials }, 'credentials')
    return load({ port: server.port, next, status: 200, sample: server.sample, warmUp, seconds })
  }

  for (const server of servers) await measure(server, warmUpSeconds, 0.2)
  const results = new Map(servers.map((server) => [server, []]))
  for (let round = 0; round < options.rounds; round++) {
    say(`${store}: ${work}, ${backend}, round ${round + 1}/${options.rounds}`)
    for (const server of round % 2 === 0 ? servers : servers.toReversed()) results.get(server).push(await measure(server, runUpSeconds, options.seconds))
  }

  const smallest = results.get(servers[0])
  return servers.map((server) => {
    const own = results.get(server)
    const of = (key) => median(own.map((result) => result[key]))
    return {
      name: store,
      work: work === 'login' ? `log-in, ${backend}` : `guarded, ${backend}`,
      size: server.size,
      cpuMicroseconds: of('cpuMicroseconds'),
      cpuRatio: median(own.map(({ cpuMicroseconds }, i) => cpuMicroseconds / smallest[i].cpuMicroseconds)),
      p50: of('p50'),
      p50Ratio: median(own.map(({ p50 }, i) => p50 / smallest[i].p50)),
      p99: of('p99'),
      requestsPerSecond: of('requestsPerSecond'),
      serverBusy: of('serverBusy')
    }
  })
}

/** A million tokens that all hold: what does the process keep of them? */
async function measureTokenCache (place) {
  const settings = { transport: 'bearer', strategy: 'jwt', store: 'memory', cacheSeconds: 3, ...place.forServer('memory') }
  const server = await startServer('fastify-users', { settings, cpu, env: { NODE_ENV: 'development' } })
  const make = requestsOf(server, 'new tokens')
  const seen = { tokens: 0 }
  let last = null
  // Each twice: at the second time it is kept.
  const next = () => {
    if (last !== null) {
      const again = last
      last = null
      return again
    }
    seen.tokens++
    last = make()
    return last
  }
  const rows = []
  for (const tokens of [0, 20_000, distinctTokens]) {
    say(`token cache: ${tokens} tokens`)
    for (; seen.tokens < tokens;) await load({ port: server.port, next, status: 200, sample: server.sample, warmUp: 0, seconds: tokens > 100_000 ? 2 : 0.1 })
    const { heap, rss } = await server.sample('heap')
    rows.push({ name: tokenCache, tokens: `${seen.tokens}`, heap, grown: heap - (rows[0]?.heap ?? heap), rss })
  }
  await server.stop()
  return rows
}

function readOptions () {
  try {
    const { values: { help, sizes, rounds, seconds, ...others } } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        sizes: { type: 'string', default: '100,10000,1000000' },
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '2' },
        json: { type: 'string' },
        help: { type: 'boolean' }
      }
    })
    if (help) {
      console.log(usage)
      process.exit()
    }
    const number = (name, text, least, most) => {
      const value = Number(text)
      if (!(value >= least && value <= most)) throw new Error(`--${name} must be a number from ${least} to ${most}`)
      return value
    }
    return {
      ...others,
      sizes: sizes.split(',').map((size) => Math.round(number('sizes', size, 100, 1_000_000))).sort((a, b) => a - b),
      rounds: Math.round(number('rounds', rounds, 1, 100)),
      seconds: number('seconds', seconds, 0.1, 100)
    }
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
}

function say (text) {
  console.error(text)
}
