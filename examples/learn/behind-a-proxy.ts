// Behind a proxy that ends TLS and passes on a part of its paths: who the client is, Secure cookies, and cookies' paths.
import { createServer, request as send, type Server } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { cookie, memory, opaque, type FastifyUsersOptions } from 'fastify-users'

export interface Settings extends Partial<FastifyUsersOptions> {
  /** The address of the proxy, or a list of addresses and networks: whose word on clients counts. Never `true`. */
  readonly proxy?: string
  /** What the proxy cuts off the front of a path. */
  readonly publicPath?: string
}

export async function buildApp ({ proxy = '127.0.0.1', publicPath = '/shop', ...settings }: Settings = {}): Promise<FastifyInstance> {
  const app = Fastify({ trustProxy: proxy })
  await app.register(fastifyUsers, {
    users: memory(),
    strategy: opaque(),
    // Secure, as always: it is the browser that must speak HTTPS, and it does. The app itself may be reached over plain HTTP.
    backends: [cookie({
      refresh: true,
      // Paths as the browser knows them. Without the second one it would never send the refresh token.
      cookiePath: publicPath,
      refreshCookiePath: `${publicPath}/refresh/cookie`
    })],
    // So low to be seen in this example. The client is the one that the proxy names.
    throttle: { login: { perClient: { attempts: 3, seconds: 900 } } },
    mails: { baseUrl: `https://shop.example.com${publicPath}` },
    ...settings
  })

  app.get('/whoami', async ({ ip, protocol, host }) => ({ ip, protocol, host }))
  app.get('/account', { onRequest: app.authenticate() }, async ({ user }) => ({ email: user.email }))
  return app
}

/** What a proxy has to do, without the TLS: nginx, Caddy or a load balancer in real life. */
export function buildProxy (app: { readonly port: number }, publicPath = '/shop'): Server {
  return createServer((request, response) => {
    const path = `${request.url}`
    if (!path.startsWith(`${publicPath}/`)) {
      response.writeHead(404).end()
      return
    }
    const headers = {
      // Host stays. So the app knows what the browser calls it.
      ...request.headers,
      // What a client says of these counts for nothing: they are written anew, not added to.
      'x-forwarded-for': request.socket.remoteAddress,
      'x-forwarded-proto': 'https',
      'x-forwarded-host': request.headers.host
    }
    const passedOn = send({ host: '127.0.0.1', port: app.port, method: request.method, path: path.slice(publicPath.length), headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(response)
    })
    // One that has begun to answer cannot say anything else any more.
    passedOn.on('error', () => { response.headersSent ? response.destroy() : response.writeHead(502).end() })
    response.on('close', () => passedOn.destroy())
    request.pipe(passedOn)
  })
}

if (process.argv[1] === import.meta.filename) {
  const port = Number(process.env.PORT ?? 3000)
  const app = await buildApp()
  const ann = { email: 'ann@example.com', password: 'correct horse battery staple' }
  await app.users.create(ann)
  const url = await app.listen({ host: '127.0.0.1', port })
  const proxy = buildProxy({ port: Number(new URL(url).port) }).listen(port === 0 ? 0 : port + 1, '127.0.0.1')
  proxy.once('listening', () => {
    const { port } = proxy.address() as { port: number }
    const json = "-H 'content-type: application/json'"
    const wrong = JSON.stringify({ ...ann, password: 'wrong horse' })
    console.log(`The app is at ${url}, the proxy at http://127.0.0.1:${port}/shop. Paste these into another terminal:

  curl -i http://127.0.0.1:${port}/shop/whoami     # 200
  curl -i -H 'x-forwarded-for: 203.0.113.9' http://127.0.0.1:${port}/shop/whoami     # 200, and still 127.0.0.1
  curl -i ${json} -d '${JSON.stringify(ann)}' http://127.0.0.1:${port}/shop/login/cookie     # 200, Secure cookies for /shop
  curl -i ${json} -d '${wrong}' http://127.0.0.1:${port}/shop/login/cookie     # 400
  curl -i ${json} -d '${wrong}' http://127.0.0.1:${port}/shop/login/cookie     # 400
  curl -i ${json} -d '${wrong}' http://127.0.0.1:${port}/shop/login/cookie     # 400
  curl -i ${json} -d '${wrong}' http://127.0.0.1:${port}/shop/login/cookie     # 429

Another client, of whom a proxy on this machine tells the app:

  curl -i -H 'x-forwarded-for: 203.0.113.9' ${json} -d '${wrong}' ${url}/login/cookie     # 400

Ctrl-C ends it.`)
  })
}
