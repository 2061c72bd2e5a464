import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import type { PasswordHasher } from '../../lib/index.js'
import { ann, appWith, login } from '../helpers/app.js'
import { compile, plainEnv } from '../helpers/program.js'
import { until } from '../helpers/smtp.js'

const head = 'POST /login/bearer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'

/** A server that counts how many passwords it looks at, and gives clients so long for a request: milliseconds. */
async function listening (t: Test, requestTimeout: number): Promise<{ app: FastifyInstance, verified (): number }> {
  let verified = 0
  const hasher: PasswordHasher = { hash: async (password) => `$${password}`, verify: async (hash, password) => { verified++; return hash === `$${password}` }, needsRehash: () => false }
  const app = await appWith(t, { passwords: { hasher } }, { server: { requestTimeout, http: { headersTimeout: requestTimeout, connectionsCheckingInterval: 10 } } as FastifyServerOptions })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, verified: () => verified }
}

/** Sends some bytes, then more of them as long as it is heard; gives all that came back until the server has hung up. */
async function converse (t: Test, { app }: { app: FastifyInstance }, start: string, more = ''): Promise<string> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => { socket.destroy() })
  // It may hang up while something is on its way.
  socket.on('error', () => {})
  let heard = ''
  socket.setEncoding('latin1').on('data', (data) => { heard += String(data) })
  const closed = new Promise<void>((resolve) => { socket.once('close', resolve) })
  socket.write(start)
  const write = (): void => { if (!socket.destroyed) socket.write(more, () => { setImmediate(write) }) }
  if (more !== '') write()
  await closed
  return heard
}

t.test('bodies and headers that never come to an end', async (t) => {
  const server = await listening(t, 50)
  const body = JSON.stringify(ann)
  const slow = Promise.all(Array.from({ length: 50 }, async (_, n) => await converse(t, server, n % 2 === 0 ? `${head}Content-Length: ${body.length}\r\n\r\n${body.slice(0, -1)}` : `${head}X-Slow: `)))
  const credential = await login(server.app, 'bearer')
  t.equal((await server.app.inject({ ...credential, url: '/me' })).statusCode, 200, 'nobody else waits for them')
  t.strictSame((await slow).filter((reply) => !reply.startsWith('HTTP/1.1 408 ')), [])
  t.equal(server.verified(), 1, 'none of them had a password looked at')
})

t.test('bodies that are too long are refused before they are read', async (t) => {
  const server = await listening(t, 60_000)
  t.match(await converse(t, server, `${head}Content-Length: ${10 * 1024 * 1024}\r\n\r\n`), /^HTTP\/1.1 413 /, 'by what they say of their length')

  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
  t.match(await converse(t, server, `${head}Transfer-Encoding: chunked\r\n\r\n`, chunk), /^HTTP\/1.1 413 /, 'by what has come')
  t.equal(server.verified(), 0)
})

t.test('floods of headers', async (t) => {
  const server = await listening(t, 60_000)
  const headers = (count: number): string => Array.from({ length: count }, (_, n) => `x${n}: y\r\n`).join('')
  t.match(await converse(t, server, `${head}${headers(10_000)}Content-Length: 0\r\n\r\n`), /^HTTP\/1.1 431 /)
  t.match(await converse(t, server, `${head}Cookie: ${'a=b; '.repeat(10_000)}\r\n\r\n`), /^HTTP\/1.1 431 /)
  const body = JSON.stringify(ann)
  const many = await converse(t, server, `${head}Connection: close\r\nContent-Length: ${body.length}\r\n${headers(1_500)}\r\n${body}`)
  t.match(many, /^HTTP\/1.1 200 /, 'what is within bounds is a request as any other')
  t.equal(server.verified(), 1)
})

t.test('a server that is told to go answers all that it has let in', async (t) => {
  const child = spawn(process.execPath, [compile(t.testdir(), 'test/faults/draining.ts')], { env: plainEnv(), stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let sought = 0
  let port = 0
  createInterface(child.stdout).on('line', (line) => {
    if (line === 'sought') sought++
    else port = Number(line.split(' ')[1])
  })
  await until(() => port !== 0 || child.exitCode !== null, 'the server did not start')
  const logIn = async (): Promise<[status: number | undefined, body: string]> => {
    const sent = request({ host: '127.0.0.1', port, path: '/login/bearer', method: 'POST', headers: { 'content-type': 'application/json' } })
    sent.end(JSON.stringify(ann))
    const [reply] = await once(sent, 'response') as [IncomingMessage]
    return [reply.statusCode, await text(reply)]
  }

  const letIn = Array.from({ length: 20 }, logIn)
  await until(() => sought === 20)
  const [status, body] = await logIn()
  t.equal(status, 503, 'it is full')
  t.match(JSON.parse(body), { code: 'FST_USERS_BUSY' })
  child.kill('SIGTERM')
  for (const [status, body] of await Promise.all(letIn)) {
    t.equal(status, 200, body)
  }
  t.strictSame(await ended, [0, null])
})
