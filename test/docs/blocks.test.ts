import t from 'tap'
import { blockProblems } from './check-blocks.js'
import { elsewhere, typeProblems } from './check-types.js'
import { commandProblems } from './commands.js'
import { blocksOf, readPages, type Block } from './markdown.js'

const pages = await readPages()
const blocks = pages.flatMap(blocksOf)

/** Those whose types are looked at. What JavaScript imports, at least, is known. */
const isModule = ({ language, file, code }: Block): boolean => file === undefined && (language === 'ts' || (language === 'js' && /^import /m.test(code)))

t.test('all blocks of code', async (t) => {
  t.ok(pages.length > 30 && blocks.length > 150, `${pages.length} pages, ${blocks.length} blocks`)
  t.strictSame(typeProblems(blocks.filter(isModule)), [], 'TypeScript, and JavaScript that imports something')
  t.strictSame(blocks.flatMap(blockProblems), [], 'all others')
  t.strictSame(pages.flatMap(commandProblems), [], 'commands')
  const languages = ['ts', 'js', 'json', 'html', 'sh', 'sql', 'mermaid', '']
  t.strictSame(blocks.filter(({ language }) => !languages.includes(language)).map(({ page, line, language }) => `${page}:${line}: ${language}`), [], 'no language that nobody checks')
})

t.test('what is broken is found', async (t) => {
  const problems = (page: string): string[] => {
    const found = blocksOf({ path: 'docs/sample.md', text: page })
    return [...typeProblems(found.filter(isModule)), ...found.flatMap(blockProblems), ...commandProblems({ path: 'docs/sample.md', text: page })]
  }
  const fenced = (info: string, ...lines: readonly string[]): string => ['Text', '', `\`\`\`${info}`, ...lines, '```', ''].join('\n')

  t.match(problems(fenced('ts', 'import { cookie } from \'fastify-users\'', 'cookie({ secure: true })')), [/^docs\/sample\.md:5: .*'secure' does not exist/])
  t.match(problems(fenced('js', 'import { cookie } from \'fastify-users\'', 'cookie({ secure: true })')), [/^docs\/sample\.md:5: .*'secure' does not exist/])
  t.match(problems(fenced('ts', 'import { cookies } from \'fastify-users\'', 'cookies()')), [/^docs\/sample\.md:4: .*no exported member/])
  for (const name of elsewhere) {
    t.match(problems(fenced('ts', `import other from '${name}'`, 'import { cookies } from \'fastify-users\'', 'cookies(other)')), [/^docs\/sample\.md:5: .*no exported member/])
    t.match(problems(fenced('ts', `import other from '${name}'`, 'other(')), [/ expected/])
  }
  t.match(problems(fenced('ts', 'app.authenticate()')), [/^docs\/sample\.md:4: Cannot find name 'app'/])
  t.match(problems(fenced('ts', 'const a = 1', 'const a = 2', 'export { a }')), [/^docs\/sample\.md:4: Cannot redeclare/, /^docs\/sample\.md:5: Cannot redeclare/])
  t.match(problems(fenced('ts', '// a.ts', 'export const a = 1') + fenced('ts', 'import { b } from \'./a.js\'', 'b()')), [/^docs\/sample\.md:10: .*no exported member/])
  t.throws(() => problems(fenced('ts', '// a.ts', 'export const a = 1') + fenced('ts', '// a.ts', 'export const b = 1')), { message: /same name/ })
  t.match(problems(fenced('js', 'const = 1')), [/^docs\/sample\.md:4: .*Expected identifier/])
  t.match(problems(fenced('html', '<script>', 'const = 1', '</script>')), [/^docs\/sample\.md:4: .*Expected identifier/])
  t.match(problems(fenced('json', '{ a: 1 }')), [/^docs\/sample\.md:4: .*JSON/])
  if (process.platform !== 'win32') t.match(problems(fenced('sh', 'echo "a')), [/^docs\/sample\.md:4: /])

  t.match(problems(fenced('ts file=examples/none.ts', 'a')), [/^docs\/sample\.md:4: there is no examples\/none\.ts/])
  t.match(problems(fenced('ts file=test/docs/blocks.test.ts', 'import t from \'tap\'', 'import t from \'tap\'')), [/is not in test\/docs\/blocks\.test\.ts/])
  t.strictSame(problems(fenced('ts file=test/docs/blocks.test.ts', 'import t from \'tap\'', 'import { blockProblems } from \'./check-blocks.js\'')), [])

  t.match(problems(fenced('sh', 'npm ci && npm run demos')), [/^docs\/sample\.md: npm run demos/])
  t.match(problems('Run `npm run demos`, `npm start`, or `npx fastify-users create-users`.'), [/npm run demos/, /npm start/, /npx fastify-users create-users/])
  t.strictSame(problems('Run `npm run demo`, `npm test`, or `npx fastify-users create-user --superuser`.'), [])
})

t.test('blocks are found as CommonMark has them', async (t) => {
  const text = ['1. One', '', '   ```ts', '   a', '     b', '   ```', '', '````md', '```ts', '```', '````', '', '~~~', 'c', '~~~'].join('\n')
  t.strictSame(blocksOf({ path: 'a.md', text }).map(({ line, language, code }) => [line, language, code]), [[4, 'ts', 'a\n  b\n'], [9, 'md', '```ts\n```\n'], [14, '', 'c\n']])
})
