import { memory } from 'fastify-users'
import { cheapHashes, createUser, loginAs } from 'fastify-users/testing'
import { expect, onTestFinished, test } from 'vitest'
import { buildApp } from './shared/app.js'
import { cases } from './shared/cases.js'

for (const { name, run } of cases) test(name, run)

test('who am I?', async () => {
  const app = await buildApp({ users: memory(), passwords: cheapHashes })
  onTestFinished(() => app.close())
  const ann = await createUser(app)
  const reply = await app.inject({ url: '/me', headers: await loginAs(app, ann) })
  expect(reply.json()).toEqual(ann)
})
