/** Builds and starts one of the tutorials in `examples/learn`: `npm run learn -- cookie-attributes`. Without a name it lists them. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const root = path.join(import.meta.dirname, '..')
const folder = path.join(root, 'examples/learn')
const names = readdirSync(folder).filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -'.ts'.length)).sort()
// What these say of their users' fields would hold for all examples: they are a program of their own.
const ownFields = new Set(['typebox', 'zod'])
const [name, ...args] = process.argv.slice(2)

if (names.includes(name)) await start()
else list()

async function start () {
  run('scripts/build.js')
  run('node_modules/typescript/bin/tsc', '-p', ownFields.has(name) ? 'examples/learn' : 'examples')
  // In this process, so that signals reach it. A tutorial listens only if it is what Node was started with.
  const file = path.join(root, `build/examples/learn/${name}.js`)
  process.argv.splice(1, process.argv.length, file, ...args)
  await import(pathToFileURL(file).href).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error
    console.error(`Something else listens on port ${error.port}. Choose another one: PORT=${error.port + 1} npm run learn -- ${name}`)
    process.exit(1)
  })
}

function run (file, ...args) {
  const { status } = spawnSync(process.execPath, [path.join(root, file), ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

function list () {
  if (name !== undefined) console.error(`There is no tutorial "${name}".\n`)
  console.log('Each is explained in docs/learn. Start one by npm run learn -- NAME:\n')
  const width = Math.max(...names.map((name) => name.length))
  for (const name of names) {
    const [what] = readFileSync(path.join(folder, `${name}.ts`), 'utf8').split('\n')
    console.log(`  ${name.padEnd(width)}  ${what.replace(/^\/\/ /, '')}`)
  }
  process.exitCode = name === undefined ? 0 : 1
}
