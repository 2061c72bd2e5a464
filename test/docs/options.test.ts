import { readFile } from 'node:fs/promises'
import t from 'tap'
import { cookie, memory, opaque } from '../../lib/index.js'
import { resolveOptions } from '../../lib/options.js'
import { readPages, root } from './markdown.js'

interface OptionTables {
  readonly files: Record<string, string>
  optionsOf (name: string): Array<{ readonly name: string, readonly byDefault: string, readonly meaning: string }>
  withTables (text: string): string
}

// By its URL: a script has no types.
const { files, optionsOf, withTables } = await import(new URL('../../scripts/option-tables.js', import.meta.url).href) as OptionTables
const page = await readFile(`${root}docs/options.md`, 'utf8')
const interfaces = Object.keys(files)
const documented = (name: string): Map<string, string> => new Map(optionsOf(name).map(({ name, byDefault }) => [name, byDefault]))

t.test('the tables of docs/options.md are those of the comments: npm run docs:options', async (t) => {
  t.equal(withTables(page), page)
  t.strictSame(interfaces.filter((name) => !page.includes(`<!-- options: ${name} -->`)), [], 'there is one for each interface')
  const edited = page.replace('| 3,600 |', '| 7,200 |')
  t.not(edited, page)
  t.equal(withTables(edited), page, 'an edit by hand is noticed')
})

t.test('each option says what it means', async (t) => {
  for (const name of interfaces) t.strictSame(optionsOf(name).filter(({ meaning }) => meaning === ''), [], name)
})

t.test('numbers that are documented as defaults are the defaults', async (t) => {
  const settings = resolveOptions({ users: memory(), strategy: opaque(), backends: [cookie()] })
  const compared = [
    ...numbersOf('FastifyUsersOptions', settings),
    ...numbersOf('MailOptions', settings.mails),
    ...numbersOf('PasswordOptions', { ...settings.passwords })
  ]
  t.ok(compared.length >= 10, `${compared.length} numbers`)
  for (const { name, said, used } of compared) t.equal(said, used, name)
})

/** Options whose default is a number, as it is said and as it is. */
function numbersOf (name: string, settings: object): Array<{ name: string, said: number, used: unknown }> {
  return [...documented(name)].flatMap(([option, byDefault]) => {
    const said = numberIn(byDefault)
    const used = (settings as Record<string, unknown>)[option]
    return said === undefined || used === undefined || typeof used !== 'number' ? [] : [{ name: `${name}.${option}`, said, used }]
  })
}

t.test('no other page says otherwise', async (t) => {
  const all = interfaces.flatMap((name) => [...documented(name)])
  const contradictions: string[] = []
  let compared = 0
  for (const { path, text } of await readPages('docs/')) {
    for (const { option, byDefault } of rowsOf(text)) {
      const said = numberIn(byDefault)
      const known = all.filter(([name]) => name === option).map(([, text]) => numberIn(text)).filter((number) => number !== undefined)
      if (said === undefined || known.length === 0) continue
      compared++
      if (!known.includes(said)) contradictions.push(`${path}: ${option} is ${byDefault}`)
    }
  }
  t.strictSame(contradictions, [])
  t.ok(compared > 30, `${compared} rows`)
})

/** Rows of tables that have a column for the default. */
function rowsOf (text: string): Array<{ option: string, byDefault: string }> {
  return [...text.matchAll(/^\|[^\n]*\bdefault\b[^\n]*\n\|[-:| ]+\n((?:\|.*\n)+)/gm)].flatMap(([table, rows = '']) => {
    const column = cellsOf(table.slice(0, table.indexOf('\n'))).indexOf('default')
    return rows.trim().split('\n').map(cellsOf).map((cells) => ({ option: /`(\w+)`/.exec(cells[0] ?? '')?.[1] ?? '', byDefault: cells[column] ?? '' }))
  })
}

function cellsOf (row: string): string[] {
  return row.replaceAll('\\|', '/').split('|').slice(1, -1).map((cell) => cell.trim())
}

/** `3,600 (an hour)` and `` `3600` `` are 3600; a text that does not begin with a number is none. */
function numberIn (text: string): number | undefined {
  const digits = /^`?(\d[\d,]*)(?![\d.])/.exec(text)?.[1]
  return digits === undefined ? undefined : Number(digits.replaceAll(',', ''))
}
