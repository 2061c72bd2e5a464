import Fastify from 'fastify'
import { createFloor } from '../floor.js'
import { makeUsers, schema, serve } from '../serve.js'

const app = Fastify()
const users = makeUsers()
const { tokens, guard } = createFloor(users, 'bearer', ({ authorization }) =>
  authorization?.startsWith('Bearer ') ? authorization.slice(7) : null)

app.decorateRequest('user', null)
app.get('/me', { onRequest: guard, schema }, async (request) => request.user)

await serve(app, tokens.map((token, i) => ({ header: 'authorization', value: `Bearer ${token}`, email: users[i].email })))
