import t from 'tap'
import { readPages } from './markdown.js'

interface Site {
  readonly themes: ReadonlyArray<{ readonly text: string, readonly pages: readonly string[] }>
}

// By its URL: a script has no types.
const { themes } = await import(new URL('../../site/themes.js', import.meta.url).href) as Site
const placed = themes.flatMap(({ pages }) => pages)
const pages = await readPages('docs/')
const guides = pages.map(({ path }) => path).filter((path) => !path.startsWith('docs/learn/'))

t.test('each page of docs/ has one place on the site', async (t) => {
  t.strictSame(placed.filter((path) => path.startsWith('docs/')).sort(), guides.sort(), 'site/themes.js')
  t.equal(new Set(placed).size, placed.length, 'and none has two')
})

t.test('docs/README.md names each page of docs/', async (t) => {
  const index = pages.find(({ path }) => path === 'docs/README.md')?.text ?? ''
  t.strictSame(guides.filter((path) => path !== 'docs/README.md' && !index.includes(`](${path.slice('docs/'.length)})`)), [])
})

t.test('tutorials have a title and an order', async (t) => {
  const orders = pages.filter(({ path }) => path.startsWith('docs/learn/')).map(({ path, text }) => {
    const [, title, order] = /^---\ntitle: (.+)\norder: (\d+)\n---\n/.exec(text) ?? []
    t.ok(title !== undefined, path)
    t.ok(text.includes(`\n# ${title}\n`), `${path}: the heading is the title`)
    return order
  })
  t.equal(new Set(orders).size, orders.length, 'no two have the same order')
})
