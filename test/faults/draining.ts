/** A server whose hashes come to an end when it is told to go: what the test of overload starts, in a process of its own. */
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import fastifyUsers, { bearer, memory, opaque } from '../../lib/index.js'

process.stdin.on('end', () => { process.exit(1) }).resume()

const app = Fastify()
const stored = memory()
let leaving = (): void => {}
const gone = new Promise<void>((resolve) => { leaving = resolve })
process.once('SIGTERM', () => {
  app.close().then(() => { process.exit() }, () => { process.exit(2) })
  leaving()
})

await app.register(fastifyUsers, {
  users: { ...stored, findByEmail: async (key) => { console.log('sought'); return await stored.findByEmail(key) } },
  strategy: opaque(),
  backends: [bearer()],
  // All come from one address, more at once than anybody may.
  throttle: false,
  passwords: {
    hasher: {
      hash: async (password) => `$${password}`,
      verify: async (hash, password) => {
        await gone
        // As long as a real one may take, so that the line does not vanish at once.
        await new Promise((resolve) => setTimeout(resolve, 5))
        return hash === `$${password}`
      },
      needsRehash: () => false
    },
    concurrency: 2,
    queueLimit: 18,
    queuePerClient: 20,
    queueTimeoutMs: 600_000
  }
})
await app.users.create({ email: 'ann@example.com', password: 'correct horse battery staple' })
await app.listen({ host: '127.0.0.1', port: 0 })
console.log(`port ${(app.server.address() as AddressInfo).port}`)
