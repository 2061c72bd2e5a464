import { createFloor } from '../floor.js'
import { createTokens } from '../floor-jwt.js'
import { openStore } from '../floor-stores.js'
import { claimsOf, credentialsOf, logInByHand, makeUsers, serve, settings } from '../serve.js'

const { transport = 'bearer', algorithm = 'HS256', remembers = true, store = 'memory' } = settings
const users = makeUsers()
const tokens = createTokens(algorithm, transport, remembers)
const { userOf } = await openStore[store](users, [], settings)

const { app, send } = createFloor(transport, (token) => {
  const claims = tokens.read(token)
  return claims === null ? null : userOf(claims.sub, claims.jti, claims.epoch)
})

const made = users.map((user) => tokens.make(claimsOf(user, transport)))
await logInByHand(app, made)
await serve(app, credentialsOf(users, made, send))
