/**
 * Builds `dist/`: the declarations by tsc, a file for each source, and the code by esbuild, a file for each entry point and some
 * for what they share or load later. Each module of its own would cost an app half a millisecond as it starts, and there
 * are more than a hundred.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'

const root = path.join(import.meta.dirname, '..')
const { exports, bin, engines } = JSON.parse(read('package.json'))
const entries = [...Object.values(exports), ...Object.values(bin)].map((target) => target.default ?? target).filter((file) => file.startsWith('./dist/'))

/** Writes down what `common-list.ts` makes of a package, so that apps install and load a tenth of that. */
const commonList = {
  name: 'common-list',
  setup ({ onLoad }) {
    onLoad({ filter: /[\\/]accounts[\\/]common-list\.ts$/ }, async ({ path: file }) => {
      const { outputFiles: [{ text }] } = await build({ absWorkingDir: root, entryPoints: [file], bundle: true, platform: 'node', format: 'esm', write: false })
      const made = await import(`data:text/javascript,${encodeURIComponent(text)}`)
      const licence = read('node_modules/@zxcvbn-ts/language-common/LICENSE.txt')
      return { contents: `/*! The list is that of @zxcvbn-ts/language-common.\n\n${licence}*/\nexport const commonList = ${JSON.stringify(made.commonList)}` }
    })
  }
}

rmSync(path.join(root, 'dist'), { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

await build({
  absWorkingDir: root,
  entryPoints: entries.map((file) => file.replace(/^\.\/dist\/(.+)\.js$/, 'lib/$1.ts')),
  outbase: 'lib',
  outdir: 'dist',
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: `node${/\d[\d.]*/.exec(engines.node)[0]}`,
  plugins: [commonList],
  logLevel: 'warning'
})

function read (file) {
  return readFileSync(path.join(root, file), 'utf8')
}
