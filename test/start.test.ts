import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'

/** What an app does not wait for as it starts. Ajv is not among them: Fastify loads it. */
const heavy = ['@fastify/jwt', '@fastify/swagger', '@zxcvbn-ts/language-common', 'argon2', 'bcrypt', 'commander', 'fast-jwt', 'ioredis', 'libsql', 'mysql2', 'nodemailer', 'pg']

const lib = new URL('../lib/', import.meta.url).href

t.test('what no answer has needed is not loaded', async (t) => {
  const start = `
    import Fastify from 'fastify'
    import fastifyUsers, { bearer, cookie, jwt, memory, opaque } from './lib/index.js'
    const app = Fastify()
    const on = async (strategy) => {
      await app.register(fastifyUsers, {
        users: memory(),
        strategy,
        backends: [cookie(), bearer()],
        routes: { register: true, verify: true, reset: true, me: true, deleteMe: true, users: true },
        passwords: { memoryCost: 8, timeCost: 1 }
      })
      app.get('/guarded', { onRequest: app.authenticate() }, async () => 'ok')
    }
    const ask = async (method, url, status, payload) => {
      const response = await app.inject({ method, url, payload })
      if (response.statusCode !== status) throw new Error(response.body)
    }
    const ann = { email: 'ann@example.com', password: 'quince jelly on toast' }
  `
  const first = "await ask('GET', '/guarded', 401);"
  const end = 'await app.close()'

  const opaque = loadedBy(t, `${start} await on(opaque()); ${first} ${end}`)
  t.strictSame(opaque.packages, [], 'opaque tokens')
  t.strictSame(opaque.own.filter((file) => /^(?:cli|testing|stores\/(?:sql|redis))\/|^mail\/smtp|^accounts\/common-list/.test(file)), [])
  t.ok(opaque.own.includes('plugin.ts'), 'our own modules are seen')

  const jwt = loadedBy(t, `${start} await on(jwt({ secret: 'ZmFzdGlmeS11c2VycyBzdGFydHMgd2l0aCB0aGlz' })); ${first} ${end}`)
  t.strictSame(jwt.packages, ['@fastify/jwt', 'fast-jwt'], 'signed tokens')

  const login = loadedBy(t, `${start} await on(opaque()); await ask('POST', '/register', 201, ann); await ask('POST', '/login/bearer', 200, ann); ${end}`)
  t.strictSame(login.packages, ['@zxcvbn-ts/language-common', 'argon2'], 'what a password needs is loaded for the first one')
})

/** Runs a program in a process of its own: which of the heavy packages, and which files of lib/, it has loaded. */
function loadedBy (t: Test, program: string): { packages: string[], own: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'fastify-users-test-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  const file = join(folder, 'loaded.txt')
  const env = { ...process.env, LOADED_MODULES: file }
  const { status, signal, stderr } = spawnSync(process.execPath, ['--import', './test/helpers/watch-modules.js', ...process.execArgv, '--input-type=module', '--eval', program], { env, encoding: 'utf8', timeout: 60_000 })
  if (status !== 0) throw new Error(`the program ended with ${status ?? signal}: ${stderr}`)

  const urls = readFileSync(file, 'utf8').split('\n')
  return {
    packages: heavy.filter((name) => urls.some((url) => url.includes(`/node_modules/${name}/`))),
    own: urls.filter((url) => url.startsWith(lib)).map((url) => url.slice(lib.length))
  }
}
