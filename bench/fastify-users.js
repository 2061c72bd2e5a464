// An app with fastify-users, as its documentation makes it.
import Fastify from 'fastify'
import fastifyUsers from '../dist/index.js'
import { emails } from './serve.js'

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
  const credentials = []
  for (const email of emails) {
    await app.users.create({ email, password })
    const response = await app.inject({ method: 'POST', url: `/login/${backend}`, payload: { email, password } })
    if (response.statusCode !== 200) throw new Error(`login failed: ${response.statusCode} ${response.body}`)
    credentials.push({ ...read(response), email })
  }
  return credentials
}
