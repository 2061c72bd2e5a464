import Fastify from 'fastify'
import { createFloor } from '../floor.js'
import { makeUsers, schema, serve } from '../serve.js'

const app = Fastify()
const users = makeUsers()
const name = 'fastifyusersauth'
const pattern = new RegExp(`(?:^|; *)${name}=([^;]*)`)
const { tokens, guard } = createFloor(users, 'cookie', ({ cookie }) =>
  cookie === undefined ? null : pattern.exec(cookie)?.[1] ?? null)

app.decorateRequest('user', null)
app.get('/me', { onRequest: guard, schema }, async (request) => request.user)

await serve(app, tokens.map((token, i) => ({ header: 'cookie', value: `${name}=${token}`, email: users[i].email })))
