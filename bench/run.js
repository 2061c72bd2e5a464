// Measures fastify-users beside bare Fastify, a hand-made floor and peers. `node bench/run.js --help`; README.md says how to
// read what comes out. Progress goes to stderr, the table to stdout.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { check } from './check.js'
import { bare, contenders } from './contenders.js'
import { load, requestsFor } from './load.js'
import { toMarkdown, toRows } from './report.js'
import { killServers, startServer } from './server-process.js'

const usage = `npm run bench -- [options]

  --only NAME     only contenders whose name contains NAME, and their floors; may be repeated
  --rounds N      how often each is measured (5)
  --seconds N     for how long each time (5)
  --quick         without the 10 s of idling before: for a first look, not for figures to keep
  --json FILE     also write the rows to FILE
  --profile DIR   write a CPU profile of each server to DIR, which slows them all
  --help`

/** Longer than the 8 s after which V8's memory reducer sets in, which leaves a server slower for good. */
const idleSeconds = 10
const warmUpSeconds = 3
/** Before each measurement, so that connections are open and caches warm. */
const runUpSeconds = 0.5

const options = readOptions()
const chosen = choose(options.only)
const serverCpu = pickServerCpu()

process.once('exit', killServers)
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) process.once(signal, () => process.exit(code))

const rows = await run()
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(rows, null, 2) + '\n')
console.log(toMarkdown(rows))
warn(rows)

async function run () {
  const everybody = [bare, ...chosen]
  const servers = new Map()
  try {
    for (const [i, contender] of everybody.entries()) {
      say(`start and check ${i + 1}/${everybody.length}: ${contender.name}`)
      const server = await startServer(contender.server, { cpu: serverCpu, profileDir: options.profile })
      servers.set(contender, server)
      await check(contender.name, server, contender.guarded)
    }

    if (!options.quick) {
      say(`idle for ${idleSeconds} s`)
      await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1000))
    }
    const rssIdle = new Map()
    for (const [{ name }, server] of servers) rssIdle.set(name, (await server.sample()).rss)

    for (const [contender, server] of servers) {
      say(`warm up: ${contender.name}`)
      await measure(contender, server, { warmUp: warmUpSeconds - 1, seconds: 1 })
    }
    return toRows(await measureAll(servers), rssIdle)
  } finally {
    for (const server of servers.values()) await server.stop()
  }
}

/** In each round every contender once, in threes, and in their midst bare Fastify. */
async function measureAll (servers) {
  const results = []
  let lastBare

  for (let round = 1; round <= options.rounds; round++) {
    const order = rotated(chosen, round - 1)
    for (let i = 0; i === 0 || i < order.length; i += 3) {
      const group = order.slice(i, i + 3).toSpliced(1, 0, bare)
      const measured = new Map()
      for (const contender of group) {
        say(`round ${round}/${options.rounds}: ${contender.name}`)
        measured.set(contender, await measure(contender, servers.get(contender), { warmUp: runUpSeconds, seconds: options.seconds }))
      }
      const neighbour = measured.get(bare)
      // Bare Fastify's own neighbour is bare Fastify the time before: how far the two are apart is the noise.
      for (const contender of group) results.push({ round, contender, measured: measured.get(contender), neighbour: contender === bare ? lastBare ?? neighbour : neighbour })
      lastBare = neighbour
    }
  }
  return results.sort((a, b) => position(a) - position(b))
}

function measure ({ sends, status }, { port, credentials, sample }, { warmUp, seconds }) {
  const requests = requestsFor(port, sends === 'nothing' ? [] : credentials)
  return load({ port, requests, status, warmUp, seconds, sample })
}

function position ({ contender }) {
  return contender === bare ? -1 : contenders.indexOf(contender)
}

function rotated (list, by) {
  const at = by % Math.max(1, list.length)
  return [...list.slice(at), ...list.slice(0, at)]
}

function choose (only) {
  const matches = contenders.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)))
  if (matches.length === 0 && !only.some((part) => bare.name.includes(part))) fail(`--only matches none of: ${[bare, ...contenders].map(({ name }) => name).join(', ')}`)
  const floors = new Set(matches.map(({ floor }) => floor))
  return contenders.filter((contender) => matches.includes(contender) || floors.has(contender.name))
}

/** The first core that this process may use, for the servers. It moves itself to the last: the likeliest not to share one. */
function pickServerCpu () {
  try {
    const list = execFileSync('taskset', ['-c', '-p', String(process.pid)], { encoding: 'utf8' }).split(': ').at(-1).trim()
    const [first, last] = [/^\d+/, /\d+$/].map((end) => Number(end.exec(list)[0]))
    if (first === last) throw new Error('only one core may be used')
    execFileSync('taskset', ['-a', '-c', '-p', String(last), String(process.pid)], { stdio: 'ignore' })
    return first
  } catch (error) {
    say(`server and load are not pinned to cores, so expect more noise: ${error.message}`)
    return null
  }
}

/** Says aloud what speaks against the figures. */
function warn (rows) {
  for (const name of ['@fastify/jwt', '@fastify/cookie']) {
    const [theirs, ours] = [version('.', name), version('..', name)]
    if (theirs !== ours) say(`Not the same: contenders use ${name} ${theirs}, fastify-users ${ours}.`)
  }
  const names = rows.filter(({ serverBusy }) => serverBusy < 0.95).map(({ name }) => name)
  if (names.length > 0) say(`These had less than 95 % of their core, because the machine had other work or the load was too slow: ${names.join(', ')}. What is counted per second says little of them: read the CPU columns.`)
}

function version (folder, name) {
  return JSON.parse(readFileSync(new URL(`${folder}/node_modules/${name}/package.json`, import.meta.url), 'utf8')).version
}

function readOptions () {
  try {
    const { values: { help, only, rounds, seconds, quick, json, profile } } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '5' },
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        profile: { type: 'string' },
        help: { type: 'boolean' }
      }
    })
    if (help) {
      console.log(usage)
      process.exit()
    }
    return { only, rounds: atLeastOne('rounds', rounds), seconds: atLeastOne('seconds', seconds), quick, json, profile }
  } catch (error) {
    fail(`${error.message}\n\n${usage}`)
  }
}

function atLeastOne (name, text) {
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
