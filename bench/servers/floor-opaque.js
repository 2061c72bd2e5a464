// A token that says nothing, as long as one of fastify-users; its session is found by its SHA-256.
import { hash, randomBytes } from 'node:crypto'
import { cached, createFloor } from '../floor.js'
import { openStore } from '../floor-stores.js'
import { credentialsOf, logInByHand, makeUsers, serve, settings } from '../serve.js'

const { store = 'memory', cacheSeconds } = settings
const users = makeUsers()
const tokens = users.map(() => randomBytes(69).toString('base64url'))
const digest = (token) => hash('sha256', token, 'base64url')

const expiresAt = Date.now() + 86_400_000
const { userOfSession } = await openStore[store](users, users.map(({ id }, i) => ({ id: digest(tokens[i]), userId: id, epoch: 0, expiresAt })), settings)

const find = (token) => userOfSession(digest(token))
const { app, send } = createFloor('bearer', cacheSeconds === undefined ? find : cached(find, cacheSeconds))

await logInByHand(app, tokens)
await serve(app, credentialsOf(users, tokens, send))
