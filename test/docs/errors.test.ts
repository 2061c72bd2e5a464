import { readFile } from 'node:fs/promises'
import t from 'tap'
import { errors } from '../../lib/index.js'
import { root } from './markdown.js'

const page = await readFile(`${root}docs/errors.md`, 'utf8')

/** Code, class and status of each error that there is. */
const known = Object.entries(errors).flatMap(([name, made]) => {
  if (!name.endsWith('Error')) return []
  const { code, statusCode } = new (made as new () => { code: string, statusCode: number })()
  return [{ name, code, status: String(statusCode) }]
})

/** Rows of the tables whose second column is the class. A row may be of several errors. */
function rowsOf (text: string): Array<{ codes: string[], names: string[], status: string | undefined }> {
  return [...text.matchAll(/^(\| code \| class \|[^\n]*)\n\|[-| ]+\n((?:\|.*\n)+)/gm)].flatMap(([, head = '', rows = '']) => {
    const column = cellsOf(head).indexOf('status')
    return rows.trim().split('\n').map(cellsOf).map((cells) => ({ codes: wordsIn(cells[0]), names: wordsIn(cells[1]), status: cells[column] }))
  })
}

function cellsOf (row: string): string[] {
  return row.split('|').slice(1, -1).map((cell) => cell.trim())
}

function wordsIn (cell = ''): string[] {
  return [...cell.matchAll(/`(\w+)`/g)].map(([, word = '']) => word)
}

function problemsOf (text: string): string[] {
  const rows = rowsOf(text)
  const missing = known.filter(({ code }) => !rows.some(({ codes }) => codes.includes(code))).map(({ code }) => `${code} is not there`)
  const wrong = rows.flatMap(({ codes, names, status }) => codes.flatMap((code, index) => {
    // Codes of Fastify have no class of ours.
    if (code.startsWith('FST_ERR_')) return names.length === 0 ? [] : [`${code} has a class`]
    const error = known.find((error) => error.code === code && error.name === names[index])
    if (error === undefined) return [`there is no ${code}, ${names[index]}`]
    return status === undefined || status === error.status ? [] : [`${code} is ${error.status}`]
  }))
  return [...missing, ...wrong]
}

t.test('docs/errors.md has each error, with its class and status, and no other', async (t) => {
  t.ok(known.length > 30 && rowsOf(page).length > known.length, `${known.length} errors, ${rowsOf(page).length} rows`)
  t.strictSame(problemsOf(page), [])
})

t.test('a page that is wrong is found out', async (t) => {
  t.strictSame(problemsOf(page.replaceAll('`SESSION_NOT_FOUND`', '`SESSION_GONE`')), ['SESSION_NOT_FOUND is not there', 'there is no SESSION_GONE, SessionNotFoundError'])
  t.strictSame(problemsOf(page.replace('| `LAST_SUPERUSER` | `LastSuperuserError` | 409 |', '| `LAST_SUPERUSER` | `LastSuperuserError` | 400 |')), ['LAST_SUPERUSER is 409'])
  t.strictSame(problemsOf(page.replaceAll('`NotFreshError`', '`FreshError`')), ['there is no REAUTHENTICATION_REQUIRED, FreshError'])
})
