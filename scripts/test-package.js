/**
 * Checks the package as npm would publish it: what the tarball holds, what bundlers and TypeScript make of its entry
 * points, and whether it works where it is installed, by `import` and by `require`. `npm run test:package` builds first.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { bin, npm, packInto, readJson, root, run } from './packed.js'

const manifest = readJson(path.join(root, 'package.json'))
const work = mkdtempSync(path.join(tmpdir(), 'fastify-users-package-'))
const consumer = path.join(work, 'consumer')
const installed = path.join(consumer, 'node_modules', 'fastify-users')

const { filename, files } = heading('npm pack', pack)
const tarball = path.join(work, filename)

heading('What the tarball holds', () => checkNames(files.map(file => file.path)))
heading('publint', () => node([bin('publint'), 'run', tarball, '--strict']))
heading('attw', () => node([bin('@arethetypeswrong/cli', 'attw'), tarball, '--profile', 'esm-only']))
heading('Install in an empty folder', install)
heading('What the files hold', () => checkContents(files.map(file => file.path)))
heading('Types, compiled by a consumer', checkTypes)
heading('Importing the package loads no driver', () => runInConsumer('lone.mjs', [
  `import { createRequire } from 'node:module'
const { cache } = createRequire(import.meta.url)`,
  lone,
  'await lone(cache)'
]))
heading('Smoke test by import', () => runInConsumer('smoke.mjs', [
  `import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import fastifyUsers, { bearer, cookie, errors, jwt } from 'fastify-users'
import { sqlite } from 'fastify-users/sql'`,
  smoke,
  'await smoke({ assert, randomBytes, Fastify, fastifyUsers, bearer, cookie, errors, jwt, sqlite })'
]))
heading('Smoke test by require', () => runInConsumer('smoke.cjs', [
  `const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const Fastify = require('fastify')
const { default: fastifyUsers, bearer, cookie, errors, jwt } = require('fastify-users')
const { sqlite } = require('fastify-users/sql')`,
  smoke,
  `smoke({ assert, randomBytes, Fastify, fastifyUsers, bearer, cookie, errors, jwt, sqlite }).catch(error => {
  console.error(error)
  process.exitCode = 1
})`
]))

rmSync(work, { recursive: true, force: true, maxRetries: 3 })
console.log('\nThe package is fit to publish.')

function heading (title, check) {
  console.log(`\n== ${title}`)
  try {
    return check()
  } catch (error) {
    console.error(`-- ${title}: FAILED\n${error.message}\nThe files are kept in ${work}`)
    process.exit(1)
  }
}

function pack () {
  const result = packInto(work)
  console.log(`${result.filename}: ${result.files.length} files, ${result.unpackedSize} bytes unpacked`)
  return result
}

/** Judged by path alone: the files that must be there, those that may, and builds of sources that are gone. */
function checkNames (names) {
  const required = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md', ...entryPoints()]
  const missing = required.filter(name => !names.includes(name))
  assert.deepEqual(missing, [], 'Files are missing from the tarball')

  const allowed = /^(?:dist\/.+\.(?:js|d\.ts)|docs\/.+\.md|bench\/README\.md|package\.json|LICENSE|(?:README|ARCHITECTURE|CHANGELOG|CONTRIBUTING|SECURITY)\.md)$/
  const strangers = names.filter(name => !allowed.test(name))
  assert.deepEqual(strangers, [], 'Files that do not belong in the tarball')

  const tests = names.filter(name => /(?:^|\/)(?:tests?|fixtures)\/|\.(?:test|spec|tst)\./.test(name))
  assert.deepEqual(tests, [], 'Tests do not belong in the tarball')

  // A build that did not begin with an empty folder.
  const stale = names.filter(name => name.endsWith('.d.ts') && !existsSync(path.join(root, name.replace(/^dist\/(.+)\.d\.ts$/, 'lib/$1.ts'))))
  assert.deepEqual(stale, [], 'dist holds declarations of sources that are gone; build again')
}

function entryPoints () {
  return Object.values(manifest.exports)
    .flatMap(target => typeof target === 'string' ? target : Object.values(target))
    .map(target => target.replace(/^\.\//, ''))
}

/** Judged by content: nothing that opens a door, nothing that tells where the package was built. */
function checkContents (names) {
  const secrets = [
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\\n"'`+]*[A-Za-z0-9+/]{40}/,
    /\bAKIA[0-9A-Z]{16}\b/,
    /\bnpm_[A-Za-z0-9]{36}\b/,
    /\bgh[oprsu]_[A-Za-z0-9]{36}/,
    /\bgithub_pat_\w{40}/,
    /\bxox[abprs]-[\w-]{10}/,
    /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/
  ]
  for (const name of names) {
    const text = readFileSync(path.join(installed, name), 'utf8')
    assert.ok(!secrets.some(pattern => pattern.test(text)), `${name} holds something that looks like a secret`)
    assert.ok(!text.includes(root), `${name} tells the folder in which it was built`)
  }
  console.log(`${names.length} files read`)
}

/** The versions that the tests ran with, so that a release of someone else's cannot fail this check. */
function install () {
  mkdirSync(consumer)
  writeFileSync(path.join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', version: '1.0.0', private: true, type: 'module' }))
  const packages = ['fastify', 'libsql', '@types/node'].map(name => `${name}@${manifest.devDependencies[name]}`)
  process.stdout.write(npm(['install', '--prefer-offline', '--no-audit', '--no-fund', tarball, ...packages], consumer))
}

/**
 * Everything public, imported by a strict project that also checks declaration files. Only complaints about this
 * package count: those inside the declarations of others are not for this package to mend.
 */
function checkTypes () {
  const names = Object.keys(manifest.exports).filter(name => name !== './package.json')
  const imports = names.map((name, index) => `import * as entry${index} from '${name.replace('.', 'fastify-users')}'`)
  const values = names.map((_, index) => `entry${index}`).join(', ')
  const common = ['import Fastify from \'fastify\'', 'import fastifyUsers, { bearer, cookie, jwt } from \'fastify-users\'', 'import { sqlite } from \'fastify-users/sql\'', ...imports]
  writeFileSync(path.join(consumer, 'consumer.ts'), `${common.join('\n')}
export const entries = [${values}]
export const app = Fastify()
await app.register(fastifyUsers, {
  users: await sqlite(':memory:'),
  strategy: jwt({ secret: process.env['SECRET'] ?? '', lifetimeSeconds: 3600 }),
  backends: [cookie(), bearer()]
})
app.get('/me', { onRequest: app.authenticate() }, async request => ({ email: request.user.email }))
`)
  writeFileSync(path.join(consumer, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {
      target: 'es2023',
      lib: ['es2023'],
      module: 'nodenext',
      types: ['node'],
      rootDir: '.',
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noPropertyAccessFromIndexSignature: true,
      verbatimModuleSyntax: true,
      skipLibCheck: false,
      noEmit: true
    },
    files: ['consumer.ts']
  }))

  const { stdout, status } = run(process.execPath, [bin('typescript', 'tsc'), '--pretty', 'false', '-p', consumer], consumer)
  const complaints = stdout.split(/\r?\n(?=\S)/).filter(line => line.includes('error TS'))
  const ofOthers = complaints.filter(line => /^node_modules\/(?!fastify-users\/)/.test(line))
  assert.ok(status === 0 || complaints.length > 0, `tsc ended with ${status}:\n${stdout}`)
  if (ofOthers.length > 0) console.log(`Left aside, in the declarations of other packages:\n${ofOthers.join('\n')}`)
  const ofOurs = complaints.filter(line => !ofOthers.includes(line))
  assert.ok(ofOurs.length === 0, ofOurs.join('\n'))
}

function runInConsumer (name, parts) {
  const file = path.join(consumer, name)
  writeFileSync(file, parts.join('\n\n') + '\n')
  node([file], consumer)
}

// The functions below are written out into the consumer's folder: they see nothing but what they are given.

async function lone (cache) {
  const heavy = ['libsql', 'pg', 'mysql2', 'ioredis', 'bcrypt', 'ajv', 'nodemailer', 'commander', 'argon2', 'fast-jwt']
  const loaded = () => heavy.filter(name => Object.keys(cache).some(file => file.replaceAll('\\', '/').includes(`/node_modules/${name}/`)))
  await import('fastify-users')
  if (loaded().length > 0) throw new Error(`import 'fastify-users' also loads ${loaded().join(', ')}`)
  // Without this a cache that records nothing would pass for a package that loads nothing.
  await import('libsql')
  if (!loaded().includes('libsql')) throw new Error('The check itself is blind: it does not see libsql being loaded')
}

async function smoke ({ assert, randomBytes, Fastify, fastifyUsers, bearer, cookie, errors, jwt, sqlite }) {
  await assert.rejects(() => sqlite(''), errors.BadOptionsError, 'an error of one entry point is of the class that another one exports')
  const cookieName = 'fastifyusersauth'
  const account = { email: 'ada@example.com', password: randomBytes(12).toString('base64url') }
  const app = Fastify()
  await app.register(fastifyUsers, {
    users: await sqlite(':memory:'),
    strategy: jwt({ secret: randomBytes(32).toString('base64url'), lifetimeSeconds: 3600 }),
    backends: [cookie(), bearer()]
  })
  app.get('/me', { onRequest: app.authenticate() }, async request => ({ email: request.user.email }))
  await app.ready()

  const call = async (method, url, rest) => {
    const response = await app.inject({ method, url, ...rest })
    return { status: response.statusCode, body: response.body ? response.json() : null, cookies: response.cookies }
  }
  const me = rest => call('GET', '/me', rest)

  try {
    await app.users.create(account)
    assert.equal((await me()).status, 401, 'a guarded route without a credential')

    const byCookie = await call('POST', '/login/cookie', { payload: account })
    assert.equal(byCookie.status, 200, `login by cookie: ${JSON.stringify(byCookie.body)}`)
    const withCookie = { cookies: { [cookieName]: byCookie.cookies.find(({ name }) => name === cookieName).value } }

    const byBearer = await call('POST', '/login/bearer', { payload: account })
    assert.equal(byBearer.status, 200, `login by bearer: ${JSON.stringify(byBearer.body)}`)
    assert.equal(byBearer.body.token_type, 'bearer')
    assert.equal(byBearer.body.expires_in, 3600)
    const withBearer = { headers: { authorization: `Bearer ${byBearer.body.access_token}` } }

    for (const credential of [withCookie, withBearer]) {
      const answer = await me(credential)
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      assert.equal(answer.body.email, account.email)
    }

    const cookieLogout = await call('POST', '/logout/cookie', { ...withCookie, headers: { 'x-requested-with': 'smoke' } })
    assert.equal(cookieLogout.status, 200, `logout by cookie: ${JSON.stringify(cookieLogout.body)}`)
    assert.equal((await me(withCookie)).status, 401, 'the cookie after its logout')
    assert.equal((await me(withBearer)).status, 200, 'the other credential lives on')

    const bearerLogout = await call('POST', '/logout/bearer', withBearer)
    assert.equal(bearerLogout.status, 200, `logout by bearer: ${JSON.stringify(bearerLogout.body)}`)
    assert.equal((await me(withBearer)).status, 401, 'the token after its logout')
  } finally {
    await app.close()
  }
  console.log('logged in and out, by cookie and by bearer')
}

function node (args, cwd = root) {
  const { status, stdout } = run(process.execPath, args, cwd)
  process.stdout.write(stdout)
  if (status !== 0) throw new Error(`exit code ${status}`)
}
