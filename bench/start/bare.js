import Fastify from 'fastify'
import { listen, user } from './app.js'

const app = Fastify()
app.get('/me', async () => user)
await listen(app)
