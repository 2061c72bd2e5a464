// For gate.test.js alone: the floor for bearer tokens, which wastes some time with each request.
import { createFloor } from '../floor.js'
import { createTokens } from '../floor-jwt.js'
import { openStore } from '../floor-stores.js'
import { claimsOf, credentialsOf, makeUsers, serve, settings } from '../serve.js'

const users = makeUsers()
const tokens = createTokens('HS256', 'bearer', true)
const { userOf } = openStore.memory(users, [])

const { app, send } = createFloor('bearer', (token) => {
  const until = performance.now() + settings.wasteMicroseconds / 1000
  while (performance.now() < until);
  const claims = tokens.read(token)
  return claims === null ? null : userOf(claims.sub, claims.jti, claims.epoch)
})

await serve(app, credentialsOf(users, users.map((user) => tokens.make(claimsOf(user, 'bearer'))), send))
