import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { NewTestUser } from '../../lib/testing/create-user.js'
import type { User } from '../../lib/index.js'

/** What the users of an example log in with. */
export const password = 'horse staple battery'

// The kit for tests knows the plugin of its own build alone, and an example has another one.

export async function createUser (app: FastifyInstance, user: NewTestUser = {}): Promise<User> {
  return await app.users.create({ email: `${randomUUID()}@example.com`, password, ...user })
}

/** The headers that a page of the app itself would send. */
export async function loginAs (app: FastifyInstance, { email }: { readonly email: string }, backend = 'cookie'): Promise<Record<string, string>> {
  const reply = await app.inject({ method: 'POST', url: `/login/${backend}`, payload: { email, password } })
  if (reply.statusCode !== 200) throw Object.assign(new Error(reply.body), { statusCode: reply.statusCode })
  const [first] = reply.cookies
  if (first === undefined) return { authorization: `Bearer ${reply.json<{ access_token: string }>().access_token}` }
  return { 'sec-fetch-site': 'same-origin', cookie: `${first.name}=${first.value}` }
}
