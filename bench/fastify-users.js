// An app with fastify-users, as its documentation makes it.
import Fastify from 'fastify'
import fastifyUsers from '../dist/index.js'
import { emails, visit } from './serve.js'

const password = 'correct horse battery staple'

/** @param options those of the plugin */
export async function createApp (options) {
  const app = Fastify()
  await app.register(fastifyUsers, {
    ...options,
    // Cheap, and for the bench alone: hundreds of users are made and logged in before anything is measured.
    passwords: { memoryCost: 8, timeCost: 1, ...options.passwords }
  })
  return app
}

/** Makes the users and logs each in, through the front door; `read` takes header and value from the login's response. */
export async function logIn (app, backend, read) {
  for (const email of emails) await app.users.create({ email, password })
  const logins = emails.map((email) => ({ method: 'POST', path: `/login/${backend}`, body: { email, password } }))
  return (await visit(app, logins)).map((response, i) => {
    if (response.status !== 200) throw new Error(`login failed: ${response.status}`)
    return { ...read(response), email: emails[i] }
  })
}
