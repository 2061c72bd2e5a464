const { memory } = require('fastify-users')
const { cheapHashes, createUser, loginAs } = require('fastify-users/testing')
const { buildApp } = require('./shared/app.js')
const { cases } = require('./shared/cases.js')
/* global expect, test */

for (const { name, run } of cases) test(name, run)

test('who am I?', async () => {
  const app = await buildApp({ users: memory(), passwords: cheapHashes })
  const ann = await createUser(app)
  const reply = await app.inject({ url: '/me', headers: await loginAs(app, ann) })
  expect(reply.json()).toEqual(ann)
  await app.close()
})
