import { equal, match, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { fastifyUsers } from 'fastify-users'
import plugin from 'fastify-users'
import { buildApp } from './app.js'
import { ann, journey, run } from './shared/journey.mjs'

const app = await buildApp()
await app.ready()
await app.users.create(ann)

await run({
  'by a bearer token': () => journey(app),
  'by a cookie': () => journey(app, { backend: 'cookie' }),
  'the plugin by either name' () {
    equal(plugin, fastifyUsers)
  },
  'by import() in app.register' () {
    return withImport()
  },
  'the command line' () {
    const { status, stdout } = spawnSync('npx', ['--no-install', 'fastify-users', 'secret'], { encoding: 'utf8', shell: process.platform === 'win32' })
    equal(status, 0)
    match(stdout, /^[\w-]{40,}\n$/)
  }
})
await app.close()

async function withImport () {
  const { default: Fastify } = await import('fastify')
  const { bearer, memory, opaque } = await import('fastify-users')
  const app = Fastify()
  app.register(import('fastify-users'), { users: memory(), strategy: opaque(), backends: [bearer()] })
  await app.ready()
  ok(app.hasDecorator('authenticate'))
  await app.close()
}
