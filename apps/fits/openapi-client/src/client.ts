import createClient, { type Client } from 'openapi-fetch'
import type { paths } from './api.js'

export type Api = Client<paths>

/** A client that sends a bearer token from the login on. */
export function connect (baseUrl: string): { api: Api, logIn (email: string, password: string): Promise<void> } {
  const api = createClient<paths>({ baseUrl })
  return {
    api,
    async logIn (email, password) {
      const { data, error } = await api.POST('/login/bearer', { body: { email, password } })
      if (error !== undefined) throw new Error(`${error.code}: ${error.message}`)
      api.use({
        onRequest ({ request }) {
          request.headers.set('authorization', `Bearer ${data.access_token}`)
        }
      })
    }
  }
}
