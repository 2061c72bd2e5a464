import argon2 from 'argon2'
import { availableParallelism } from 'node:os'
import t from 'tap'
import { nodeRsArgon2 } from '../../lib/crypto/node-rs-argon2.js'
import { argon2Hasher } from '../../lib/crypto/password.js'
import { memory, type Argon2Cost } from '../../lib/index.js'
import { resolvePasswords } from '../../lib/password-options.js'
import { ann, appWith, cheap } from '../helpers/app.js'

const cost: Argon2Cost = { ...cheap, parallelism: 1 }
const hashers = { argon2: argon2Hasher, '@node-rs/argon2': nodeRsArgon2 }
const passwords = ['x', ann.password, 'pässwörd 🔑 '.repeat(80), 'with a \0 within']

for (const [name, make] of Object.entries(hashers)) {
  t.test(`argon2id by ${name}`, async (t) => {
    const hasher = make({ ...cost, parallelism: 2, memoryCost: 64 })
    for (const password of passwords) {
      const hash = await hasher.hash(password)
      t.match(hash, /^\$argon2id\$v=19\$m=64,t=1,p=2\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
      t.not(await hasher.hash(password), hash, 'each has its own salt')
      for (const [other, makeOther] of Object.entries(hashers)) {
        t.equal(await makeOther(cost).verify(hash, password), true, `${other} verifies it`)
        t.equal(await makeOther(cost).verify(hash, `${password}.`), false)
        t.equal(makeOther({ ...cost, memoryCost: 64 }).needsRehash(hash), false)
        t.equal(makeOther({ ...cost, memoryCost: 65 }).needsRehash(hash), true)
        t.equal(makeOther({ ...cost, timeCost: 9 }).needsRehash(hash), true)
      }
    }

    const [hash] = await Promise.all([hasher.hash(ann.password)])
    for (const text of ['', 'x', '$argon2id$', hash.slice(0, -20), hash.replace('v=19', 'v=1'), hash.replace('m=64', 'm=1'), hash.replace('argon2id', 'scrypt')]) {
      t.equal(await hasher.verify(text, ann.password), false, text)
    }
    for (const type of [argon2.argon2i, argon2.argon2d]) {
      const older = await argon2.hash(ann.password, { ...cost, type })
      t.equal(await hasher.verify(older, ann.password), true)
      t.equal(hasher.needsRehash(older), true)
      t.equal(hasher.needsRehash('no hash of argon2'), true)
    }
  })
}

t.test('one hasher takes over from the other, and back', async (t) => {
  const users = memory()
  const hashed = async (): Promise<string | null | undefined> => (await users.findByEmail(ann.email))?.passwordHash
  const before = await appWith(t, { users })
  const first = await hashed()
  const after = await appWith(t, { users, passwords: { ...cheap, hasher: nodeRsArgon2 } }, { seed: false })
  t.ok(await after.users.authenticate(ann.email, ann.password))
  t.equal(await hashed(), first, 'a hash of the same cost stays')

  const dearer = await appWith(t, { users, passwords: { memoryCost: 16, timeCost: 2, hasher: nodeRsArgon2 } }, { seed: false })
  t.equal(await dearer.users.authenticate(ann.email, 'wrong'), null)
  t.equal(await hashed(), first)
  t.ok(await dearer.users.authenticate(ann.email, ann.password))
  t.match(await hashed(), /^\$argon2id\$v=19\$m=16,t=2,p=1\$/, 'the costs are those of the options')
  t.ok(await before.users.authenticate(ann.email, ann.password))
})

t.test('as many hashes at once as there are cores, but not all threads of libuv', (t) => {
  const before = process.env.UV_THREADPOOL_SIZE
  t.teardown(() => {
    process.env.UV_THREADPOOL_SIZE = before
    if (before === undefined) delete process.env.UV_THREADPOOL_SIZE
  })
  const cores = availableParallelism()
  const atMost = (threads: number): number => Math.max(1, Math.min(cores, threads - 1))
  delete process.env.UV_THREADPOOL_SIZE
  t.equal(resolvePasswords({}).concurrency, atMost(4))
  t.equal(resolvePasswords({ parallelism: cores + 1 }).concurrency, 1, 'lanes count')
  for (const [size, threads] of [['1024', 1024], ['2', 2], ['1', 1], ['0', 1], ['', 1], ['many', 1], ['-3', 1]] as const) {
    process.env.UV_THREADPOOL_SIZE = size
    t.equal(resolvePasswords({}).concurrency, atMost(threads), size)
  }
  t.equal(resolvePasswords({ concurrency: 7 }).concurrency, 7)
  t.end()
})
