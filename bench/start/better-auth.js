import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { fromNodeHeaders } from 'better-auth/node'
import Fastify from 'fastify'
import { listen, secret } from './app.js'

const app = Fastify()
const auth = betterAuth({
  secret,
  baseURL: 'http://127.0.0.1',
  database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false }
})
app.get('/me', {
  preHandler: async (request) => {
    const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) })
    if (session === null) throw Object.assign(new Error('Unauthorized'), { statusCode: 401 })
    request.user = session.user
  }
}, async (request) => request.user)
await listen(app)
