import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Makes JavaScript of a program and of all of lib, once: each process would do so anew, for ten times as long as it takes to start. */
export function compile (folder: string, program: string): string {
  const sources = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).map((name) => join('lib', name))
  for (const name of [program, ...sources].filter((name) => name.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(join(root, name), 'utf8'), { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true } })
    const file = join(folder, name.replace(/ts$/, 'js'))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, outputText)
  }
  return join(folder, program.replace(/ts$/, 'js'))
}

/** The environment of a process that tap is to leave alone. */
export function plainEnv (): NodeJS.ProcessEnv {
  return { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: '', _TAPJS_PROCESSINFO_COVERAGE_: '0' }
}
