/**
 * Builds `dist/`: the declarations by tsc, a file for each source, and the code by esbuild, one file for the plugin and a small
 * one for each other entry point. Each module of its own would cost an app half a millisecond as it starts, and there are more
 * than a hundred.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'

const root = path.join(import.meta.dirname, '..')
const { exports, bin, engines } = JSON.parse(read('package.json'))
const entries = [...Object.values(exports), ...Object.values(bin)].map((target) => target.default ?? target).filter((file) => file.startsWith('./dist/'))

const plugin = './lib/index.ts'

/** What `require('fastify-users')` gives is the plugin itself, as it is with other plugins, and it has all exports as its properties. */
const pluginEntry = [
  `import * as names from '${plugin}'`,
  `export * from '${plugin}'`,
  `export { default, default as 'module.exports' } from '${plugin}'`,
  'Object.assign(names.default, names)'
]

/** Lets each entry point import the plugin. Then all share its modules, and they are one file instead of one for each set of entries. */
const oneCore = {
  name: 'one-core',
  setup ({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ kind, path: file }) => kind === 'entry-point' ? { path: file, namespace: 'entry' } : undefined)
    onLoad({ filter: /./, namespace: 'entry' }, ({ path: file }) => {
      const [hashbang = ''] = /^#!.*\n/.exec(read(file)) ?? []
      const lines = file === plugin ? pluginEntry : [`import '${plugin}'`, `export * from '${file}'`]
      return { contents: hashbang + lines.join('\n'), resolveDir: root }
    })
  }
}

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
  entryPoints: entries.map((file) => /^\.\/dist\/(.+)\.js$/.exec(file)[1]).map((out) => ({ in: `./lib/${out}.ts`, out })),
  outdir: 'dist',
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: `node${/\d[\d.]*/.exec(engines.node)[0]}`,
  plugins: [oneCore, commonList],
  // Or nothing would import what it takes no name of, for package.json says that no module does anything by being loaded.
  ignoreAnnotations: true,
  logLevel: 'warning'
})

function read (file) {
  return readFileSync(path.join(root, file), 'utf8')
}
