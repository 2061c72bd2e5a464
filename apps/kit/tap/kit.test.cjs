const t = require('tap')
const { memory } = require('fastify-users')
const { cheapHashes, createUser, loginAs } = require('fastify-users/testing')
const { buildApp } = require('./shared/app.js')
const { cases } = require('./shared/cases.js')

for (const { name, run } of cases) t.test(name, run)

t.test('who am I?', async (t) => {
  const app = await buildApp({ users: memory(), passwords: cheapHashes })
  t.after(() => app.close())
  const ann = await createUser(app)
  const reply = await app.inject({ url: '/me', headers: await loginAs(app, ann) })
  t.strictSame(reply.json(), ann)
})
