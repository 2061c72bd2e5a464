import { readFile } from 'node:fs/promises'
import t from 'tap'
import { appWith } from '../helpers/app.js'
import { root } from './markdown.js'

t.test('docs/users.md has a row for each method of app.users', async (t) => {
  const app = await appWith(t)
  const page = await readFile(`${root}docs/users.md`, 'utf8')
  const [, rows = ''] = /^\| method \| gives \| throws \|\n\|[-|]+\n((?:\|.*\n)+)/m.exec(page) ?? []
  const named = [...rows.matchAll(/^\| `(\w+)\(/gm)].map(([, name]) => name)
  t.ok(named.length > 10)
  t.strictSame(named.sort(), Object.keys(app.users).sort())
})
