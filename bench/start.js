// How long apps take from the start of their process to the first answer, what they load, and the memory they take.
// `node bench/start.js --help`; README.md says how to read what comes out. Progress goes to stderr, the table to stdout.
import { spawn } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { installSizes } from './start/install.js'

const usage = `npm run bench:start -- [options]

  --only NAME      only apps whose name contains NAME, and those that the others are compared with; may be repeated
  --rounds N       how often each app is started (20)
  --memory N       how often, of these, memory is measured, too, which takes some 5 s each (3)
  --install        also installs each app's packages in a folder of its own: needs npm's registry, or its cache
  --json FILE      also write the rows to FILE
  --help`

const secret = randomBytes(48).toString('base64url')
const idleMs = 2000
const requests = 5000
const limitMs = 30_000

const ours = (audience) => ({ authorization: `Bearer ${token({ alg: 'HS256', typ: 'access+jwt' }, audience)}` })
const none = { headers: {}, status: 401 }

/** `packages` are those that an app has to install beside Fastify. */
const apps = [
  { name: 'bare fastify', file: 'bare', headers: {}, status: 200, packages: [] },
  { name: '@fastify/jwt, @fastify/cookie', file: 'fastify-jwt', headers: { authorization: `Bearer ${token({ alg: 'HS256', typ: 'JWT' })}` }, status: 200, packages: ['@fastify/jwt', '@fastify/cookie'] },
  { name: 'fastify-users', file: 'fastify-users', headers: ours('bearer'), status: 200, packages: ['fastify-users'] },
  { name: 'fastify-users, SQLite', file: 'fastify-users-sqlite', headers: ours('bearer'), status: 200, packages: ['fastify-users', 'libsql'] },
  { name: '@fastify/passport, secure-session', file: 'passport', ...none, packages: ['@fastify/passport', '@fastify/secure-session'] },
  { name: 'better-auth', file: 'better-auth', ...none, packages: ['better-auth'] }
]
const [bare, plugins] = apps

const options = readOptions()
const chosen = apps.filter((app) => app === bare || app === plugins || options.only.length === 0 || options.only.some((part) => app.name.includes(part)))
const running = new Set()
process.once('exit', () => { for (const child of running) child.kill('SIGKILL') })
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) process.once(signal, () => process.exit(code))

installOurs()
const rows = toRows(await measureAll())
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(rows, null, 2) + '\n')
console.log(toMarkdown(rows))

async function measureAll () {
  const results = new Map(chosen.map((app) => [app, { starts: [], memory: [] }]))
  for (const app of chosen) {
    say(`what is loaded: ${app.name}`)
    results.get(app).modules = await countModules(app)
    await start(app).then(({ stop }) => stop())
  }
  for (let round = 0; round < options.rounds; round++) {
    say(`round ${round + 1}/${options.rounds}`)
    const by = round % chosen.length
    for (const app of [...chosen.slice(by), ...chosen.slice(0, by)]) {
      const { firstMs, sample, load, stop } = await start(app)
      const { cpu } = await sample()
      results.get(app).starts.push({ round, ms: firstMs, cpuMs: (cpu.user + cpu.system) / 1000 })
      if (round < options.memory) results.get(app).memory.push(await memoryOf(sample, load))
      await stop()
    }
  }
  const sizes = options.install ? await installSizes(chosen, say) : new Map()
  return chosen.map((app) => ({ app, ...results.get(app), installed: sizes.get(app) }))
}

async function memoryOf (sample, load) {
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  const { rss: idle } = await sample()
  await load(requests)
  return { idle, loaded: (await sample()).rss }
}

/** Where an app would have it: from elsewhere it would load second copies of what Fastify has loaded already. */
function installOurs () {
  const folder = fileURLToPath(new URL('node_modules/fastify-users/', import.meta.url))
  rmSync(folder, { recursive: true, force: true })
  for (const name of ['dist', 'package.json']) cpSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), folder + name, { recursive: true })
}

/** From the moment before the process is made to the end of the first response. */
async function start (app, execArgv = []) {
  const began = performance.now()
  const child = spawn(process.execPath, [...execArgv, fileURLToPath(new URL(`start/${app.file}.js`, import.meta.url))], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'development', START_SECRET: secret }
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const ended = once(child, 'exit').then(() => { throw new Error(`${app.name} ended`) })
  ended.catch(() => {})
  const message = async () => (await Promise.race([once(child, 'message', { signal: AbortSignal.timeout(limitMs) }), ended]))[0]

  const { port } = await message()
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  await ask(port, app, agent)
  return {
    firstMs: performance.now() - began,
    async sample () {
      child.send('sample')
      return await message()
    },
    async load (count) {
      let left = count
      await Promise.all(Array.from({ length: 20 }, async () => { while (left-- > 0) await ask(port, app, agent) }))
    },
    async stop () {
      agent.destroy()
      child.disconnect()
      await ended.catch(() => {})
    }
  }
}

function ask (port, { name, headers, status }, agent) {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/me', headers, agent, timeout: limitMs }, (response) => {
      response.resume().once('error', reject).once('end', () => response.statusCode === status ? resolve() : reject(new Error(`${name} answered ${response.statusCode}, not ${status}`)))
    }).once('error', reject).once('timeout', function () { this.destroy(new Error(`${name} does not answer`)) })
  })
}

/** In a start of its own, since to watch costs time. */
async function countModules (app) {
  const apart = [import.meta.resolve('./start/'), import.meta.resolve('../scripts/')]
  const file = join(tmpdir(), `start-${process.pid}.txt`)
  process.env.LOADED_MODULES = file
  try {
    const { stop } = await start(app, ['--import', new URL('../test/helpers/watch-modules.js', import.meta.url).href])
    await stop()
    return new Set(readFileSync(file, 'utf8').split('\n').filter((line) => line !== '' && !apart.some((folder) => line.startsWith(folder)))).size
  } finally {
    delete process.env.LOADED_MODULES
    rmSync(file, { force: true })
  }
}

function token (header, audience) {
  const iat = Math.floor(Date.now() / 1000)
  const claims = { sub: '01938a00-0000-7000-8000-000000000000', jti: 'a-token-of-the-bench', iat, exp: iat + 3600, aud: audience, epoch: 0 }
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

/** What an app adds is compared within a round: neighbours in time share the machine's moods. */
function toRows (results) {
  const added = (own, other, key) => other === undefined ? null : median(own.starts.map((start, i) => start[key] - other.starts[i][key]))
  const [first, second] = results

  return results.map((result) => ({
    name: result.app.name,
    ms: median(result.starts.map(({ ms }) => ms)),
    msSpread: spread(result.starts.map(({ ms }) => ms)),
    msBeyondBare: added(result, first, 'ms'),
    msBeyondPlugins: added(result, second, 'ms'),
    cpuMs: median(result.starts.map(({ cpuMs }) => cpuMs)),
    cpuMsBeyondPlugins: added(result, second, 'cpuMs'),
    rssIdle: median(result.memory.map(({ idle }) => idle)),
    rssLoaded: median(result.memory.map(({ loaded }) => loaded)),
    modules: result.modules,
    packages: result.installed?.packages ?? null,
    installedBytes: result.installed?.bytes ?? null
  }))
}

function toMarkdown (rows) {
  const columns = [
    ['app', ({ name }) => name],
    ['first answer, ms', ({ ms }) => fixed(ms, 0)],
    ['quartiles apart', ({ msSpread }) => fixed(msSpread, 0)],
    ['beyond bare', ({ msBeyondBare }) => fixed(msBeyondBare, 0)],
    ['beyond jwt + cookie', ({ msBeyondPlugins }) => fixed(msBeyondPlugins, 0)],
    ['CPU ms', ({ cpuMs }) => fixed(cpuMs, 0)],
    ['CPU beyond jwt + cookie', ({ cpuMsBeyondPlugins }) => fixed(cpuMsBeyondPlugins, 0)],
    ['RSS idle MB', ({ rssIdle }) => fixed(rssIdle / 1e6, 1)],
    ['RSS loaded MB', ({ rssLoaded }) => fixed(rssLoaded / 1e6, 1)],
    ['modules', ({ modules }) => String(modules)],
    ...rows.some(({ packages }) => packages !== null)
      ? [['packages', ({ packages }) => String(packages)], ['installed MB', ({ installedBytes }) => fixed(installedBytes / 1e6, 1)]]
      : []
  ]
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(columns.map(([title]) => title)), line(columns.map((_, i) => i === 0 ? '---' : '--:')), ...rows.map((row) => line(columns.map(([, cell]) => cell(row))))].join('\n')
}

function median (values) {
  return quantile(values, 0.5)
}

/** Between the first and the third quartile. */
function spread (values) {
  return quantile(values, 0.75) - quantile(values, 0.25)
}

function quantile (values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

function fixed (value, digits) {
  return Number.isFinite(value) ? value.toFixed(digits) : ''
}

function readOptions () {
  try {
    const { values: { help, only, rounds, memory, install, json } } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        rounds: { type: 'string', default: '20' },
        memory: { type: 'string', default: '3' },
        install: { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean' }
      }
    })
    if (help) {
      console.log(usage)
      process.exit()
    }
    return { only, rounds: whole('rounds', rounds, 1), memory: whole('memory', memory, 0), install, json }
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
}

function whole (name, text, least) {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > 1000) throw new Error(`--${name} must be a whole number from ${least} to 1000`)
  return value
}

function say (text) {
  console.error(text)
}
