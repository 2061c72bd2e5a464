import { deepEqual, equal } from 'node:assert/strict'
import { ann, journey, run } from '../shared/journey.mjs'
import { buildApp } from './app.js'

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
  }
})
await app.close()
