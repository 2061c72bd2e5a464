// An app in a process of its own, to be killed. It says at which port it is, and ends when its input does, so that it outlives no test.
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import pg from 'pg'
import fastifyUsers, { bearer, opaque } from '../../lib/index.js'
import { postgres, sqlite, type SqlUserStore } from '../../lib/stores/sql/index.js'

/** What is handed over as the one argument, as JSON. */
export interface ServerOptions {
  /** A SQLite file, for `/sqlite`. */
  readonly file: string
  /** Tables of PostgreSQL, for `/postgres`; `null`: none. */
  readonly tables: { readonly tablePrefix: string, readonly connection: pg.PoolConfig } | null
  /** Where its clock stands still: milliseconds since 1970. So however slow a machine is, no time passes. */
  readonly now: number
}

const { file, tables, now } = JSON.parse(process.argv[2] as string) as ServerOptions

process.stdin.on('end', () => { process.exit() }).resume()

const app = Fastify()
await serve('/sqlite', await sqlite(file))
if (tables !== null) await serve('/postgres', await postgres(new pg.Pool(tables.connection), { tablePrefix: tables.tablePrefix }))
await app.listen({ host: '127.0.0.1', port: 0 })
console.log((app.server.address() as AddressInfo).port)

async function serve (prefix: string, users: SqlUserStore): Promise<void> {
  await app.register(async (scope) => {
    await scope.register(fastifyUsers, {
      users,
      strategy: opaque(),
      backends: [bearer({ refresh: { graceSeconds: 10 } })],
      passwords: { memoryCost: 8, timeCost: 1 },
      routes: { register: true },
      storeTimeoutMs: 60_000,
      throttle: false,
      clock: () => now
    })
    scope.get('/me', { preHandler: scope.authenticate() }, async ({ user }) => user)
  }, { prefix })
}
