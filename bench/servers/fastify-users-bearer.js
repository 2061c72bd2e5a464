import { bearer } from '../../dist/index.js'
import { createApp, logIn } from '../fastify-users.js'
import { schema, serve } from '../serve.js'

const app = await createApp([bearer()])
app.get('/me', { preHandler: app.authenticate(), schema }, async (request) => request.user)

await serve(app, await logIn(app, 'bearer', (response) => ({
  header: 'authorization',
  value: `Bearer ${response.json().access_token}`
})))
