// What a second server process on the same store costs each of the two. `node bench/cluster.js --help`; README.md says how to read
// what comes out, and what it cannot tell on few cores. Progress goes to stderr, the table to stdout.
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { check } from './check.js'
import { load } from './load.js'
import { fixed, median, percent, toTable } from './report.js'
import { requestsOf } from './requests.js'
import { startServer } from './server-process.js'
import { absentStores } from './stores.js'
import { withPlace } from './with-place.js'

const usage = `npm run bench:cluster -- [options]

  --only NAME     only stores whose name contains NAME; may be repeated
  --rounds N      how often each is measured (5)
  --seconds N     for how long each time (3)
  --json FILE     also write the rows to FILE
  --help`

const stores = ['redis', 'postgres']
/** With a pause after each answer, 50 connections ask some 1,000 times a second, and two cores have time to spare. */
const loads = [{ load: 'with pauses', pauseMs: 50 }, { load: 'without a pause', pauseMs: 0 }]
const users = 200
const runUpSeconds = 0.5
const warmUpSeconds = 2

const columns = [
  ['store', ({ name }) => name],
  ['load', ({ load }) => load],
  ['processes', ({ processes }) => `${processes}`],
  ['CPU µs a request', ({ cpuMicroseconds }) => fixed(cpuMicroseconds, 1)],
  ['× one process', ({ cpuRatio }) => fixed(cpuRatio, 2)],
  ['requests/s a process', ({ requestsPerSecond }) => fixed(requestsPerSecond, 0)],
  ['× one process', ({ rateRatio }) => fixed(rateRatio, 2)],
  ['busy', ({ serverBusy }) => percent(serverBusy)],
  ['p50 ms', ({ p50 }) => fixed(p50, 2)],
  ['p99 ms', ({ p99 }) => fixed(p99, 2)],
  ['store p50 ms', ({ storeP50 }) => fixed(storeP50, 2)],
  ['store p99 ms', ({ storeP99 }) => fixed(storeP99, 2)]
]

const options = readOptions()

await withPlace(async (place) => {
  const chosen = stores.filter((store) => options.only.length === 0 || options.only.some((part) => store.includes(part)))
  const absent = await absentStores(chosen)
  const rows = []
  for (const store of chosen) if (!absent.has(store)) rows.push(...await measureStore(store, place))
  if (rows.length > 0) console.log(toTable(columns, rows))
  console.log(`\n${availableParallelism()} cores for servers, load and store together.`)
  for (const [store, reason] of absent) console.log(`${store} skipped: ${reason}`)
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(rows, null, 2) + '\n')
})

async function measureStore (store, place) {
  const settings = { store, users, backends: ['opaque'], password: 'correct horse battery staple', ...place.forServer(store) }
  const start = (name) => startServer(name, { settings, env: { NODE_ENV: 'development' } })
  const servers = [await start('scale'), await start('scale')]
  for (const server of servers) {
    // Also with the tokens of the other one: that is what they share.
    for (const { credentials } of servers) await check(store, { ...server, credentials }, 'required')
  }
  const probe = await start('probe')

  const measure = async (some, pauseMs, warmUp, seconds) => {
    const underWay = some.map((server) => {
      return load({ port: server.port, next: requestsOf(server, 'credentials'), status: 200, sample: server.sample, warmUp, seconds, pauseMs })
    })
    await new Promise((resolve) => setTimeout(resolve, warmUp * 1000))
    await probe.sample()
    const measured = await Promise.all(underWay)
    return { measured, probed: await probe.sample() }
  }

  await measure(servers, 0, warmUpSeconds, 0.5)
  const results = loads.map(() => ({ 1: [], 2: [] }))
  for (let round = 0; round < options.rounds; round++) {
    console.error(`${store}: round ${round + 1}/${options.rounds}`)
    const alone = round % 2
    const pair = [[servers[alone]], servers]
    for (const [i, { pauseMs }] of loads.entries()) {
      for (const some of alone === 0 ? pair : pair.toReversed()) {
        results[i][some.length].push({ alone, ...await measure(some, pauseMs, runUpSeconds, options.seconds) })
      }
    }
  }
  for (const server of [...servers, probe]) await server.stop()
  return loads.flatMap(({ load }, i) => [1, 2].map((processes) => toRow(store, load, processes, results[i])))
}

function toRow (store, load, processes, results) {
  const own = results[processes]
  // Of the process that was also measured alone in that round, where the two are set against each other.
  const same = ({ measured, alone }) => measured[processes === 1 ? 0 : alone]
  const ratio = (key) => median(own.map((result, i) => same(result)[key] / results[1][i].measured[0][key]))
  const of = (key) => median(own.flatMap(({ measured }) => measured.map((result) => result[key])))
  return {
    name: store,
    load,
    processes,
    cores: availableParallelism(),
    cpuMicroseconds: of('cpuMicroseconds'),
    cpuRatio: ratio('cpuMicroseconds'),
    requestsPerSecond: of('requestsPerSecond'),
    rateRatio: ratio('requestsPerSecond'),
    serverBusy: of('serverBusy'),
    p50: of('p50'),
    p99: of('p99'),
    storeP50: median(own.map(({ probed }) => probed.p50)),
    storeP99: median(own.map(({ probed }) => probed.p99))
  }
}

function readOptions () {
  try {
    const { values: { help, rounds, seconds, ...others } } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '3' },
        json: { type: 'string' },
        help: { type: 'boolean' }
      }
    })
    if (help) {
      console.log(usage)
      process.exit()
    }
    const number = (name, text, least) => {
      const value = Number(text)
      if (!(value >= least && value <= 100)) throw new Error(`--${name} must be a number from ${least} to 100`)
      return value
    }
    return { ...others, rounds: Math.round(number('rounds', rounds, 1)), seconds: number('seconds', seconds, 0.1) }
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
}
