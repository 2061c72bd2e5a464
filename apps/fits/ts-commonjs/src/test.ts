import { deepEqual, equal } from 'node:assert/strict'
import fastifyUsers = require('fastify-users')
import { ann, journey, run } from '../shared/journey.mjs'
import { buildApp } from './app.js'

test()

async function test (): Promise<void> {
  const app = await buildApp()
  await app.ready()
  await app.users.create({ ...ann, nickname: 'Ann' })

  await run({
    'by a bearer token': async () => {
      deepEqual((await journey(app)).json(), { email: ann.email, nickname: 'ANN' })
    },
    'by a cookie': () => journey(app, { backend: 'cookie' }),
    'somebody who need not be logged in': async () => {
      equal((await app.inject('/greet/BO')).body, 'stranger greets bo')
    },
    'what import = require() has by its types is there': () => {
      equal(fastifyUsers.default, fastifyUsers.fastifyUsers)
      equal(typeof fastifyUsers.cookie, 'function')
      const user: Partial<fastifyUsers.User> = { nickname: 'Ann' }
      equal(user.nickname, 'Ann')
    }
  })
  await app.close()
}
