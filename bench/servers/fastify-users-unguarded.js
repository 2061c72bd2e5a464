// The plugin is there, the route has no guard: what everybody pays for it.
import { bearer, cookie } from '../../dist/index.js'
import { createApp } from '../fastify-users.js'
import { makeUsers, schema, serve } from '../serve.js'

const app = await createApp([cookie(), bearer()])
const [user] = makeUsers()

app.get('/me', { schema }, async () => user)

await serve(app)
