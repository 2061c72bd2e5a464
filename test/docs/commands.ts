import { readFileSync } from 'node:fs'
import { blocksOf, root, type Page } from './markdown.js'

const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> }
const subcommands = [...readFileSync(`${root}lib/cli/index.ts`, 'utf8').matchAll(/(?:command|onDatabase|onMigratedDatabase)\('([\w-]+)'/g)].map(([, name]) => name)

/** Commands, in blocks or in a line of text, that name a script of package.json or a subcommand of ours that is not there. */
export function commandProblems (page: Page): string[] {
  const inBlocks = blocksOf(page).filter(({ language }) => language === 'sh').map(({ code }) => code)
  const inText = [...page.text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
  return [...inBlocks, ...inText].flatMap((code) => [...missingScripts(code), ...missingSubcommands(code)]).map((command) => `${page.path}: ${command}`)
}

function missingScripts (code: string): string[] {
  const named = [...code.matchAll(/\bnpm (?:run(?: --\S+)* )?([\w:-]+)/g)]
  return named.filter(([command, name = '']) => (command.startsWith('npm run ') || name === 'test' || name === 'start') && !(name in scripts)).map(([command]) => command)
}

function missingSubcommands (code: string): string[] {
  return [...code.matchAll(/\bnpx fastify-users ([a-z][\w-]*)/g)].filter(([, name]) => !subcommands.includes(name)).map(([command]) => command)
}
