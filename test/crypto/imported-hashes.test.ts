import argon2 from 'argon2'
import { hash as bcryptHash } from 'bcrypt'
import { scryptSync } from 'node:crypto'
import t from 'tap'
import { argon2Hasher } from '../../lib/crypto/password.js'
import { createPasswords } from '../../lib/crypto/passwords.js'
import { memory, type StoredUser, type UserStore } from '../../lib/index.js'
import { ann, appWith, login } from '../helpers/app.js'

t.test('imported hashes verify, and are replaced at the next login', async (t) => {
  const store = memory()
  const app = await appWith(t, { users: store })
  const password = 'pässword 123'
  const bcrypt = await bcryptHash(password, 4)
  const salt = Buffer.from('0123456789abcdef')
  const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')
  const hashes = {
    'bcrypt $2b$': bcrypt,
    'bcrypt $2y$': bcrypt.replace('$2b$', '$2y$'),
    'scrypt at its bound': `$scrypt$ln=18,r=8,p=1$${base64(salt)}$${base64(scryptSync(password, salt, 32, { N: 2 ** 18, r: 8, p: 1, maxmem: 2 ** 29 }))}`,
    scrypt: `$scrypt$ln=10,r=8,p=1$${base64(salt)}$${base64(scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 }))}`,
    argon2i: await argon2.hash(password, { type: argon2.argon2i, memoryCost: 8, timeCost: 3, parallelism: 1 }),
    'weaker argon2id': await argon2.hash(password, { type: argon2.argon2id, memoryCost: 8, timeCost: 1, parallelism: 1 })
  }
  // As `argon2` writes it from 0.45 on.
  const sorted = (hash: string): string => hash.replace(/(t=\d+),(p=\d+)/, '$2,$1')
  Object.assign(hashes, { 'weaker argon2id, its parameters sorted': sorted(hashes['weaker argon2id']) })
  const strong = await appWith(t, { users: store, passwords: { memoryCost: 16, timeCost: 2 } }, { seed: false })

  for (const [name, passwordHash] of Object.entries(hashes)) {
    const email = `${name.replace(/\W/g, '')}@example.com`
    const user = await app.users.create({ email, passwordHash })
    const stored = async (): Promise<string> => (await store.findById(user.id))?.passwordHash ?? ''
    t.equal(await strong.users.authenticate(email, 'wrong'), null, `${name}: wrong`)
    t.equal(await stored(), passwordHash, `${name}: a wrong password replaces nothing`)
    t.ok(await strong.users.authenticate(email, password.normalize('NFD')), `${name}: right, however it was typed`)
    t.match(await stored(), /^\$argon2id\$v=19\$m=16,t=2,p=1\$/, `${name}: replaced`)
    t.ok(await strong.users.authenticate(email, password), `${name}: and right again`)
  }
  const better = await argon2.hash(password, { type: argon2.argon2id, memoryCost: 64, timeCost: 3, parallelism: 1 })
  for (const passwordHash of [better, sorted(better)]) {
    const user = await app.users.create({ email: 'better@example.com', passwordHash })
    t.ok(await strong.users.authenticate('better@example.com', password))
    t.equal((await store.findById(user.id))?.passwordHash, passwordHash, 'a stronger one stays')
    await app.users.remove(user.id)
  }
  await t.rejects(app.users.create({ email: 'twice@example.com', passwordHash: better.replace(/t=\d+/, 'p=1') }), { code: 'FST_USERS_INVALID_USER' })
})

t.test('sessions survive the replacement of a hash, and a lost race is no failure', async (t) => {
  const store = memory()
  let lose = false
  const racing: UserStore = { ...store, replace: (user, version) => lose ? false : store.replace(user, version) }
  const app = await appWith(t, { users: racing })
  await app.users.create({ email: 'bob@example.com', passwordHash: await bcryptHash(ann.password, 4) })
  const bob = { email: 'bob@example.com', password: ann.password }
  lose = true
  const first = await login(app, 'bearer', bob)
  lose = false
  await login(app, 'bearer', bob)
  t.equal((await app.inject({ ...first, url: '/me' })).statusCode, 200)
})

t.test('a password that is changed while the old one is hashed anew stands', async (t) => {
  const users = memory()
  const other = await appWith(t, { users })
  const strong = argon2Hasher({ memoryCost: 16, timeCost: 2, parallelism: 1 })
  let meanwhile = async (): Promise<unknown> => undefined
  const app = await appWith(t, {
    users,
    passwords: {
      hasher: {
        ...strong,
        hash: async (password) => {
          await meanwhile()
          return await strong.hash(password)
        }
      }
    }
  }, { seed: false })
  const id = (await other.users.getByEmail(ann.email))?.id as string
  await app.users.authenticate(ann.email, 'the decoy is made')
  meanwhile = async () => await other.users.update(id, { password: 'another long password' })

  t.ok(await app.users.authenticate(ann.email, ann.password), 'it was right when it was looked at')
  t.equal(await other.users.authenticate(ann.email, ann.password), null)
  t.ok(await other.users.authenticate(ann.email, 'another long password'))
})

t.test('an imported hash is replaced, whatever the hasher of the app thinks of it', async (t) => {
  const users = memory()
  const strong = argon2Hasher({ memoryCost: 8, timeCost: 1, parallelism: 1 })
  const app = await appWith(t, { users, passwords: { hasher: { ...strong, needsRehash: () => false } } }, { seed: false })
  const { id } = await app.users.create({ email: ann.email, passwordHash: await bcryptHash(ann.password, 4) })
  t.ok(await app.users.authenticate(ann.email, ann.password))
  t.match((await users.findById(id))?.passwordHash, /^\$argon2id\$/)
})

t.test('what looks the same is one password, what only resembles it is another', async (t) => {
  const app = await appWith(t)
  for (const [set, same, others] of [
    ['caf\u00e9 au lait', 'cafe\u0301 au lait', ['cafe au lait', 'CAF\u00c9 AU LAIT']],
    ['\ufb01ne weather today', '\ufb01ne weather today', ['fine weather today', 'Fine weather today']],
    ['\uff50\uff41\uff53\uff53 in full width', '\uff50\uff41\uff53\uff53 in full width', ['pass in full width']],
    ['e = mc\u00b2, they say', 'e = mc\u00b2, they say', ['e = mc2, they say']]
  ] as const) {
    const email = `${set.length}${set.charCodeAt(0)}@example.com`
    await app.users.create({ email, password: set })
    t.ok(await app.users.authenticate(email, same), set)
    for (const other of others) t.equal(await app.users.authenticate(email, other), null, `${set}: ${other}`)
  }
})

t.test('passwords that old hashes would take for one are not one', async (t) => {
  const app = await appWith(t)
  const long = 'x'.repeat(72)
  await app.users.create({ email: 'long@example.com', passwordHash: await bcryptHash(`${long}abc`, 4) })
  t.equal(await app.users.authenticate('long@example.com', `${long}abc`), null, 'bcrypt has not seen what is behind byte 72')
  t.equal(await app.users.authenticate('long@example.com', `${long}xyz`), null)
  await app.users.create({ email: 'nul@example.com', passwordHash: await bcryptHash('password', 4) })
  t.equal(await app.users.authenticate('nul@example.com', 'password\0more'), null)
  t.ok(await app.users.authenticate('nul@example.com', 'password'))
  await app.users.create({ email: 'behind@example.com', passwordHash: await bcryptHash('password\0more', 4) })
  t.equal(await app.users.authenticate('behind@example.com', 'password\0more'), null, 'whether bcrypt has seen what is behind a NUL depends on who made the hash')
})

t.test('what the decoy is made of is not the password of who has none', async (t) => {
  const hashed: string[] = []
  const passwords = createPasswords({
    async hash (password) {
      hashed.push(password)
      return password
    },
    verify: async (hash, password) => hash === password,
    needsRehash: () => false
  }, { concurrency: 1, limit: 1 })
  t.equal(await passwords.verify(null, 'x'), false)
  const [decoy = ''] = hashed
  t.equal(await passwords.verify(decoy, decoy), true, 'it would match')
  t.equal(await passwords.verify(null, decoy), false)
  t.equal(hashed.length, 1)
})

t.test('a damaged hash is no match, and no failure', async (t) => {
  const store = memory()
  const damaged: UserStore = { ...store, findByEmail: async (key) => ({ ...await store.findByEmail(key) as StoredUser, passwordHash: broken }) }
  let broken = ''
  const app = await appWith(t, { users: damaged })
  for (broken of ['', 'x', '$argon2id$', '$argon2id$v=19$m=8,t=1,p=1$x', '$argon2id$v=19$m=1,t=0,p=0$x$y', '$scrypt$ln=10,r=0,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg', '$scrypt$ln=18,r=9,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg', '$2b$04$short', '$scrypt$ln=99,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg', '$scrypt$ln=30,r=99,p=99$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3']) {
    t.equal(await app.users.authenticate(ann.email, ann.password), null, broken)
    t.equal(await app.users.authenticate(ann.email, broken), null, 'nor is the hash the password')
  }
})
