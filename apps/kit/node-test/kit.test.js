import assert from 'node:assert/strict'
import test from 'node:test'
import { memory } from 'fastify-users'
import { cheapHashes, createUser, loginAs } from 'fastify-users/testing'
import { buildApp } from './shared/app.js'
import { cases } from './shared/cases.js'

for (const { name, run } of cases) test(name, run)

test('who am I?', async (t) => {
  const app = await buildApp({ users: memory(), passwords: cheapHashes })
  t.after(() => app.close())
  const ann = await createUser(app)
  const reply = await app.inject({ url: '/me', headers: await loginAs(app, ann) })
  assert.deepEqual(reply.json(), ann)
})
