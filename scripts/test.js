/**
 * What `npm test` runs: lint, then types, then the unit tests. It stops at the first step that fails, with the exit
 * code of that step. Arguments are handed to tap and skip the rest: `npm test -- test/accounts/register.test.ts`; a folder stands for its tests.
 */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { constants } from 'node:os'
import path from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { testFiles } from './test-files.js'

const root = path.join(import.meta.dirname, '..')
const windows = process.platform === 'win32'
const stepLimitMinutes = 20
const tapArguments = process.argv.slice(2).flatMap((argument) => testFiles(argument, root))

const checks = [
  ['Lint: style', bin('eslint'), '.'],
  ['Lint: imports run one way', bin('dependency-cruiser', 'depcruise'), 'lib', '--config', '.dependency-cruiser.cjs'],
  ['Types: library and tests', bin('typescript', 'tsc'), '-p', 'tsconfig.json', '--noEmit'],
  ['Build', path.join(root, 'scripts/build.js')],
  // The examples and the type tests import the package by its name, which leads to the build.
  ['Types: examples', bin('typescript', 'tsc'), '-p', 'examples', '--noEmit'],
  ['Types: tutorials with fields of their own', bin('typescript', 'tsc'), '-p', 'examples/learn', '--noEmit'],
  ['Types: the web example', bin('typescript', 'tsc'), '-p', 'examples/web', '--noEmit'],
  ['Types: the web example in the browser', bin('typescript', 'tsc'), '-p', 'examples/web/browser', '--noEmit'],
  ['Types: what users of the package see', bin('tstyche')]
]

const servers = [
  { name: 'PostgreSQL', host: process.env.PGHOST || '127.0.0.1', port: Number(process.env.PGPORT || 5432) },
  { name: 'MariaDB or MySQL', host: process.env.MYSQL_HOST || '127.0.0.1', port: Number(process.env.MYSQL_TCP_PORT || 3306) },
  { name: 'Redis', host: process.env.REDIS_HOST || '127.0.0.1', port: Number(process.env.REDIS_PORT || 6379) }
]

process.exitCode = await main()

async function main () {
  if (tapArguments.length === 0) {
    for (const [title, ...command] of checks) {
      const { code } = await step(title, command)
      if (code !== 0) return code
    }
  }
  const { code, output } = await step('Unit tests', [bin('tap'), ...await coverageFlags(), ...tapArguments])
  const counts = summary(output)
  if (code === 1 && counts?.includes(' 0 failed')) console.log('All tests passed, but not every line and branch of lib was covered: see the table above.')
  if (counts) console.log(counts)
  else console.error('tap ended before it could count its tests.')
  // No count means that tap did not get to its end; that must never look like success.
  return counts ? code : code || 1
}

/** Every line covered is the bar, except where this run cannot reach it: a part of the suite, or a server missing. */
async function coverageFlags () {
  const missing = []
  for (const server of servers) {
    if (!await answers(server)) missing.push(server)
  }
  const promised = process.env.CI === 'true'
  if (missing.length > 0) console.log()
  for (const { name, host, port } of missing) {
    console.log(`No ${name} at ${host}:${port}: the suites that need it ${promised ? 'fail, for CI=true promises it' : 'are skipped'}.`)
  }
  if (tapArguments.length > 0) return ['--allow-incomplete-coverage']
  if (missing.length === 0 || promised) return []
  console.log('Their code stays uncovered, so this run does not ask for full coverage. CONTRIBUTING.md tells how to start the servers.')
  return ['--allow-incomplete-coverage']
}

function answers ({ host, port }) {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: 2_000 })
    const end = answer => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}

/**
 * Runs one command of Node's with its output passed on as it comes, and its standard output kept. The child leads a
 * process group of its own, so that the time limit ends what it started along with it.
 */
function step (title, command) {
  console.log(`\n== ${title}`)
  const started = Date.now()
  const child = spawn(process.execPath, command, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], detached: !windows })
  const state = { output: '', timedOut: false }

  child.stdout.setEncoding('utf8')
  child.stdout.on('data', text => {
    process.stdout.write(text)
    state.output += text
  })

  const timer = setTimeout(() => {
    state.timedOut = true
    endGroup(child, 'SIGKILL')
  }, stepLimitMinutes * 60_000)

  // A terminal sends Ctrl+C to its own process group, in which the child no longer is.
  const interrupt = signal => {
    endGroup(child, signal)
    process.exit(128 + constants.signals[signal])
  }
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)

  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode, signal) => {
      clearTimeout(timer)
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', interrupt)
      const seconds = ((Date.now() - started) / 1000).toFixed(1)
      // The codes that timeout(1) and shells use for the same two endings.
      const code = state.timedOut ? 124 : exitCode ?? 128 + constants.signals[signal]
      if (code === 0) console.log(`-- ${title}: ${seconds} s`)
      else if (state.timedOut) console.error(`-- ${title}: stopped, it took over ${stepLimitMinutes} minutes`)
      else console.error(`-- ${title}: FAILED with exit code ${code} after ${seconds} s`)
      resolve({ code, output: state.output })
    })
  })
}

function endGroup (child, signal) {
  if (windows) {
    spawnSync('taskkill', ['/pid', String(child.pid), '/t', '/f'])
    return
  }
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // ESRCH: it has just ended by itself.
    if (error.code !== 'ESRCH') throw error
  }
}

/** tap ends with `# { total: 6, pass: 3, fail: 1, todo: 1, skip: 1 }` and leaves out what is zero; a todo did not run either. */
function summary (output) {
  const line = stripVTControlCharacters(output).match(/^# \{ (total: .*) \}$/gm)?.at(-1)
  if (!line) return null
  const counted = Object.fromEntries(Array.from(line.matchAll(/(\w+): (\d+)/g), ([, name, value]) => [name, Number(value)]))
  const { pass = 0, fail = 0, skip = 0, todo = 0 } = counted
  const skipped = skip + todo
  return `${pass} passed, ${fail} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/** The script behind a package's command. Started with Node itself, it needs no shell, on Windows neither. */
function bin (packageName, command = packageName) {
  const folder = path.join(root, 'node_modules', packageName)
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  return path.join(folder, typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[command])
}
