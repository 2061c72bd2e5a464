import { cookie } from '../../dist/index.js'
import { createApp, logIn } from '../fastify-users.js'
import { schema, serve } from '../serve.js'

const app = await createApp([cookie()])
app.get('/me', { preHandler: app.authenticate(), schema }, async (request) => request.user)

await serve(app, await logIn(app, 'cookie', (response) => {
  const [{ name, value }] = response.cookies
  return { header: 'cookie', value: `${name}=${value}` }
}))
