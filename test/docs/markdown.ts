import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Page {
  /** From the root of the repository, with `/`: `docs/guards.md`. */
  readonly path: string
  readonly text: string
}

export interface Block {
  readonly page: string
  /** Where its code begins. */
  readonly line: number
  /** The first word behind the fence. */
  readonly language: string
  /** `file=…` behind that: where the code stands. */
  readonly file: string | undefined
  /** Without the indentation of the fence. */
  readonly code: string
}

const skipped = new Set(['node_modules', 'dist', 'build'])

/** All Markdown of the repository. */
export async function readPages (folder = ''): Promise<Page[]> {
  const entries = await readdir(root + folder, { withFileTypes: true })
  const found = await Promise.all(entries.map(async (entry) => {
    const path = `${folder}${entry.name}`
    if (entry.isDirectory()) return entry.name.startsWith('.') || skipped.has(entry.name) ? [] : await readPages(`${path}/`)
    return entry.name.endsWith('.md') ? [{ path, text: await readFile(root + path, 'utf8') }] : []
  }))
  return found.flat()
}

/** The fenced blocks of code, as CommonMark §4.5 has them. */
export function blocksOf ({ path, text }: Page): Block[] {
  const lines = text.split('\n')
  const blocks: Block[] = []
  for (let index = 0; index < lines.length; index++) {
    const [, indent = '', fence, info = ''] = /^( *)(`{3,}|~{3,})([^`]*)$/.exec(lines[index] ?? '') ?? []
    if (fence === undefined) continue
    const code: string[] = []
    const line = index + 2
    const closing = new RegExp(`^ *${fence}${fence[0]}* *$`)
    for (index++; index < lines.length && !closing.test(lines[index] ?? ''); index++) code.push((lines[index] ?? '').replace(new RegExp(`^ {0,${indent.length}}`), ''))
    const [language = '', ...rest] = info.trim().split(/\s+/)
    blocks.push({ page: path, line, language, file: rest.find((word) => word.startsWith('file='))?.slice(5), code: code.map((each) => `${each}\n`).join('') })
  }
  return blocks
}

/** The page without its blocks of code and its comments, line by line as before. */
export function proseOf ({ path, text }: Page): string {
  const lines = text.replaceAll(/<!--[^]*?-->/g, (comment) => comment.replaceAll(/[^\n]/g, '')).split('\n')
  for (const { line, code } of blocksOf({ path, text })) lines.fill('', line - 2, line + code.split('\n').length - 1)
  return lines.join('\n')
}
