import { execFileSync, type ChildProcessByStdio } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
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

/**
 * Waits until an example has printed how to end it, which is the last that it says before it serves.
 *
 * @returns what it has printed so far, whenever that is asked
 */
export async function untilReady (example: ChildProcessByStdio<null, Readable, null>): Promise<() => string> {
  let output = ''
  await new Promise<void>((resolve, reject) => {
    example.once('exit', () => { reject(new Error(`the example ended: ${output}`)) })
    example.stdout.on('data', (chunk) => {
      output += String(chunk)
      if (output.includes('Ctrl-C ends it.')) resolve()
    })
  })
  return () => output
}

/** Whether the lines that examples print can be tried here. */
export function hasCurl (): boolean {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
