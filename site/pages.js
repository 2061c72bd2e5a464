/** Pages of the repository, and where they are on the site. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { themes } from './themes.js'

export const root = path.join(import.meta.dirname, '..')

/** From a file of the repository to one of the site: what VitePress calls `rewrites`. */
export const places = Object.fromEntries([
  ['site/index.md', 'index.md'],
  ...['ARCHITECTURE', 'CHANGELOG', 'CONTRIBUTING', 'SECURITY'].map((name) => [`${name}.md`, `project/${name.toLowerCase()}.md`]),
  ['bench/README.md', 'project/bench.md'],
  ...markdownIn('docs').map((file) => [file, file === 'docs/README.md' ? 'overview.md' : indexed(file.slice('docs/'.length))]),
  ...markdownIn('build/api').map((file) => [file, indexed(file.slice('build/'.length))])
])

/** What the site shows beside each page. */
export function sidebar () {
  return themes.map(({ text, pages }) => {
    const all = [...pages, ...(text === 'Learn' ? learnPages() : []), ...(text === 'Reference' ? ['build/api/README.md'] : [])]
    return { text, items: all.map((file) => ({ text: titleOf(file), link: linkTo(file) })) }
  }).filter(({ items }) => items.length > 0)
}

export function linkTo (file) {
  return `/${places[file].replace(/(?:index)?\.md$/, '')}`
}

/** Tutorials, by the `order` that each has in front of it. */
function learnPages () {
  const orderOf = (file) => Number(/^---\n[^]*?^order: (\d+)$/m.exec(read(file))?.[1])
  const found = markdownIn('docs/learn').map((file) => ({ file, order: orderOf(file) }))
  const lost = found.filter(({ order }) => Number.isNaN(order))
  if (lost.length > 0) throw new Error(`${lost.map(({ file }) => file).join(', ')}: without an order`)
  return found.sort((one, other) => one.order - other.order).map(({ file }) => file)
}

/** Its first heading. */
function titleOf (file) {
  return /^# (.+)$/m.exec(read(file))[1].replaceAll('`', '')
}

function markdownIn (folder) {
  const entries = existsSync(path.join(root, folder)) ? readdirSync(path.join(root, folder), { recursive: true }) : []
  return entries.map((entry) => `${folder}/${entry.replaceAll('\\', '/')}`).filter((file) => file.endsWith('.md'))
}

/** GitHub shows the README of a folder, the site its index. */
function indexed (file) {
  return file.replace(/(^|\/)README\.md$/, '$1index.md')
}

function read (file) {
  return readFileSync(path.join(root, file), 'utf8')
}
