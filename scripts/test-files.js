import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'

/** The test files of a folder: tap, given the folder itself, would take the programs that tests start for tests as well. Anything else stays what it is. */
export function testFiles (name, root) {
  const folder = path.join(root, name)
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [name]
  return readdirSync(folder).filter((file) => file.endsWith('.test.ts')).map((file) => `${name}/${file}`)
}
