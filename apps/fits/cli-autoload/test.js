import { equal, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { once } from 'node:events'
import helper from 'fastify-cli/helper.js'
import { ann, journey, run } from './shared/journey.mjs'

// As its tests are laid out: `skipOverride` lets the test see what the app has.
const app = await helper.build(['app.js'], { skipOverride: true })

await run({
  async 'to register, under a prefix' () {
    equal((await app.inject({ method: 'POST', url: '/auth/register', payload: ann })).statusCode, 201)
    ok(app.hasDecorator('users'))
  },
  'by a bearer token': () => journey(app, { prefix: '/auth' }),
  'by a cookie': () => journey(app, { prefix: '/auth', backend: 'cookie' }),
  async 'the root is for everybody, the folder is not' () {
    equal((await app.inject('/')).statusCode, 200)
    equal((await app.inject('/me/secret')).statusCode, 401)
  },
  'started by `fastify start`': () => overHttp()
})
await app.close()

/** The same over HTTP. */
async function overHttp () {
  const port = await freePort()
  const server = spawn(process.execPath, ['node_modules/fastify-cli/cli.js', 'start', '-a', '127.0.0.1', '-p', String(port), '-l', 'warn', 'app.js'], { stdio: 'inherit', env: { ...process.env, PORT: '', FASTIFY_PORT: '' } })
  try {
    const url = `http://127.0.0.1:${port}`
    await answers(url)
    equal((await post(`${url}/auth/register`, ann)).status, 201)
    await journey({
      async inject ({ method = 'GET', url: path, headers, payload }) {
        const reply = payload === undefined ? await fetch(url + path, { method, headers }) : await post(url + path, payload)
        const body = await reply.text()
        return { statusCode: reply.status, headers: { 'set-cookie': reply.headers.getSetCookie() }, body, json: () => JSON.parse(body) }
      }
    }, { prefix: '/auth', backend: 'cookie' })
  } finally {
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
}

function post (url, body) {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', 'x-requested-with': 'test' }, body: JSON.stringify(body) })
}

async function freePort () {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

async function answers (url) {
  for (let tries = 0; tries < 200; tries++) {
    if (await fetch(url).then(({ ok }) => ok, () => false)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${url} does not answer`)
}
