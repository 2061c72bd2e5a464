import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { Test } from 'tap'

const { env } = process

const host = env.REDIS_HOST ?? '127.0.0.1'
const port = Number(env.REDIS_PORT ?? 6379)
const promised = env.CI === 'true'

/** Why a test is skipped where there is no server, or no program to start one with. */
export const noRedis = `no Redis at ${host}:${port}`
export const noRedisProgram = 'no program redis-server'

/** A client that fails within a second or so when its server is down; it ends with the test. */
export function redisClient (t: Test, options: Omit<RedisOptions, 'replyMapping'> = {}): Redis {
  const client = new Redis({ maxRetriesPerRequest: 1, retryStrategy: () => 50, ...options })
  // Commands tell of their failures themselves.
  client.on('error', () => {})
  t.after(() => { client.disconnect() })
  return client
}

/** A client of a cluster; it ends with the test. */
export function clusterClient (t: Test, { nodes }: OwnCluster): Cluster {
  const client = new Cluster(nodes.map(({ port }) => ({ host: '127.0.0.1', port })), { redisOptions: { maxRetriesPerRequest: 1 } })
  client.on('error', () => {})
  t.after(() => { client.disconnect() })
  return client
}

/** A client of the Redis server that all tests share; `null` if there is none. */
export async function sharedRedis (t: Test): Promise<Redis | null> {
  const client = redisClient(t, { host, port, retryStrategy: null })
  try {
    await client.ping()
    return client
  } catch (error) {
    // A test that was skipped by mistake would pass for ever, so where the servers are promised their absence is a failure.
    if (promised) throw new Error(noRedis, { cause: error })
    return null
  }
}

/** What keys of this test alone begin with; they go when it ends. */
export function freshPrefix (t: Test, client: Redis): string {
  const prefix = `fu-test:${randomUUID()}:`
  t.after(async () => {
    const keys = await keysOf(client, prefix)
    for (let from = 0; from < keys.length; from += 1000) await client.del(...keys.slice(from, from + 1000))
  })
  return prefix
}

/** All keys that begin so. */
export async function keysOf (client: Redis, prefix: string): Promise<string[]> {
  const keys = new Set<string>()
  for await (const some of client.scanStream({ match: `${prefix}*`, count: 1000 })) for (const key of some as string[]) keys.add(key)
  return [...keys]
}

/** A Redis server of a test's own, on a free port of 127.0.0.1; it ends with the test. */
export interface OwnRedis {
  readonly port: number
  /** Ends it at once, as a power cut does. */
  kill (): Promise<void>
  /** Comes back on the same port, with what it had written to its disk. */
  start (): Promise<void>
}

/** Starts a server that writes every command to its disk; `null` if there is no program to start. */
export async function ownRedis (t: Test, settings: readonly string[] = ['--appendonly', 'yes', '--appendfsync', 'always']): Promise<OwnRedis | null> {
  const folder = mkdtempSync(join(tmpdir(), 'fastify-users-redis-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true, maxRetries: 3 }) })
  // A port that was free may be taken by the time the server asks for it.
  for (let attempt = 0; attempt < 3; attempt++) {
    const [port, busPort] = await freePorts(2) as [number, number]
    const cluster = settings.includes('--cluster-enabled') ? ['--cluster-port', String(busPort)] : []
    const command = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--loglevel', 'warning', ...cluster, ...settings]
    let running: ChildProcess | null = null
    const kill = async (): Promise<void> => {
      const child = running
      running = null
      if (child === null || child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    const start = async (): Promise<void> => {
      running = spawn('redis-server', command, { stdio: 'ignore' })
      await answers(running, port)
    }
    t.after(kill)
    try {
      await start()
      return { port, kill, start }
    } catch (error) {
      await kill()
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') continue
      if (promised) throw error
      return null
    }
  }
  throw new Error('redis-server did not come up, on any of three ports')
}

const shards = 3

/** Three masters, and after them a replica of each. */
export interface OwnCluster {
  readonly nodes: readonly OwnRedis[]
  /** Kills the master that a key is at. */
  killMasterOf (key: string): Promise<void>
}

/** Starts a cluster of six servers; `null` if there is no program to start. A master that is gone is replaced within seconds. */
export async function ownCluster (t: Test): Promise<OwnCluster | null> {
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1500', '--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0']
  const started = await Promise.all(Array.from({ length: 2 * shards }, async () => await ownRedis(t, settings)))
  const nodes = started.filter((node) => node !== null)
  if (nodes.length < 2 * shards) return null

  const clients = nodes.map(({ port }) => redisClient(t, { port }))
  const ids = await Promise.all(clients.map(async (client) => String(await client.cluster('MYID'))))
  const buses = await Promise.all(clients.map(async (client) => String((await client.config('GET', 'cluster-port') as string[])[1])))
  for (const [index, client] of clients.entries()) {
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
    if (index < shards) await client.call('CLUSTER', 'ADDSLOTSRANGE', String(firstSlot(index)), String(firstSlot(index + 1) - 1))
    if (index > 0) await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', String(nodes[index]?.port), String(buses[index]))
  }
  for (const [index, client] of clients.entries()) {
    if (index >= shards) await eventually(async () => { await client.call('CLUSTER', 'REPLICATE', String(ids[index - shards])) })
  }
  for (const [index, client] of clients.entries()) {
    await eventually(async () => {
      const [state, replication] = [String(await client.cluster('INFO')), await client.info('replication')]
      const ready = state.includes('cluster_state:ok') && state.includes(`cluster_known_nodes:${2 * shards}`)
      if (!ready || (index >= shards && !replication.includes('master_link_status:up'))) throw new Error(`node ${index} of the cluster is not ready`)
    }, 30)
  }

  return {
    nodes,
    async killMasterOf (key) {
      const slot = Number(await clients[0]?.cluster('KEYSLOT', key))
      await nodes[Math.floor(slot * shards / 16_384)]?.kill()
    }
  }
}

function firstSlot (shard: number): number {
  return Math.ceil(shard * 16_384 / shards)
}

/** Waits until this server answers, and no other one at its port, for 20 seconds at most. */
async function answers (child: ChildProcess, port: number): Promise<void> {
  let failure: unknown
  child.once('error', (error) => { failure = error })
  child.once('exit', () => { failure ??= new Error('redis-server has ended') })
  for (let round = 0; round < 400; round++) {
    if (failure !== undefined) throw failure
    const client = new Redis({ port, lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 })
    client.on('error', () => {})
    try {
      await client.connect()
      if ((await client.info('server')).includes(`process_id:${child.pid}\r`)) return
      await sleep(50)
    } catch {
      await sleep(50)
    } finally {
      client.disconnect()
    }
  }
  throw new Error('redis-server did not answer within 20 seconds')
}

/** Ports that nobody listens on at the moment. */
async function freePorts (count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(async (server) => await once(server.close(), 'close')))
  return ports
}

/** Stands between a client and a server, and can lose what the server answers. */
export interface LossyWire {
  readonly port: number
  /** The next reply is lost, and with it the connection. What was asked for has been done by then. */
  loseNextReply (): void
  /** How many replies were lost so far. */
  readonly lost: number
}

export async function lossyWire (t: Test, upstreamPort: number, upstreamHost = '127.0.0.1'): Promise<LossyWire> {
  const sockets = new Set<Socket>()
  let losing = false
  let lost = 0
  const server = createServer((client) => {
    const upstream = createConnection({ port: upstreamPort, host: upstreamHost })
    const hangUp = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) sockets.add(socket.on('error', hangUp).on('close', hangUp))
    client.on('data', (chunk) => upstream.write(chunk))
    upstream.on('data', (chunk) => {
      if (losing) {
        losing = false
        lost++
        hangUp()
      } else {
        client.write(chunk)
      }
    })
  })
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    loseNextReply () { losing = true },
    get lost () { return lost }
  }
}

/** Reports a test that cannot run here. */
export function skipped (t: Test, reason: string): void {
  t.comment(`skipped: ${reason}`)
  t.test('all', { skip: reason }, () => {})
}

/** Tries again until it works, for some seconds at most; gives what it gave. */
export async function eventually<T> (attempt: () => T | Promise<T>, seconds = 20): Promise<T> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > end) throw error
      await sleep(50)
    }
  }
}
