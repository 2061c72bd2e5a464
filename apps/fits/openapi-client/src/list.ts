import type { Api } from './client.js'

/** The addresses of all users, a page at a time. For superusers. */
export async function addresses (api: Api, limit = 100): Promise<string[]> {
  const found: string[] = []
  for (let cursor: string | null | undefined; cursor !== null;) {
    const { data, error } = await api.GET('/users', { params: { query: { limit, ...cursor === undefined ? {} : { cursor } } } })
    if (error !== undefined) throw new Error(error.code === 'FORBIDDEN' ? 'Only superusers see that.' : error.message)
    found.push(...data.items.map(({ email }) => email))
    cursor = data.nextCursor
  }
  return found
}
