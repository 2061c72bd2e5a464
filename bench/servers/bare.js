import Fastify from 'fastify'
import { logInByHand, makeUsers, schema, serve } from '../serve.js'

const app = Fastify()
const [user] = makeUsers()

app.get('/me', { schema }, async () => user)

await logInByHand(app, [])
await serve(app)
