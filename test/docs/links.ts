import { existsSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { proseOf, root, type Page } from './markdown.js'

// By its URL: a script has no types.
const { slug } = await import(new URL('../../scripts/slug.js', import.meta.url).href) as { slug (heading: string): string }

/** Links of a page to what is not there: `docs/guards.md:12: cookies.md#no-such`. Links to other sites are not followed. */
export function linkProblems (page: Page): string[] {
  return proseOf(page).split('\n').flatMap((line, index) => targetsOf(line)
    .filter((target) => !leadsSomewhere(page, target))
    .map((target) => `${page.path}:${index + 1}: ${target}`))
}

function targetsOf (line: string): string[] {
  const text = line.replaceAll(/(`+)[^`].*?\1/g, '')
  const inText = text.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)
  const inTags = text.matchAll(/(?:src|href|srcset)="([^"]+)"/g)
  const inDefinitions = text.matchAll(/^ {0,3}\[[^\]]+\]: (\S+)/g)
  return [...inText, ...inTags, ...inDefinitions].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target))
}

function leadsSomewhere ({ path, text }: Page, target: string): boolean {
  const [, file = '', anchor] = /^([^#]*)(?:#(.*))?$/.exec(target) ?? []
  const found = file === '' ? path : posix.join(posix.dirname(path), decodeURIComponent(file))
  if (file !== '' && !existsSync(root + found)) return false
  if (anchor === undefined) return true
  return found.endsWith('.md') && anchorsOf({ path: found, text: file === '' ? text : readFileSync(root + found, 'utf8') }).has(anchor)
}

function anchorsOf (page: Page): Set<string> {
  const anchors = new Set<string>()
  const prose = proseOf(page)
  for (const [, heading = ''] of prose.matchAll(/^#{1,6} +(.*?)(?: #+)? *$/gm)) {
    // What is seen of it: a link's text, and emphasis without its signs, which are none in code.
    const parts = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').split('`')
    const name = slug(parts.map((part, index) => index % 2 === 1 ? part : part.replaceAll(/(?<!\w)[_*]+|[_*]+(?!\w)/g, '')).join(''))
    for (let count = 0, free = false; !free; count++) {
      const anchor = count === 0 ? name : `${name}-${count}`
      free = !anchors.has(anchor)
      anchors.add(anchor)
    }
  }
  for (const [, id = ''] of prose.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id)
  return anchors
}
