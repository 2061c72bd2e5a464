import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { transformSync } from 'esbuild'
import { root, type Block } from './markdown.js'

/** What is wrong with a block, whose types are not looked at here. */
export function blockProblems (block: Block): string[] {
  const problem = block.file === undefined ? problemOf(block) : excerptProblem(block, block.file)
  return problem === undefined ? [] : [`${block.page}:${block.line}: ${problem}`]
}

function problemOf ({ language, code }: Block): string | undefined {
  switch (language) {
    case 'js': return thrownBy(() => transformSync(code, { format: 'esm', logLevel: 'silent' }))
    case 'html': return thrownBy(() => {
      for (const [, script = ''] of code.matchAll(/<script[^>]*>([^]*?)<\/script>/g)) transformSync(script, { format: 'esm', logLevel: 'silent' })
    })
    case 'json': return thrownBy(() => JSON.parse(code))
    case 'sh': return shellProblem(code)
    default: return undefined
  }
}

/** `file=…`: the block is a part of this file, line by line, which is compiled and run elsewhere. */
function excerptProblem ({ code }: Block, file: string): string | undefined {
  if (!existsSync(root + file)) return `there is no ${file}`
  const lines = readFileSync(root + file, 'utf8').split('\n')
  const wanted = code.trimEnd().split('\n')
  const stands = lines.some((_, start) => withoutIndent(lines.slice(start, start + wanted.length)) === withoutIndent(wanted))
  return stands ? undefined : `is not in ${file} as it stands here`
}

function withoutIndent (lines: readonly string[]): string {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/))
  return lines.map((line) => line.slice(Math.min(...indents)).trimEnd()).join('\n')
}

function shellProblem (code: string): string | undefined {
  // Git for Windows brings a shell, but not where programs are looked for.
  if (process.platform === 'win32') return undefined
  const { status, stderr } = spawnSync('sh', ['-n'], { input: code, encoding: 'utf8' })
  return status === 0 ? undefined : stderr
}

function thrownBy (action: () => unknown): string | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    return (error as Error).message.replaceAll('\n', ' ')
  }
}
