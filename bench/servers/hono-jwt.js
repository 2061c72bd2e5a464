// As the documentation of hono shows it, on @hono/node-server, and then the user, whom the token only names.
import { serve as listen } from '@hono/node-server'
import { Hono } from 'hono'
import { jwt, sign } from 'hono/jwt'
import { asBearer, claimsOf, credentialsOf, makeUsers, secret, serveAt } from '../serve.js'

const users = makeUsers()
const byId = new Map(users.map((user) => [user.id, user]))
const app = new Hono()

app.use('/me', jwt({ secret, alg: 'HS256' }))
app.get('/me', (c) => {
  const user = byId.get(c.get('jwtPayload').sub)
  return user === undefined ? c.json({ error: 'Unauthorized' }, 401) : c.json(user)
})

// Its middleware takes an audience for an option that was forgotten, so the tokens have none.
const tokens = await Promise.all(users.map(async (user) => {
  const { aud, ...claims } = claimsOf(user, 'bearer')
  return await sign(claims, secret)
}))
listen({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  serveAt(port, credentialsOf(users, tokens, asBearer))
})
