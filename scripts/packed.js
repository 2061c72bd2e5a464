/** What the checks have in common that pack the package as npm would publish it, and use it elsewhere. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'

export const root = path.join(import.meta.dirname, '..')
const limitMs = 5 * 60_000

/** Packs what was built into a folder: what npm says of it, `filename` and `files` among others. */
export function packInto (folder) {
  const [result] = JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root))
  return result
}

/** npm tells its scripts which file it is; without that (`node scripts/test-package.js`) the one in the PATH will do. */
export function npm (args, cwd, options) {
  const self = process.env.npm_execpath
  const { status, stdout, stderr } = self?.endsWith('npm-cli.js')
    ? run(process.execPath, [self, ...args], cwd, options)
    : run('npm', args, cwd, { shell: process.platform === 'win32', ...options })
  if (status !== 0) throw new Error(`npm ${args[0]} ended with exit code ${status}\n${stdout}${stderr ?? ''}`)
  return stdout
}

export function run (command, args, cwd, options) {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: limitMs, maxBuffer: 64 * 1024 * 1024, ...options })
  if (result.error) throw result.error
  return result
}

export function bin (packageName, command = packageName) {
  const folder = path.join(root, 'node_modules', packageName)
  const { bin } = readJson(path.join(folder, 'package.json'))
  return path.join(folder, typeof bin === 'string' ? bin : bin[command])
}

export function readJson (file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}
