import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'

/** What becomes of connections, and of what they carry. */
export type Mode =
  /** All goes through. */
  | 'pass'
  /** Nobody listens, and whoever was connected is cut off. */
  | 'refuse'
  /** Connections are taken, and nothing goes through: what was sent meanwhile arrives when another mode comes. */
  | 'stall'
  /** Each piece is so many milliseconds late. */
  | { readonly delayMs: number }
  /** Of each connection, so many bytes of replies from now on go through; then it is cut off, or stalls. */
  | { readonly replyBytes: number, readonly then: 'cut' | 'stall' }
  /** The same with the reply to what holds this text: what was asked for has been done by then. */
  | { readonly noReplyTo: string, readonly then: 'cut' | 'stall' }

/** Stands between a client and a server, on a port of 127.0.0.1; it ends with the test. */
export interface TcpProxy {
  readonly port: number
  /** How many connections have broken down in the replies to what was sent, so far. */
  readonly brokenDown: number
  become (mode: Mode): Promise<void>
}

/** A client, and the server behind. */
interface Link {
  readonly client: Socket
  readonly server: Socket
  /** How many bytes of replies went through in this mode. */
  replied: number
  /** Whether the next reply breaks it. */
  isDoomed: boolean
  /** Whether it has broken down in this mode. */
  isStuck: boolean
  /** Go on with what was held back. */
  readonly resume: Array<() => void>
}

/** Starts a proxy that lets all through. */
export async function tcpProxy (t: Test, { host, port: serverPort }: { readonly host: string, readonly port: number }): Promise<TcpProxy> {
  const links = new Set<Link>()
  let mode: Mode = 'pass'
  let brokenDown = 0
  let listener: Server | null = null

  function accept (client: Socket): void {
    const link: Link = { client, server: createConnection({ host, port: serverPort }), replied: 0, isDoomed: false, isStuck: false, resume: [] }
    links.add(link)
    link.resume.push(connect(link, client, link.server), connect(link, link.server, client))
    if (mode === 'refuse') cutOff(link)
  }

  function isOpen ({ isStuck }: Link): boolean {
    return !isStuck && mode !== 'stall'
  }

  /** Hands on what one side sends, and that it has ended; the result goes on with what was held back. */
  function connect (link: Link, from: Socket, to: Socket): () => void {
    const held: Array<Buffer | null> = []
    let isLate = false

    function flush (): void {
      while (held.length > 0 && !isLate && isOpen(link)) step(held.shift() as Buffer | null)
    }

    function step (piece: Buffer | null): void {
      if (typeof mode !== 'object' || !('delayMs' in mode)) return handOn(piece)
      isLate = true
      setTimeout(() => {
        isLate = false
        handOn(piece)
        flush()
      }, mode.delayMs)
    }

    function handOn (piece: Buffer | null): void {
      if (piece === null) {
        links.delete(link)
        to.end()
        return
      }
      const size = to === link.client ? sizeLeft(link) : Infinity
      if (size <= piece.length) {
        brokenDown++
        link.isStuck = true
        held.unshift(piece.subarray(size))
        // What leaves now still arrives.
        if (typeof mode === 'object' && 'then' in mode && mode.then === 'cut') setImmediate(cutOff, link)
      }
      const leaving = piece.subarray(0, Math.min(size, piece.length))
      if (to === link.client) link.replied += leaving.length
      else if (typeof mode === 'object' && 'noReplyTo' in mode && piece.includes(mode.noReplyTo)) link.isDoomed = true
      if (to.writable) to.write(leaving)
    }

    function put (piece: Buffer | null): void {
      held.push(piece)
      flush()
    }

    from.on('data', put)
    from.on('close', () => { put(null) })
    from.on('error', () => {})
    return flush
  }

  /** How much of a reply goes through before its connection breaks down. */
  function sizeLeft ({ replied, isDoomed }: Link): number {
    if (isDoomed) return 0
    return typeof mode === 'object' && 'replyBytes' in mode ? mode.replyBytes - replied : Infinity
  }

  function cutOff (link: Link): void {
    links.delete(link)
    link.client.destroy()
    link.server.destroy()
  }

  async function listen (port: number): Promise<void> {
    const server = createServer(accept)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    listener = server
  }

  /** Whoever has left the port may find it taken for a moment. */
  async function listenAgain (port: number): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      try {
        return await listen(port)
      } catch {
        await sleep(50)
      }
    }
    throw new Error(`port ${port} was taken by somebody else`)
  }

  function hangUp (): void {
    listener?.close()
    listener = null
    for (const link of links) cutOff(link)
  }

  const port = await listenAnywhere(listen)
  t.after(hangUp)

  return {
    port,
    get brokenDown () { return brokenDown },
    async become (next) {
      mode = next
      if (next === 'refuse') return hangUp()
      if (listener === null) await listenAgain(port)
      for (const link of links) {
        link.replied = 0
        link.isDoomed = false
        link.isStuck = false
        for (const resume of link.resume) resume()
      }
    }
  }
}

/** Below the ports that systems give to whoever connects to somewhere, so that it is still free when it is left for a moment. */
async function listenAnywhere (listen: (port: number) => Promise<void>): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(20_000, 32_000)
    try {
      await listen(port)
      return port
    } catch {}
  }
  throw new Error('there is no free port')
}
