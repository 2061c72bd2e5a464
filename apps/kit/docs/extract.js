// Writes out the TypeScript of docs/testing.md, each block into the file that its first line names.
import { equal } from 'node:assert/strict'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const page = readFileSync('node_modules/fastify-users/docs/testing.md', 'utf8')
const blocks = [...page.matchAll(/^```ts\n(\/\/ (\S+)\n[^]*?)^```$/gm)]
equal(blocks.length, page.match(/^```ts$/gm).length, 'each block begins with the name of its file')

mkdirSync('src', { recursive: true })
// Each test notes that it has run, so that a runner which has found none does not pass.
const noting = (code) => code.replaceAll(/^test\(.*=> \{$/gm, '$&\n  t.after(() => { appendFileSync(String(process.env.NOTES), \'ran \' + process.version + \'\\n\') })')
for (const [, code, name] of blocks) {
  const isTest = name.endsWith('.test.ts')
  const tests = isTest ? code.match(/^test\(/gm).length : 0
  appendFileSync(process.env.NOTES, `wanted ${process.version}\n`.repeat(tests))
  writeFileSync(`src/${name}`, isTest ? `import { appendFileSync } from 'node:fs'\n${noting(code)}` : code)
}
