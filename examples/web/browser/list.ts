import { api } from './api.js'
import { find } from './dom.js'
import { attempt } from './forms.js'

interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

export interface List {
  /** Shows the first page, of what the query says. */
  show (query?: Record<string, string>): Promise<void>
}

/** Shows a list of the plugin's, a page at a time, and at once. `fill` makes a row of the template into one for an item. */
export async function showList<Item> (path: string, fill: (row: HTMLElement, item: Item) => void): Promise<List> {
  const rows = find('#list')
  const more = find('#more')
  const template = find<HTMLTemplateElement>('#row')
  const news = find('#news')

  async function load (query: Record<string, string>): Promise<HTMLElement[]> {
    const { items, nextCursor } = await api<Page<Item>>('GET', `${path}?${new URLSearchParams(query)}`)
    more.hidden = nextCursor === null
    more.onclick = () => attempt(more, news, async () => {
      rows.append(...await load({ ...query, cursor: nextCursor ?? '' }))
      return undefined
    })
    return items.map((item) => {
      const row = find('li', template.content.cloneNode(true) as DocumentFragment)
      fill(row, item)
      return row
    })
  }

  const list: List = {
    async show (query = {}) {
      const first = await load(query)
      rows.replaceChildren(...first)
      find('#nobody').hidden = first.length > 0
    }
  }
  await attempt(rows, news, async () => {
    await list.show()
    return undefined
  })
  return list
}
