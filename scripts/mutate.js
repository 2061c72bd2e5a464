/**
 * Whether the tests notice when a security check is gone. `scripts/mutations/` lists the checks: each is deleted or turned round in
 * turn, in a copy of the code, and the test files that should notice are run. Whoever survives that is reported, and needs a test.
 *
 *     npm run test:mutations                            all of them
 *     npm run test:mutations -- --only cookie           those whose file, or words, have this text
 *     npm run test:mutations -- --list                  what there is
 *     npm run test:mutations -- --check                 only whether each can still be made
 *     npm run test:mutations -- --report mutations.md   a table, too
 *     npm run test:mutations -- --jobs 4                so many at once; default: as many as there are cores
 *
 * Code and tests are compiled once; then only the file that is changed, without its types, so that a mutation takes a second or
 * two. A list that is out of date stops it: each text must stand in its file once.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import ts from 'typescript'
import { groups } from './mutations/index.js'

const root = path.join(import.meta.dirname, '..')
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    list: { type: 'boolean' },
    check: { type: 'boolean' },
    report: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) }
  }
})

/** A test that takes so much longer than without the mutation hangs, and a test that hangs has noticed. */
const patience = { factor: 5, leastMs: 30_000, baselineMs: 300_000 }

/** Tests under way. */
const running = new Set()

const mutations = groups.flatMap(({ file, tests, servers = false, mutations }) => mutations.map((one) => ({ file, tests, servers, ...one })))
const chosen = mutations.filter(({ file, what }) => `${file} ${what}`.toLowerCase().includes(options.only.toLowerCase()))

process.exitCode = main() ?? await run()

function main () {
  const complaints = chosen.flatMap(problems)
  if (complaints.length > 0) {
    console.error(complaints.join('\n'))
    console.error(`\n${complaints.length} of ${chosen.length} mutations cannot be made. The code has moved on: move the list in scripts/mutations/ along with it.`)
    return 1
  }
  if (options.list) {
    for (const { file, what, survives } of chosen) console.log(`${file}: ${what}${survives === undefined ? '' : ` (survives: ${survives})`}`)
  }
  if (options.list || options.check) {
    console.log(`${chosen.length} mutations in ${new Set(chosen.map(({ file }) => file)).size} files`)
    return 0
  }
  if (chosen.length === 0) {
    console.error('No mutation has that text.')
    return 1
  }
}

/** What keeps a mutation from being made. */
function problems ({ file, what, from, to, tests }) {
  const found = readFileSync(path.join(root, file), 'utf8').split(from).length - 1
  const at = `${file}: ${what}:`
  return [
    ...(found === 1 ? [] : [`${at} the text stands there ${found} times: ${from}`]),
    ...(from === to ? [`${at} it changes nothing`] : []),
    ...tests.filter((test) => !readdirSync(path.dirname(testFile(test))).includes(path.basename(testFile(test)))).map((test) => `${at} there is no test ${test}`)
  ]
}

function testFile (test) {
  return path.join(root, 'test', `${test}.test.ts`)
}

async function run () {
  const folder = mkdtempSync(path.join(tmpdir(), 'fastify-users-mutations-'))
  const end = () => {
    for (const child of running) endGroup(child)
    rmSync(folder, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      end()
      process.exit(1)
    })
  }
  try {
    const trees = copies(folder, Math.max(1, Number(options.jobs) || 1))
    const usual = await baseline(trees)
    if (usual === null) return 1
    return report(await judgeAll(trees, usual))
  } finally {
    end()
  }
}

/** The compiled code and tests, once for each worker: they change files in it. */
function copies (folder, count) {
  const first = path.join(folder, '0')
  for (const part of ['lib', 'test']) {
    for (const file of readdirSync(path.join(root, part), { recursive: true })) {
      if (file.endsWith('.ts')) write(first, path.join(part, file), readFileSync(path.join(root, part, file), 'utf8'))
    }
  }
  cpSync(path.join(root, 'package.json'), path.join(first, 'package.json'))
  cpSync(path.join(root, 'docs'), path.join(first, 'docs'), { recursive: true })
  symlinkSync(path.join(root, 'node_modules'), path.join(first, 'node_modules'), 'junction')
  return Array.from({ length: count }, (_, index) => {
    const tree = path.join(folder, String(index))
    if (index > 0) cpSync(first, tree, { recursive: true, verbatimSymlinks: true })
    return tree
  })
}

/** Compiles a file into a tree, and says what is wrong with its syntax. Tests that start a program name it by its source. */
function write (tree, file, source) {
  const { outputText, diagnostics } = ts.transpileModule(source, {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true }
  })
  const target = path.join(tree, file.replace(/\.ts$/, '.js'))
  mkdirSync(path.dirname(target), { recursive: true })
  writeFileSync(target, outputText.replaceAll(/\.ts(?=['"])/g, '.js'))
  return diagnostics.length === 0
}

/** How long each test file takes while nothing is changed; `null` if one fails even so. */
async function baseline (trees) {
  const wanted = new Map(chosen.flatMap(({ tests, servers }) => tests.map((test) => [nameOf(test, servers), { test, servers }])))
  const usual = new Map()
  console.log(`${chosen.length} mutations; first their ${wanted.size} test files as they are`)
  await inParallel(trees, [...wanted], async (tree, [name, { test, servers }]) => {
    const { failed, seconds, output } = await runTest(tree, test, servers, patience.baselineMs)
    usual.set(name, seconds * 1000)
    if (!failed) return
    usual.set(name, null)
    console.error(`test/${test}.test.ts fails without a mutation:\n${firstFailure(output)}`)
  })
  return [...usual.values()].includes(null) ? null : usual
}

/** Of much output, what tells why. */
function firstFailure (output) {
  const at = output.search(/^ *not ok/m)
  return at === -1 ? output.slice(-3000) : output.slice(at, at + 3000)
}

function nameOf (test, servers) {
  return servers ? `${test}, with servers` : test
}

async function judgeAll (trees, usual) {
  const results = []
  const started = performance.now()
  await inParallel(trees, chosen, async (tree, mutation) => {
    const result = await judge(tree, mutation, usual)
    results.push(result)
    const left = (performance.now() - started) / results.length * (chosen.length - results.length) / 60_000
    const verdict = { caught: 'caught   ', survived: 'SURVIVED ', broken: 'BROKEN   ' }[result.verdict]
    console.log(`[${String(results.length).padStart(3)}/${chosen.length}, ${left.toFixed(1)} min left] ${verdict} ${result.seconds.toFixed(1).padStart(5)} s  ${mutation.file}: ${mutation.what}${result.by === undefined ? '' : `  (${result.by})`}`)
    if (result.verdict === 'broken') console.error(result.output.slice(-2000))
  })
  return results.sort((one, other) => chosen.indexOf(one.mutation) - chosen.indexOf(other.mutation))
}

async function judge (tree, mutation, usual) {
  const { file, from, to, tests, servers } = mutation
  const source = readFileSync(path.join(root, file), 'utf8')
  const started = performance.now()
  const since = () => (performance.now() - started) / 1000
  // A function, as `$` would mean something in a text.
  const isWellFormed = write(tree, file, source.replace(from, () => to))
  try {
    if (!isWellFormed) return { mutation, verdict: 'broken', seconds: since(), output: 'It is no TypeScript any more.' }
    for (const test of tests) {
      const limit = Math.max(patience.leastMs, usual.get(nameOf(test, servers)) * patience.factor)
      const { failed, output, timedOut } = await runTest(tree, test, servers, limit)
      if (!failed) continue
      // A name that is not there is a mistake in the list: no test has noticed anything.
      if (/^\s*(?:#\s*)?(?:Uncaught )?(?:ReferenceError|SyntaxError): /m.test(output) && !output.includes('not ok')) return { mutation, verdict: 'broken', seconds: since(), output }
      return { mutation, verdict: 'caught', seconds: since(), by: timedOut ? `${test}, which hung` : test }
    }
    return { mutation, verdict: 'survived', seconds: since() }
  } finally {
    write(tree, file, source)
  }
}

/**
 * Runs a test file with Node itself. Database servers are out of its reach unless the mutation is about them: what is cut off in
 * the middle would leave its tables behind.
 */
function runTest (tree, test, servers, limitMs) {
  const { CI, ...inherited } = process.env
  const own = { ...inherited, TAP_TIMEOUT: String(Math.ceil(limitMs / 1000)) }
  const env = servers ? own : { ...own, PGPORT: '1', MYSQL_TCP_PORT: '1', TAP_BAIL: '1' }
  const started = performance.now()
  const child = spawn(process.execPath, [path.join('test', `${test}.test.js`)], { cwd: tree, env, stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' })
  running.add(child)
  const state = { output: '', timedOut: false }
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { state.output = (state.output + text).slice(-100_000) })
  const timer = setTimeout(() => {
    state.timedOut = true
    endGroup(child)
  }, limitMs)

  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(timer)
      endGroup(child)
      running.delete(child)
      resolve({ failed: code !== 0, seconds: (performance.now() - started) / 1000, ...state })
    })
  })
}

/** With whatever the test has started. */
function endGroup (child) {
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: all of it has ended.
    if (error.code !== 'ESRCH') throw error
  }
}

async function inParallel (trees, items, work) {
  const queue = [...items]
  await Promise.all(trees.map(async (tree) => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(tree, item)
  }))
}

function report (results) {
  const of = (verdict, isExplained) => results.filter((result) => result.verdict === verdict && (result.mutation.survives !== undefined) === isExplained)
  const survivors = of('survived', false)
  const explained = of('survived', true)
  const outdated = of('caught', true)
  const broken = results.filter(({ verdict }) => verdict === 'broken')
  const caught = results.filter(({ verdict }) => verdict === 'caught')
  const line = ({ mutation: { file, what, survives } }) => `${file}: ${what}${survives === undefined ? '' : `: ${survives}`}`

  const summary = `# mutations: ${results.length}, caught ${caught.length}, survived ${survivors.length}, explained ${explained.length}, broken ${broken.length}`
  console.log()
  for (const result of survivors) console.log(`SURVIVED ${line(result)}`)
  for (const result of explained) console.log(`explained ${line(result)}`)
  for (const result of outdated) console.log(`no longer survives, so drop the excuse: ${line(result)}`)
  console.log(summary)

  if (options.report !== undefined) {
    const cell = (text) => text.replaceAll('|', '\\|')
    const rows = results.map(({ mutation: { file, what, survives }, verdict, seconds, by }) => `| \`${file}\` | ${cell(what)} | ${verdict === 'survived' && survives !== undefined ? 'explained' : verdict} | ${by ?? cell(survives ?? '')} | ${seconds.toFixed(1)} |`)
    writeFileSync(options.report, `${['# Mutations', '', summary.slice(2), '', '| file | what is changed | verdict | by, or why | seconds |', '|---|---|---|---|---|', ...rows].join('\n')}\n`)
  }
  return survivors.length + outdated.length + broken.length === 0 ? 0 : 1
}
