// What `npm install` brings, in a folder of its own each time.
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const limitMs = 5 * 60_000

/** Of each app: how many packages there are with Fastify and those it names, and how many bytes, as blocks of the disk. */
export async function installSizes (apps, say) {
  const work = mkdtempSync(join(tmpdir(), 'start-install-'))
  try {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'bench', 'package.json'), 'utf8'))
    const [{ filename }] = JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', work], root))
    const sizes = new Map()
    for (const [index, app] of apps.entries()) {
      say(`install: ${app.name}`)
      const folder = join(work, `app-${index}`)
      const names = ['fastify', ...app.packages].map((name) => name === 'fastify-users' ? `file:${join(work, filename)}` : `${name}@${dependencies[name]}`)
      // A peer that is optional is not installed, and scripts, which build what has no binary, are left out for all alike.
      npm(['install', '--prefix', folder, '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', ...names], work)
      const { packages } = JSON.parse(readFileSync(join(folder, 'node_modules', '.package-lock.json'), 'utf8'))
      sizes.set(app, { packages: Object.keys(packages).length, bytes: bytesIn(join(folder, 'node_modules')) })
    }
    return sizes
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function npm (args, cwd) {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', timeout: limitMs, stdio: ['ignore', 'pipe', 'ignore'], shell: process.platform === 'win32' })
}

function bytesIn (folder) {
  return readdirSync(folder, { recursive: true }).reduce((sum, name) => sum + lstatSync(join(folder, name)).blocks * 512, 0)
}
