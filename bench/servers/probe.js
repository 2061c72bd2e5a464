// Asks a store for one row by its key, a hundred times a second, and tells how long the answers took since it was asked last: ms.
import { settings } from '../serve.js'
import { postgresPool, redisClient } from '../stores.js'

const { store, prefix } = settings

const lookUps = {
  async postgres () {
    const pool = await postgresPool({ max: 1 })
    const { rows: [{ id }] } = await pool.query(`select id from ${prefix}_sessions limit 1`)
    return () => pool.query({ name: 'probe', text: `select * from ${prefix}_sessions where id = $1`, values: [id] })
  },
  async redis () {
    const client = await redisClient()
    return () => client.get(`${prefix}:probe`)
  }
}

const lookUp = await lookUps[store]()
let latencies = []
let isWaiting = false

async function ask () {
  if (isWaiting) return
  isWaiting = true
  const start = performance.now()
  await lookUp()
  latencies.push(performance.now() - start)
  isWaiting = false
}

setInterval(ask, 10)
process.on('disconnect', () => process.exit())
process.on('message', () => {
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  latencies = []
  process.send({ p50: at(0.5), p99: at(0.99) })
})
process.send({ port: 0, credentials: [], secret: '' })
