// Measures fastify-users beside bare Fastify, hand-made floors and peers. `node bench/run.js --help`; README.md says how to read
// what comes out. Progress goes to stderr, the table to stdout.
import { readFileSync, writeFileSync } from 'node:fs'
import { bare, contenders } from './contenders.js'
import { accept, compare } from './gate.js'
import { measureAll } from './measure.js'
import { readOptions } from './options.js'
import { toMarkdown } from './report.js'
import { absentStores, makePlace } from './stores.js'
import { killServers } from './server-process.js'

const acceptedFile = new URL('accepted.json', import.meta.url)

const options = readOptions([bare, ...contenders].map(({ name }) => name))
const place = makePlace()
const skipped = new Map()

let isInterrupted = false
let cleared

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) {
  process.once(signal, () => {
    isInterrupted = true
    end().finally(() => process.exit(code))
  })
}

try {
  process.exitCode = await main()
} catch (error) {
  // Ctrl-C ends the servers, too, and that they have ended is then no news.
  if (!isInterrupted) say(error.stack)
  process.exitCode = 1
} finally {
  await end()
}

/** Leaves nothing behind. */
function end () {
  killServers()
  cleared ??= place.clear().catch((error) => say(`something may be left behind: ${error.message}`))
  return cleared
}

/** @returns the exit code */
async function main () {
  const chosen = await whoIsThere(choose(options))
  const rows = await measureAll(chosen, place, options)
  console.log(toMarkdown(rows))
  for (const [name, reason] of skipped) say(`${name} skipped: ${reason}`)
  warn(rows)

  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(rows, null, 2) + '\n')
  if (options.svg !== undefined) {
    const { toSvg } = await import('./chart.js')
    writeFileSync(options.svg, toSvg(rows))
  }
  if (options.accept) writeFileSync(acceptedFile, JSON.stringify(accept(rows.filter(isKept)), null, 2) + '\n')
  return options.check && !options.accept ? await keep(rows.filter(isKept)) : 0
}

/** What has fallen is measured again, twice at most: a machine that was busy for a moment is no reason to fail. */
async function keep (rows) {
  const accepted = JSON.parse(readFileSync(acceptedFile, 'utf8'))
  let failures = compare(rows, accepted, chosenNames())
  for (let again = 0; again < 2 && failures.length > 0 && failures.every(({ isMeasured }) => isMeasured); again++) {
    for (const { text } of failures) say(`measured again: ${text}`)
    const names = failures.map(({ name }) => name)
    const fallen = withFloors(contenders.filter(({ name }) => names.includes(name)))
    failures = compare((await measureAll(fallen, place, options)).filter(({ name }) => names.includes(name)), accepted, names)
  }
  for (const { text } of failures) say(text)
  if (failures.length === 0) console.log(`\n${rows.length} figures kept.`)
  return failures.length === 0 ? 0 : 1
}

/** Those of which figures are kept, and whose server is there. In CI all servers have been promised. */
function chosenNames () {
  return contenders.filter((contender) => isKept(contender) && (process.env.CI === 'true' || !skipped.has(contender.name))).map(({ name }) => name)
}

function isKept ({ name }) {
  return contenders.some((contender) => contender.name === name && contender.isKept === true)
}

function choose ({ only, check }) {
  const matches = check ? contenders.filter(isKept) : contenders.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)))
  return withFloors(matches)
}

function withFloors (some) {
  const floors = new Set(some.map(({ floor }) => floor))
  return contenders.filter((contender) => some.includes(contender) || floors.has(contender.name))
}

async function whoIsThere (some) {
  const absent = await absentStores(some.map((contender) => contender.with.store))
  for (const { name, with: { store } } of some) if (absent.has(store)) skipped.set(name, absent.get(store))
  return some.filter(({ name }) => !skipped.has(name))
}

/** Says aloud what speaks against the figures. */
function warn (rows) {
  for (const name of ['@fastify/jwt', '@fastify/cookie']) {
    const [theirs, ours] = [version('.', name), version('..', name)]
    if (theirs !== ours) say(`Not the same: contenders use ${name} ${theirs}, fastify-users ${ours}.`)
  }
  if (options.quick) say('This was a first look: nobody idled before, and it was short.')
  const noise = rows.find(({ name }) => name === bare.name)?.spread ?? 0
  if (noise > 0.1) say(`Bare Fastify differed by ${(noise * 100).toFixed(0)} % from itself: the machine has other work, so read the CPU columns.`)
  const idle = rows.filter(({ serverBusy }) => serverBusy < 0.95).map(({ name }) => name)
  if (idle.length > 0) {
    const who = idle.length > rows.length / 2 ? `${idle.length} of ${rows.length}` : idle.join(', ')
    say(`Less than 95 % of their core had, because they waited for a store, the machine had other work, or the load was too slow: ${who}. What is counted per second says little of them: read the CPU columns.`)
  }
  const hurried = rows.filter(({ loadBusy }) => loadBusy > 0.9).map(({ name }) => name)
  if (hurried.length > 0) say(`The load was at its limit with: ${hurried.join(', ')}.`)
}

function version (folder, name) {
  return JSON.parse(readFileSync(new URL(`${folder}/node_modules/${name}/package.json`, import.meta.url), 'utf8')).version
}

function say (text) {
  console.error(text)
}
