// No server: the library alone, verifying as many at once as fastify-users would. Asked for a sample, it tells how many a second.
import { serveAt, settings } from '../serve.js'

const { library, concurrency, seconds } = settings
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
const { hash, verify } = (await import(library)).default
const hashed = await hash('correct horse battery staple', cost)

serveAt(null)
process.removeAllListeners('message')
process.on('message', async () => process.send({ perSecond: await rate() }))

async function rate () {
  const start = performance.now()
  const end = start + seconds * 1000
  const counts = await Promise.all(Array.from({ length: concurrency }, async () => {
    let count = 0
    for (; performance.now() < end; count++) await verify(hashed, 'correct horse battery staple')
    return count
  }))
  return counts.reduce((sum, count) => sum + count) / (performance.now() - start) * 1000
}
