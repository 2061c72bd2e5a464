import ts from 'typescript'
import { root, type Block } from './markdown.js'

const { config } = ts.readConfigFile(`${root}tsconfig.json`, (file) => ts.sys.readFile(file)) as { config: { compilerOptions: object } }
const { options } = ts.convertCompilerOptionsFromJson({
  ...config.compilerOptions,
  allowJs: true,
  checkJs: true,
  // The sources, so that no build is needed, and none can be out of date.
  paths: {
    'fastify-users': ['./lib/index.ts'],
    'fastify-users/sql': ['./lib/stores/sql/index.ts'],
    'fastify-users/redis': ['./lib/stores/redis/index.ts'],
    'fastify-users/smtp': ['./lib/mail/smtp.ts'],
    'fastify-users/testing': ['./lib/testing/index.ts'],
    'fastify-users/node-rs-argon2': ['./lib/crypto/node-rs-argon2.ts']
  }
}, root)

/**
 * Too large to be installed for a few lines: apps in `apps/` have them. Of a block that imports one, only the syntax is looked at, and
 * what it takes from this package.
 */
export const elsewhere = ['vitest', '@fastify/passport', '@fastify/secure-session']

/** What others have declared is the same for all programs, and is read once. */
const sources = new Map<string, ts.SourceFile | undefined>()

/**
 * What the compiler says of blocks in TypeScript and JavaScript. Each is a module of its own. One that begins with the name of its
 * file, in a comment, may be imported by the others of its page.
 */
export function typeProblems (blocks: readonly Block[]): string[] {
  const files = new Map(blocks.map((block) => [fileOf(block), block]))
  if (files.size < blocks.length) throw new Error('Two blocks of one page have the same name.')
  return programsOf(files).flatMap((names) => problemsOf(names, files))
}

function fileOf ({ page, line, language, code }: Block): string {
  const name = /^\/\/ ([\w.-]+\.[jt]s)\n/.exec(code)?.[1] ?? `line-${line}.${language}`
  return `${root}${page.slice(0, -'.md'.length)}/${name}`
}

/** What an app declares holds for all of its program, so such blocks, and those that may import one, are programs of their own. */
function programsOf (files: ReadonlyMap<string, Block>): string[][] {
  const declaring = new Set([...files.values()].filter(({ code }) => /^declare /m.test(code)).map(({ page }) => page))
  const alone = [...files].filter(([, { page, code }]) => declaring.has(page) && /^declare | from '\.\//m.test(code)).map(([name]) => name)
  return [[...files.keys()].filter((name) => !alone.includes(name)), ...alone.map((name) => [name])]
}

function problemsOf (names: readonly string[], files: ReadonlyMap<string, Block>): string[] {
  const host = ts.createCompilerHost(options)
  const folders = new Set([...files.keys()].map((file) => file.slice(0, file.lastIndexOf('/'))))
  const program = ts.createProgram(names, options, {
    ...host,
    directoryExists: (folder) => folders.has(folder) || ts.sys.directoryExists(folder),
    fileExists: (file) => files.has(file) || ts.sys.fileExists(file),
    readFile: (file) => files.get(file)?.code ?? ts.sys.readFile(file),
    getSourceFile (file, languageVersion) {
      const known = sources.get(file)
      if (known !== undefined) return known
      const block = files.get(file)
      if (block !== undefined) return ts.createSourceFile(file, block.code, languageVersion)
      const source = host.getSourceFile(file, languageVersion)
      sources.set(file, source)
      return source
    }
  })
  return names.flatMap((name) => {
    const source = program.getSourceFile(name)
    const isPartial = elsewhere.some((missing) => files.get(name)?.code.includes(` from '${missing}'`))
    const semantic = program.getSemanticDiagnostics(source).filter(({ messageText }) => !isPartial || ts.flattenDiagnosticMessageText(messageText, '\n').includes('fastify-users'))
    return [...program.getSyntacticDiagnostics(source), ...semantic]
      // Nobody writes types in JavaScript.
      .filter(({ code }) => !name.endsWith('.js') || code < 7000 || code > 7999)
      .map(({ messageText, start = 0 }) => {
        const { page = '', line = 0 } = files.get(name) ?? {}
        return `${page}:${line + (source?.getLineAndCharacterOfPosition(start).line ?? 0)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
      })
  })
}
