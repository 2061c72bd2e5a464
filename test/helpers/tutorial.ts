import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import type { FastifyInstance } from 'fastify'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What an example in `examples/learn` exports. */
export interface Tutorial {
  buildApp (...args: unknown[]): Promise<FastifyInstance>
}

/** Loads an example with lib in the place of dist/, which other tests make anew meanwhile. */
export async function loadTutorial (name: string): Promise<Tutorial> {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, { default?: string }> }
  const outfile = join(root, `build/test-learn/${name}.js`)
  await build({
    absWorkingDir: root,
    entryPoints: [`examples/learn/${name}.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Coverage is asked of lib, by the tests of lib.
    banner: { js: '/* c8 ignore start */' },
    logLevel: 'warning',
    plugins: [{
      name: 'lib-for-dist',
      setup ({ onResolve }) {
        onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
          if (kind === 'entry-point') return
          const file = path.startsWith('fastify-users') ? exports[path.replace('fastify-users', '.')]?.default : undefined
          return file === undefined ? { path, external: true } : { path: join(root, file.replace('./dist/', 'lib/').replace(/js$/, 'ts')) }
        })
      }
    }]
  })
  return await import(pathToFileURL(outfile).href) as Tutorial
}
