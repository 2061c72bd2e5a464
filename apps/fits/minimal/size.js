// How much an install brings: docs/fits.md tells it.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const { packages } = JSON.parse(readFileSync('node_modules/.package-lock.json', 'utf8'))

/** A package and all that it needs: how many packages, how many bytes. */
export function weigh (...names) {
  const found = new Set()
  for (const name of names) collect(`node_modules/${name}`, found)
  return { packages: found.size, megabytes: Math.round([...found].reduce((sum, folder) => sum + bytesIn(folder), 0) / 1e5) / 10 }
}

export function isInstalled (name) {
  return existsSync(join('node_modules', name))
}

function collect (folder, found) {
  if (found.has(folder)) return
  found.add(folder)
  const { dependencies = {}, optionalDependencies = {} } = packages[folder]
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const at = resolve(name, folder)
    if (at !== undefined) collect(at, found)
  }
}

/** As Node looks for it: in the folder itself, then in those around it. */
function resolve (name, folder) {
  for (let at = folder; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const candidate = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`
    if (candidate in packages || at === '') return candidate in packages ? candidate : undefined
  }
}

/** Without the packages in it, which are counted by themselves. */
function bytesIn (folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name !== 'node_modules')
    .reduce((sum, entry) => sum + (entry.isDirectory() ? bytesIn(join(folder, entry.name)) : statSync(join(folder, entry.name)).size), 0)
}
