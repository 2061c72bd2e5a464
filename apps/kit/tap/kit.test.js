import t from 'tap'
import { memory } from 'fastify-users'
import { cheapHashes, createUser, loginAs } from 'fastify-users/testing'
import { buildApp } from './shared/app.js'
import { cases } from './shared/cases.js'

for (const { name, run } of cases) t.test(name, run)

t.test('who am I?', async (t) => {
  const app = await buildApp({ users: memory(), passwords: cheapHashes })
  t.after(() => app.close())
  const ann = await createUser(app)
  const reply = await app.inject({ url: '/me', headers: await loginAs(app, ann) })
  t.strictSame(reply.json(), ann)
})
