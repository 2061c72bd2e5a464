import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const page = await readFile(new URL('docs/asvs.md', root), 'utf8')
const { scripts } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as { scripts: Record<string, string> }

/** The rows that begin with a requirement's number: number, words, verdict, how, tests. */
const rows = page.split('\n').filter((line) => /^\| \d/.test(line)).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()))

t.test('each row has a verdict, and says how', async (t) => {
  t.ok(rows.length > 80, `${rows.length} rows`)
  for (const [number, words, verdict = '', ...rest] of rows) {
    t.ok(['met', 'option', 'app', 'not met', 'not offered'].includes(verdict), `${number}: ${verdict}`)
    t.equal(rest.length, 2, `${number}: five columns`)
    t.ok(words !== '', `${number}: in words`)
    if (verdict === 'option') t.match(rest[0], /`|\]\(/, `${number}: names the option`)
  }
})

t.test('each test that it names is there', async (t) => {
  for (const [number, , , , tests = ''] of rows) {
    for (const [, name = ''] of tests.matchAll(/`([^`]+)`/g)) {
      const script = /^npm run (\S+)$/.exec(name)?.[1]
      t.ok(script === undefined ? existsSync(new URL(`test/${name}.test.ts`, root)) : script in scripts, `${number}: ${name}`)
    }
  }
})
