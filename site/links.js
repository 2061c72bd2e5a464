import path from 'node:path'
import { places, root } from './pages.js'

/**
 * A markdown-it plugin: links are written for GitHub, from file to file. Those to a page lead to where it is on the site. Those to
 * other files, such as sources, stay plain text.
 */
export function links (md) {
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    // VitePress also reads headings by themselves, for their text.
    if (env.path === undefined) return
    const folder = path.posix.dirname(path.relative(root, env.realPath ?? env.path).replaceAll('\\', '/'))
    for (const { children } of tokens) rewrite(children ?? [], folder)
  })
}

function rewrite (tokens, folder) {
  const open = []
  for (const token of tokens) {
    if (token.type === 'link_open') {
      open.push(token)
      const [, file, anchor = ''] = /^([^#]*)(#.*)?$/.exec(token.attrGet('href'))
      if (file === '' || /^[a-z]+:/.test(file)) continue
      const place = places[path.posix.join(folder, decodeURI(file))]
      if (place === undefined) token.type = 'no_link'
      else token.attrSet('href', `/${place}${anchor}`)
    }
    if (token.type === 'link_close' && open.pop().type === 'no_link') token.type = 'no_link'
  }
}
