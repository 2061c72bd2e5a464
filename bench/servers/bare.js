import Fastify from 'fastify'
import { makeUsers, schema, serve } from '../serve.js'

const app = Fastify()
const [user] = makeUsers()

app.get('/me', { schema }, async () => user)

await serve(app)
