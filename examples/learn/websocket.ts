// WebSockets by @fastify/websocket: who is logged in at the handshake, pages of other sites, and sockets that end with the session.
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { bearer, cookie, memory, opaque, type AuditEvent, type FastifyUsersOptions } from 'fastify-users'
import type { RawData } from 'ws'

export interface Settings extends Partial<FastifyUsersOptions> {
  /** How often it is asked whether a session still lives. */
  readonly lookEverySeconds?: number
}

interface Open {
  readonly userId: string
  /** Closes the socket if its session has ended. */
  look (): unknown
}

export async function buildApp ({ lookEverySeconds = 60, ...settings }: Settings = {}): Promise<FastifyInstance> {
  const open = new Set<Open>()

  /** What has happened in this process is known at once. */
  function audit ({ userId }: AuditEvent): void {
    for (const socket of open) if (socket.userId === userId) socket.look()
  }

  const app = Fastify()
  // Before the routes. A message is no place for megabytes.
  await app.register(websocket, { options: { maxPayload: 64 * 1024 } })
  await app.register(fastifyUsers, {
    users: memory(),
    strategy: opaque(),
    backends: [cookie({ cookieSecure: process.env.NODE_ENV === 'production' }), bearer()],
    routes: { sessions: true },
    audit,
    ...settings
  })

  // What has happened elsewhere, or was a matter of time, is known a little later.
  const timer = setInterval(() => { for (const socket of open) socket.look() }, lookEverySeconds * 1000)
  app.addHook('onClose', async () => { clearInterval(timer) })

  const guard = app.authenticate()

  // The guard answers 401 or 403 in place of the handshake: whoever is refused never has a socket.
  app.get('/echo', { websocket: true, onRequest: guard }, (socket, request) => {
    const { user } = request

    async function look (): Promise<void> {
      try {
        // Once more as at the handshake: is the token still good, and the user still active?
        await guard(request, request)
      } catch (error) {
        const { statusCode = 500 } = error as { statusCode?: number }
        // A store that does not answer is no reason: it will be asked again.
        if (statusCode < 500) end()
      }
    }

    function end (): void {
      // A client that does not close its end may go on sending for half a minute.
      socket.off('message', answer)
      socket.close(4401, 'logged out')
    }

    function answer (data: RawData): void {
      // Who sends, and does not read, would fill the memory with answers.
      if (socket.bufferedAmount > 1024 * 1024) socket.terminate()
      else socket.send(`${user.email}: ${String(data)}`)
    }

    const entry = { userId: user.id, look }
    open.add(entry)
    socket.on('close', () => { open.delete(entry) })
    socket.on('message', answer)
  })
  return app
}

if (process.argv[1] === import.meta.filename) {
  const app = await buildApp({ lookEverySeconds: 5 })
  const ann = { email: 'ann@example.com', password: 'correct horse battery staple' }
  await app.users.create(ann)
  app.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Echo</title>
<button id="login">Log in</button> <button id="open">Open a socket</button> <button id="send">Send</button> <button id="logout">Log out</button>
<pre></pre>
<script type="module">
  const show = (text) => { document.querySelector('pre').textContent += text + '\\n' }
  const on = (id, listener) => document.querySelector(id).addEventListener('click', listener)
  let socket
  on('#login', async () => show('login ' + (await fetch('/login/cookie', { method: 'POST', body: new URLSearchParams(${JSON.stringify(ann)}) })).status))
  on('#logout', async () => show('logout ' + (await fetch('/logout/cookie', { method: 'POST' })).status))
  on('#send', () => socket.send('hello'))
  on('#open', () => {
    socket = new WebSocket(location.origin.replace('http', 'ws') + '/echo')
    socket.onopen = () => show('open')
    socket.onmessage = ({ data }) => show(data)
    socket.onclose = ({ code, reason }) => show('closed ' + code + ' ' + reason)
  })
</script>`))
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  const handshake = "-H 'connection: upgrade' -H 'upgrade: websocket' -H 'sec-websocket-version: 13' -H 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=='"
  console.log(`Open ${url} in a browser, or send handshakes from another terminal. What is let in is a socket, and ends with --max-time:

  curl -i ${handshake} ${url}/echo     # 401
  curl -i -c jar.txt -H 'content-type: application/json' -d '${JSON.stringify(ann)}' ${url}/login/cookie     # 200
  curl -i -b jar.txt --max-time 1 ${handshake} -H 'origin: ${url}' ${url}/echo     # 101
  curl -i -b jar.txt ${handshake} -H 'origin: https://evil.example' ${url}/echo     # 403, CROSS_SITE_REQUEST

Ctrl-C ends it.`)
}
