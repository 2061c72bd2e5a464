/**
 * Tries the package, as npm would publish it, in apps that know nothing of this repository, on each release of Node that it is for.
 *
 *     node scripts/test-apps.js kit              the test kit, in each test runner: npm run test:kit
 *     node scripts/test-apps.js fits             apps of all kinds: npm run test:apps
 *     node scripts/test-apps.js fits nest zod    some of them
 *
 * Each folder in apps/kit and apps/fits is an app. Its package.json names its dependencies, by exact versions, has a script `test`, and
 * says in `copies` which files of this repository it takes. The test notes in the file NOTES what it was to run, and what it has run:
 * what has run nothing has not passed. `npm run build` comes first.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { npm, packInto, readJson, root } from './packed.js'

/** The oldest that package.json allows, and the newest of the others. */
const releases = ['20.19.0', '22.23.3', '24.21.0']

const [group, ...names] = process.argv.slice(2)
const source = path.join(root, 'apps', group)
const shared = path.join(source, 'shared')
const work = mkdtempSync(path.join(tmpdir(), `fastify-users-${group}-`))

const apps = readdirSync(source).filter((name) => existsSync(path.join(source, name, 'package.json')) && (names.length === 0 || names.includes(name)))
const unknown = names.filter((name) => !apps.includes(name))
if (apps.length === 0 || unknown.length > 0) throw new Error(`There is no app ${unknown.join(', ')} in ${source}`)

const tarball = path.join(work, packInto(work).filename)
const nodes = releases.map(installNode)
const results = apps.flatMap(tryApp)

const width = Math.max(...results.map(({ name }) => name.length))
console.log(`\n${results.map(({ name, version, outcome }) => `${name.padEnd(width)}  Node ${version.padEnd(8)}  ${outcome}`).join('\n')}`)
const failed = results.filter(({ outcome }) => outcome.startsWith('FAILED'))
console.log(`\n${results.filter(({ outcome }) => outcome.startsWith('passed')).length} passed, ${failed.length} failed`)
if (failed.length === 0) rmSync(work, { recursive: true, force: true, maxRetries: 3 })
else console.log(`The files are kept in ${work}`)
process.exitCode = failed.length === 0 ? 0 : 1

/** npm has Node, too: the folder with its program. */
function installNode (version) {
  const folder = path.join(work, 'nodes', version)
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'package.json'), '{"private":true}')
  npm(['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', `node@${version}`], folder)
  return { version, bin: path.join(folder, 'node_modules', '.bin') }
}

function tryApp (name) {
  const folder = path.join(work, name)
  cpSync(path.join(source, name), folder, { recursive: true })
  if (existsSync(shared)) cpSync(shared, path.join(folder, 'shared'), { recursive: true })
  const { engines: { node: range } = {}, copies = {} } = readJson(path.join(folder, 'package.json'))
  for (const [from, to] of Object.entries(copies)) cpSync(path.join(root, from), path.join(folder, to))

  console.log(`\n== ${name}`)
  try {
    npm(['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', tarball], folder)
  } catch (error) {
    return [{ name, version: '', outcome: `FAILED to install: ${error.message}` }]
  }
  return nodes.filter(({ version }) => range === undefined || isWithin(version, range)).map((node) => ({ name, version: node.version, outcome: outcomeOf(folder, node) }))
}

function outcomeOf (folder, { version, bin }) {
  const notes = path.join(folder, 'notes')
  writeFileSync(notes, '')
  const started = performance.now()
  try {
    npm(['test'], folder, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}`, NOTES: notes, NODE_ENV: '' } })
  } catch (error) {
    console.log(`-- Node ${version}: ${error.message}`)
    return 'FAILED'
  }
  const noted = readFileSync(notes, 'utf8').split('\n')
  const [wanted, ran] = ['wanted', 'ran'].map((what) => noted.filter((line) => line === `${what} v${version}`).length)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const counted = `${ran} of ${wanted} checks, ${seconds} s`
  const outcome = ran > 0 && ran === wanted && noted.length === ran + wanted + 1 ? `passed: ${counted}` : `FAILED: ${counted}`
  console.log(`-- Node ${version}: ${outcome}`)
  return outcome
}

/** Of `engines`, what these apps need: `>=24.9`, `<24.9`. */
function isWithin (version, range) {
  const [, sign, major, minor] = /^(>=|<)(\d+)\.(\d+)$/.exec(range)
  const [ownMajor, ownMinor] = version.split('.').map(Number)
  const isAtLeast = ownMajor > Number(major) || (ownMajor === Number(major) && ownMinor >= Number(minor))
  return isAtLeast === (sign === '>=')
}
