/**
 * What is too long for each change: the security suites with many times the usual number of tries, once more with caches, the timing of
 * replies, and all mutations. Its report is one page, of nothing but what was counted.
 *
 *     npm run test:long                           all of it
 *     npm run test:long -- --times 200            each property so many times as often as in npm test (20)
 *     npm run test:long -- --seed random          from another seed; default: that of npm test
 *     npm run test:long -- --only suites,timing   some of: suites, cached, timing, mutations
 *     npm run test:long -- --report long.md       the page, in a file as well
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { testFiles } from './test-files.js'

const root = path.join(import.meta.dirname, '..')
const { values: options } = parseArgs({
  options: {
    times: { type: 'string', default: '20' },
    seed: { type: 'string' },
    only: { type: 'string', default: 'suites,cached,timing,mutations' },
    report: { type: 'string' }
  }
})
const folders = ['test/security', 'test/properties', 'test/races', 'test/faults']
const parts = { suites, cached, timing, mutations }

const wanted = options.only.split(',')
const unknown = wanted.find((name) => !Object.hasOwn(parts, name))
if (unknown !== undefined) throw new Error(`--only knows ${Object.keys(parts).join(', ')}, and no ${unknown}`)

const page = ['# Long tests', '', `Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`]
for (const name of wanted) page.push('', ...await parts[name]())
console.log(`\n${page.join('\n')}`)
if (options.report !== undefined) writeFileSync(options.report, `${page.join('\n')}\n`)

async function suites () {
  const seed = options.seed === undefined ? {} : { FAST_CHECK_SEED: options.seed }
  const { failed, output, minutes, pass, fail, skip } = await tap({ FAST_CHECK_TIMES: options.times, FAST_CHECK_PLACES: 'all', FAULTS: 'all', RACES: options.times, ...seed })
  const properties = Array.from(output.matchAll(/^ *# property (.+): (\d+) runs, seed (\d+)$/gm), ([, name, runs, seed]) => ({ name, runs: Number(runs), seed }))
  const seeds = new Set(properties.map(({ seed }) => seed))
  const rows = properties.map(({ name, runs, seed }) => `| ${name.replaceAll('|', '\\|')} | ${runs} | ${seed} |`)

  return [
    `## Security suites: ${failed ? 'FAILED' : 'passed'}`, '',
    `\`FAST_CHECK_TIMES=${options.times}\`, ${minutes.toFixed(1)} minutes`, '',
    '| counted | |', '|---|---|',
    `| checks passed | ${pass} |`, `| checks failed | ${fail} |`, `| skipped | ${skip} |`,
    `| properties | ${properties.length} |`, `| runs of properties | ${sum(properties.map(({ runs }) => runs))} |`, `| seeds | ${[...seeds].join(', ')} |`,
    `| faults injected | ${sum(counted(output, 'faults injected'))} |`, `| races | ${sum(counted(output, 'races'))} |`,
    '', '| property | runs | seed |', '|---|---|---|', ...rows
  ]
}

/** The same suites, as often as in npm test, in apps that remember what they look up. */
async function cached () {
  const { failed, minutes, pass, fail, skip } = await tap({ CACHE_SECONDS: '60' })
  return [`## Security suites with \`cacheSeconds: 60\`: ${failed ? 'FAILED' : 'passed'}`, '', `${pass} checks passed, ${fail} failed, ${skip} skipped; ${minutes.toFixed(1)} minutes`]
}

async function timing () {
  const build = await run([bin('typescript', 'tsc'), '-p', 'tsconfig.build.json'])
  const { failed, output, minutes } = build.failed ? build : await run(['scripts/test-timing.js'])
  const lines = output.split('\n').filter((line) => /^(?:\||== )/.test(line)).map((line) => line.replace(/^== (.*)$/, '\n### $1\n'))
  return [`## Time of replies: ${failed ? 'FAILED' : 'passed'}`, '', `${minutes.toFixed(1)} minutes`, ...lines]
}

async function mutations () {
  const folder = mkdtempSync(path.join(tmpdir(), 'fastify-users-long-'))
  try {
    const report = path.join(folder, 'mutations.md')
    const { failed, minutes } = await run(['scripts/mutate.js', '--report', report])
    // A suite that fails as it is tells nothing about mutations, so none was made.
    if (!existsSync(report)) return ['## Mutations: FAILED', '', 'The suites failed without them.']
    const [, , summary = 'no report', ...table] = readFileSync(report, 'utf8').split('\n')
    const survivors = table.filter((row) => /\| (?:survived|explained|broken) \|/.test(row))
    return [`## Mutations: ${failed ? 'FAILED' : 'passed'}`, '', `${summary}; ${minutes.toFixed(1)} minutes`, '', ...(survivors.length === 0 ? [] : ['| file | what is changed | verdict | by, or why | seconds |', '|---|---|---|---|---|', ...survivors])]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs the suites, and counts. */
async function tap (env) {
  const result = await run([bin('tap'), '--reporter=tap', '--disable-coverage', '--timeout=3600', ...folders.flatMap((folder) => testFiles(folder, root))], env)
  const counts = /^# \{ (.*) \}$/m.exec(result.output)?.[1] ?? ''
  const { pass = 0, fail = 0, skip = 0 } = Object.fromEntries(Array.from(counts.matchAll(/(\w+): (\d+)/g), ([, name, count]) => [name, Number(count)]))
  return { ...result, pass, fail, skip }
}

/** Runs a program of Node's, its output passed on and kept. */
function run (command, env = {}) {
  const started = performance.now()
  const child = spawn(process.execPath, command, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    process.stdout.write(text)
    output += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code !== 0) process.exitCode = 1
      resolve({ failed: code !== 0, output, minutes: (performance.now() - started) / 60_000 })
    })
  })
}

/** The numbers of comments such as `# races: 40`. */
function counted (output, name) {
  return Array.from(output.matchAll(new RegExp(`^ *# ${name}: (\\d+)$`, 'gm')), ([, count]) => Number(count))
}

function sum (numbers) {
  return numbers.reduce((total, one) => total + one, 0)
}

/** The script behind a package's command. */
function bin (packageName, command = packageName) {
  const folder = path.join(root, 'node_modules', packageName)
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  return path.join(folder, typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[command])
}
