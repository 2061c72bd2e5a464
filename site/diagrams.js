import { renderMermaidSVG } from 'beautiful-mermaid'

const colors = {
  bg: 'var(--vp-c-bg)',
  fg: 'var(--vp-c-text-1)',
  line: 'var(--vp-c-text-3)',
  accent: 'var(--vp-c-brand-1)',
  muted: 'var(--vp-c-text-2)',
  surface: 'var(--vp-c-bg-soft)',
  border: 'var(--vp-c-border)'
}

/** A markdown-it plugin: blocks of Mermaid, which GitHub draws by itself, become pictures as the site is built. */
export function diagrams (md) {
  const { fence } = md.renderer.rules
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const { info, content } = tokens[index]
    return info.trim() === 'mermaid' ? draw(content) : fence(tokens, index, ...rest)
  }
}

function draw (text) {
  const svg = renderMermaidSVG(text, { ...colors, padding: 8, transparent: true })
  // Its style sheet asks another host for fonts, and would hold for the whole page. The theme has what is needed of it.
  return `<div class="diagram" v-pre>${svg.replace(/<style>[^]*?<\/style>/, '').replaceAll(/\n\s*\n/g, '\n')}</div>\n`
}
