/** Builds and starts `examples/drizzle`, which has packages of its own; with `--test` its tests are run. */
import { spawnSync } from 'node:child_process'
import { existsSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const root = path.join(import.meta.dirname, '..')
const folder = path.join(root, 'examples/drizzle')

run('npm', 'ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--silent')
// This very package, as an app would have installed it. A junction, for Windows gives no others to everybody.
const itself = path.join(folder, 'node_modules/fastify-users')
if (!existsSync(itself)) symlinkSync(root, itself, 'junction')
run(process.execPath, path.join(root, 'scripts/build.js'))
run(process.execPath, path.join(root, 'node_modules/typescript/bin/tsc'), '-p', folder)

if (process.argv.includes('--test')) run(process.execPath, '--test', path.join(folder, 'build/drizzle.test.js'))
else await start()

async function start () {
  // In this process, so that signals reach it. The example listens only if it is what Node was started with.
  const file = path.join(folder, 'build/drizzle.js')
  process.argv.splice(1, process.argv.length, file)
  await import(pathToFileURL(file).href)
}

function run (command, ...args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: command === 'npm' && process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
}
