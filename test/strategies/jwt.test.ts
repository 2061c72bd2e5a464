import fastifyJwt from '@fastify/jwt'
import { createHmac, generateKeyPairSync, randomBytes, randomInt, randomUUID, type KeyPairKeyObjectResult } from 'node:crypto'
import t from 'tap'
import { bearer, cookie, jwt, memory, memorySessions, type JwtAlgorithm, type JwtKey, type JwtOptions, type SessionStore, type StoredSession } from '../../lib/index.js'
import { secretProblem } from '../../lib/strategies/weak-secrets.js'
import { strategyContract } from '../../lib/testing/index.js'
import { ann, appWith, login, refusal, secret, type Prepare } from '../helpers/app.js'
import { byBearer, faulty, logIn, onEachPlace, onlySession, refreshBy, statusOf, stoppedClock } from '../helpers/sessions.js'

const rsa = pems(generateKeyPairSync('rsa', { modulusLength: 2048 }))
const shortRsa = pems(generateKeyPairSync('rsa', { modulusLength: 1024 }))
const p256 = pems(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
const p384 = pems(generateKeyPairSync('ec', { namedCurve: 'P-384' }))
const p521 = pems(generateKeyPairSync('ec', { namedCurve: 'P-521' }))
const ed25519 = pems(generateKeyPairSync('ed25519'))

function pems ({ privateKey, publicKey }: KeyPairKeyObjectResult): { privateKey: string, publicKey: string } {
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString()
  }
}

const signer = ({ privateKey }: { privateKey: string }): JwtKey => ({ privateKey })

const keyOf: Record<JwtAlgorithm, Omit<JwtKey, 'algorithm'>> = {
  HS256: { secret },
  HS384: { secret: `${secret}${secret}` },
  HS512: { secret: Buffer.from(`${secret}${secret}`) },
  RS256: signer(rsa),
  RS384: signer(rsa),
  RS512: signer(rsa),
  PS256: signer(rsa),
  PS384: signer(rsa),
  PS512: signer(rsa),
  ES256: signer(p256),
  ES384: signer(p384),
  ES512: signer(p521),
  EdDSA: signer(ed25519)
}

for (const { name, run } of strategyContract(() => jwt({ secret, lifetimeSeconds: 60, issuer: 'https://example.com', audience: 'shop' }))) t.test(`HS256: ${name}`, run)
for (const { name, run } of strategyContract(() => jwt({ keys: [{ kid: '1', algorithm: 'EdDSA', ...signer(ed25519) }] }))) t.test(`EdDSA: ${name}`, run)

t.test('every algorithm signs, verifies, and names itself', async (t) => {
  for (const [algorithm, key] of Object.entries(keyOf) as Array<[JwtAlgorithm, JwtKey]>) {
    const app = await appWith(t, { strategy: jwt({ keys: [{ ...key, algorithm, kid: 'a' }] }) })
    const credential = await login(app, 'bearer')
    t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200, algorithm)
    t.strictSame(header(credential), { alg: algorithm, typ: 'access+jwt', kid: 'a' })
  }
})

t.test('the claims', async (t) => {
  const now = Date.UTC(2030, 0, 1)
  const app = await appWith(t, { clock: () => now + 999, strategy: jwt({ secret, lifetimeSeconds: 900, issuer: 'https://example.com', audience: 'shop' }) })
  const { sub, jti, ...rest } = claims(await login(app, 'bearer'))
  t.match(sub, /^[0-9a-f-]{36}$/)
  t.match(jti, /^[0-9a-f-]{36}$/)
  t.strictSame(rest, { iat: now / 1000, exp: now / 1000 + 900, aud: ['shop', 'bearer'], iss: 'https://example.com', epoch: 0 })
})

t.test('keys rotate without logging anybody out', async (t) => {
  const users = memory()
  const old: JwtKey = { secret }
  const fresh: JwtKey = { kid: '2030-01', algorithm: 'ES256', privateKey: p256.privateKey }
  const before = await appWith(t, { users, strategy: jwt(old) })
  const oldToken = await login(before, 'bearer')

  const status = async (keys: JwtKey[], credential: Awaited<ReturnType<typeof login>>) => {
    const app = await appWith(t, { users, strategy: jwt({ keys }) }, { seed: false })
    return (await app.inject({ ...credential, url: '/me' })).statusCode
  }
  t.equal(await status([fresh, old], oldToken), 200, 'while both are there')
  t.equal(await status([fresh], oldToken), 401, 'when the old one is gone')

  const both = await appWith(t, { users, strategy: jwt({ keys: [fresh, old] }) }, { seed: false })
  const newToken = await login(both, 'bearer')
  t.strictSame(header(newToken), { alg: 'ES256', typ: 'access+jwt', kid: '2030-01' }, 'the first key signs')
  t.equal(await status([{ ...old, kid: 'signer' }, { kid: '2030-01', algorithm: 'ES256', publicKey: p256.publicKey }], newToken), 200, 'a public key verifies')
})

t.test('a token is good at its own backend alone', async (t) => {
  const app = await appWith(t, { backends: [cookie(), bearer(), bearer({ name: 'api' }), bearer({ name: 'own', strategy: jwt({ secret: `${secret}!` }) })] })
  const atCookie = (await login(app, 'cookie')).cookies as Record<string, string>
  const routes = async (backend: string, token: string) => {
    const request = backend === 'cookie' ? { cookies: { fastifyusersauth: token } } : { headers: { authorization: `Bearer ${token}` } }
    return (await app.inject({ ...request, method: 'POST', url: `/logout/${backend}`, headers: { ...request.headers, 'sec-fetch-site': 'same-origin' } })).statusCode
  }
  const tokens: Record<string, string> = { cookie: atCookie.fastifyusersauth as string }
  for (const name of ['bearer', 'api', 'own']) tokens[name] = tokenOf(await login(app, name))

  for (const [from, token] of Object.entries(tokens)) {
    const own = from === 'cookie' ? { cookies: { fastifyusersauth: token } } : { headers: { authorization: `Bearer ${token}` } }
    for (let times = 0; times < 3; times++) t.equal((await app.inject({ ...own, url: '/me' })).statusCode, 200, 'and is remembered there')
    for (const to of Object.keys(tokens)) {
      if (from !== to) t.equal(await routes(to, token), 401, `${from} at ${to}`)
    }
    t.equal(await routes(from, token), 200, `${from} at ${from}`)
  }
})

t.test('logging out holds in every process that shares the store, and outlives a restart', async (t) => {
  const users = memory()
  const one = await appWith(t, { users })
  const two = await appWith(t, { users }, { seed: false })
  const credential = await login(one, 'bearer')
  t.equal((await two.inject({ ...credential, url: '/me' })).statusCode, 200)
  await one.inject({ ...credential, method: 'POST', url: '/logout/bearer' })
  t.equal((await two.inject({ ...credential, url: '/me' })).statusCode, 401)
})

t.test('beside the application\'s own @fastify/jwt, before it and after it', async (t) => {
  const own: Prepare = async (app) => {
    await app.register(fastifyJwt, { secret: 'the application\'s own', decoratorName: 'claims' })
    app.get('/own', async (request) => await request.jwtVerify())
  }
  for (const place of ['before', 'routes'] as const) {
    const app = await appWith(t, {}, { [place]: own })
    const credential = await login(app, 'bearer')
    t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
    t.equal((await app.inject({ ...credential, url: '/own' })).statusCode, 401, 'ours is none of theirs')
    const theirs = app.jwt.sign({ sub: 'x' })
    t.match((await app.inject({ url: '/own', headers: { authorization: `Bearer ${theirs}` } })).json(), { sub: 'x' })
    t.equal((await app.inject({ url: '/me', headers: { authorization: `Bearer ${theirs}` } })).statusCode, 401, 'nor theirs of ours')
  }
})

t.test('bad keys do not start, and no message holds the key', async (t) => {
  const strong = 'Yk3vP0s9-aKq81Lz_mN5xW2dRt7uHb4c'
  const cases: Array<[unknown, string]> = [
    [{ secret: undefined }, 'secret is missing; make one with: npx fastify-users secret. If it stands in .env, start with node --env-file=.env, which reads that file'],
    [undefined, 'secret is missing; make one with: npx fastify-users secret.'],
    [null, 'secret is missing'],
    ['hunter2hunter2', 'secret belongs into an object: jwt({ secret })'],
    [() => strong, 'secret belongs into an object: jwt({ secret })'],
    [{ secret: '' }, 'secret is missing'],
    [{ secret: 'x'.repeat(31) }, 'secret must have at least 32 bytes'],
    [{ secret: ' '.repeat(64) }, 'secret is a well-known, repeated or guessable text'],
    [{ secret: 'x'.repeat(64) }, 'secret is a well-known, repeated or guessable text'],
    [{ secret: 'secretsecretsecretsecretsecretsecret' }, 'secret is a well-known, repeated or guessable text'],
    [{ secret: 'changeme-0123456789-0123456789-0123456789' }, 'secret is a well-known, repeated or guessable text'],
    [{ secret: 'ChangeMe ChangeMe ChangeMe ChangeMe ' }, 'secret is a well-known, repeated or guessable text'],
    [{ secret: Buffer.alloc(32) }, 'secret is a well-known, repeated or guessable text'],
    [{ secret: '12345678901234567890123456789012' }, 'secret is a well-known, repeated or guessable text'],
    [{ secret: 'undefinedundefinedundefinedundefined' }, 'secret is a well-known, repeated or guessable text'],
    [{ secret: 'a-string-secret-at-least-256-bits-long' }, 'secret is a well-known, repeated or guessable text'],
    [{ secret: 'qwertyuiopasdfghjklzxcvbnm123456' }, 'secret is a well-known, repeated or guessable text'],
    [{ secret: 42 }, 'secret must be a string or a Buffer'],
    [{ secret: strong, keys: [{ secret: strong }] }, 'secret and keys exclude each other'],
    [{ keys: [] }, 'keys must be a list of one key or more'],
    [{ keys: [{ secret: strong }, { secret: `${strong}2` }] }, 'keys must each have another kid'],
    [{ keys: [{ kid: 'a', secret: strong }, { kid: 'a', secret: `${strong}2` }] }, 'keys must each have another kid'],
    [{ keys: [{ kid: '', secret: strong }] }, 'keys[0].kid must be a string that is not empty'],
    [{ keys: [{ algorithm: 'none' }] }, 'keys[0].algorithm must be one of HS256,'],
    [{ keys: [{ algorithm: 'toString' }] }, 'keys[0].algorithm must be one of HS256,'],
    [{ keys: [{ algorithm: 'HS512', secret: strong }] }, 'keys[0].secret must have at least 64 bytes'],
    [{ keys: [{ algorithm: 'ES256', secret: strong }] }, 'keys[0].secret is no key of ES256: it takes privateKey or publicKey'],
    [{ keys: [{ algorithm: 'ES256', publicKey: p256.publicKey }] }, 'keys[0].privateKey is missing: the first key signs'],
    [{ keys: [{ algorithm: 'ES256', privateKey: p384.privateKey }] }, 'keys[0].privateKey must be a key of type prime256v1'],
    [{ keys: [{ algorithm: 'ES256', privateKey: rsa.privateKey }] }, 'keys[0].privateKey must be a key of type prime256v1'],
    [{ keys: [{ algorithm: 'RS256', privateKey: ed25519.privateKey }] }, 'keys[0].privateKey must be a key of type rsa'],
    [{ keys: [{ algorithm: 'RS256', privateKey: shortRsa.privateKey }] }, 'keys[0].privateKey must have at least 2048 bits'],
    [{ keys: [{ algorithm: 'EdDSA', privateKey: strong }] }, 'keys[0].privateKey must be a PEM text with a key of type ed25519'],
    [{ keys: [{ secret: strong }, { kid: 'b', algorithm: 'EdDSA', publicKey: strong }] }, 'keys[1].publicKey must be a PEM text with a key of type ed25519'],
    [{ keys: [{ secret: strong }, { kid: 'b', algorithm: 'EdDSA' }] }, 'keys[1].publicKey must be a PEM text'],
    [{ secret: strong, issuer: '' }, 'issuer must be a string that is not empty'],
    [{ secret: strong, audience: 1 }, 'audience must be a string that is not empty'],
    [{ secret: strong, leewaySeconds: 61 }, 'leewaySeconds must be from 0 to 60'],
    [{ secret: strong, leewaySeconds: '5' }, 'leewaySeconds must be from 0 to 60'],
    [{ keys: [{ algorithm: 'ES256', ...p256 }] }, 'keys[0].publicKey is derived from privateKey: leave it out'],
    [{ secret: strong, leewaySeconds: NaN }, 'leewaySeconds must be from 0 to 60'],
    [{ secret: strong, algorithm: 'none' }, 'algorithm is no option of jwt(): there are secret, keys, '],
    [{ secret: strong, lifetime: 60 }, 'lifetime is no option of jwt(): did you mean lifetimeSeconds?']
  ]
  for (const [given, message] of cases) {
    const refused = await refusal({ strategy: jwt(given as JwtOptions) })
    t.match(refused, `FST_USERS_BAD_OPTIONS: options.strategy.${message}`)
    t.notOk(refused.includes(strong) || refused.includes('PRIVATE KEY'))
    t.match(await refusal({ backends: [bearer({ strategy: jwt(given as JwtOptions) })] }), `options.backends[0].strategy.${message}`)
  }
  t.equal(await refusal({ strategy: jwt({ secret: '4815162342-1618033988-2718281828-31415' }) }), 'it starts', 'few letters alone are no fault')
  t.match(await refusal({ strategy: jwt({ secret: strong, lifetimeSeconds: 0 }) }), 'options.strategy.lifetimeSeconds must be a whole number of seconds')
})

t.test('a secret that can be guessed does not start, and one that is random does', (t) => {
  const guessable = [
    'my-super-secret-key-change-me-in-production', 'MySuperSecretKeyForDevelopmentOnly!', 'your_jwt_secret_key_here_change_in_production', 'supersecretsupersecretpassword123!',
    'this is my custom secret key for authentication', 'this-is-a-very-long-secret-key-for-my-app-2025', 'a string secret at least 256 bits long', 'your-512-bit-secret-your-512-bit-secret',
    'averylogphrasebiggerthanthirtytwochars', 'a secret with minimum length of 32 characters', 'super secret key that is at least 32 characters', 'complex password at least 32 characters long',
    'my 32 character ultra secure and ultra long secret', 'please change this secret to something random', 'secret should be at least 32 characters', 'must have at least 32 characters',
    'abcdefghijklmnopqrstuvwxyz0123456789', 'example-secret-for-the-documentation', 'acme-corp-jwt-secret-key-production', 'secret-0123456789-0123456789-0123456789', 'keyboard cat keyboard cat keyboard'
  ]
  for (const secret of guessable) t.match(secretProblem(secret, 32), 'guessable', secret)

  const spelled: Record<string, () => string | Buffer> = {
    base64: () => randomBytes(48).toString('base64'),
    'base64, no longer than it must be': () => randomBytes(24).toString('base64'),
    base64url: () => randomBytes(32).toString('base64url'),
    hex: () => randomBytes(32).toString('hex'),
    'hex of 128 bits': () => randomBytes(16).toString('hex'),
    'two UUIDs': () => `${randomUUID()}-${randomUUID()}`,
    letters: () => Array.from({ length: 32 }, () => String.fromCharCode(randomInt(97, 123))).join(''),
    'letters, digits and signs': () => Array.from({ length: 32 }, () => String.fromCharCode(randomInt(33, 127))).join(''),
    bytes: () => randomBytes(32),
    'with a word in front': () => `my-app-jwt-secret-${randomBytes(16).toString('hex')}`
  }
  for (const [spelling, random] of Object.entries(spelled)) {
    const refused = Array.from({ length: 2000 }, random).filter((secret) => secretProblem(secret, 32) !== null)
    t.strictSame(refused, [], spelling)
  }
  t.end()
})

t.test('revocations of the strategy\'s own', async (t) => {
  const ended: string[] = []
  const revocations = { revoke: (id: string) => { ended.push(id) }, isRevoked: (id: string) => ended.includes(id) }
  const app = await appWith(t, { strategy: jwt({ secret, revocations }) })
  const credential = await login(app, 'bearer')
  await app.inject({ ...credential, method: 'POST', url: '/logout/bearer' })
  t.strictSame(ended, [claims(credential).jti])
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 401)
})

t.test('what is not a clear no from the revocations is neither yes nor no: 503', async (t) => {
  for (const answer of [undefined, null, 0, '', 'false']) {
    const app = await appWith(t, { strategy: jwt({ secret, revocations: { revoke: () => {}, isRevoked: () => answer as unknown as boolean } }) })
    t.equal((await app.inject({ ...await login(app, 'bearer'), url: '/me' })).statusCode, 503, String(answer))
  }
})

t.test('the signature is HMAC-SHA256 under the secret\'s bytes', async (t) => {
  const app = await appWith(t)
  const [head, body, signature] = tokenOf(await login(app, 'bearer')).split('.')
  t.equal(signature, createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url'))
})

t.test('a remembered token is refused all the same once it is ended, expired, or its user is gone', async (t) => {
  let now = Date.UTC(2030, 0, 1)
  const app = await appWith(t, { clock: () => now })
  const status = async (credential: Sent) => (await app.inject({ ...credential, url: '/me' })).statusCode
  const { id } = await app.users.create({ email: 'bob@example.com', password: ann.password })
  const bob = { email: 'bob@example.com', password: ann.password }
  const [ended, epoch, removed, expired] = [await login(app, 'bearer'), await login(app, 'cookie', bob), await login(app, 'bearer', bob), await login(app, 'bearer')]
  for (const credential of [ended, epoch, removed, expired]) for (let i = 0; i < 3; i++) t.equal(await status(credential), 200)
  await app.inject({ ...ended, method: 'POST', url: '/logout/bearer' })
  t.equal(await status(ended), 401)
  await app.users.update(id, { isActive: false })
  t.equal(await status(epoch), 401)
  await app.users.remove(id)
  t.equal(await status(removed), 401)
  now += 3_600_000
  t.equal(await status(expired), 401)
})

onEachPlace(t, async (t, open) => {
  t.test('the contract, with sessions', async (t) => {
    const { sessions } = await open(t)
    for (const { name, run } of strategyContract(() => jwt({ secret, lifetimeSeconds: 60, sessions }))) t.test(name, run)
  })

  t.test('the token names a session, and is good as long as that is there', async (t) => {
    const { users, sessions } = await open(t)
    const now = Date.UTC(2030, 0, 1)
    const app = await appWith(t, { users, sessions, clock: () => now + 999, strategy: jwt({ secret, sessions: true }) })
    const credential = await login(app, 'bearer')
    const { sub, jti, sid, ...rest } = claims(credential)
    t.match(jti, /^[0-9a-f-]{36}$/)
    t.strictSame(rest, { iat: now / 1000, exp: now / 1000 + 3600, aud: 'bearer', epoch: 0 })
    const row = await onlySession({ sessions }, sub as string)
    t.match(row, { id: sid, userId: sub, createdAt: now + 999, data: { backend: 'bearer', accessDigest: null, refresh: null } })
    t.equal(await statusOf(app, byBearer, tokenOf(credential)), 200)
    await sessions.remove(row.id)
    t.equal(await statusOf(app, byBearer, tokenOf(credential)), 401)
  })
})

for (const { name, run } of strategyContract(() => jwt({ secret, sessions: true }))) t.test(`with sessions: ${name}`, run)

t.test('a token with a session is none without, and the reverse', async (t) => {
  const users = memory()
  const plain = await appWith(t, { users })
  const kept = await appWith(t, { users, strategy: jwt({ secret, sessions: true }) }, { seed: false })
  const [withoutSid, withSid] = [await login(plain, 'bearer'), await login(kept, 'bearer')]
  const status = async (credential: Sent) => [(await plain.inject({ ...credential, url: '/me' })).statusCode, (await kept.inject({ ...credential, url: '/me' })).statusCode]
  t.strictSame(await status(withoutSid), [200, 401])
  t.strictSame(await status(withSid), [401, 200])

  for (const sid of [undefined, null, '', 1, [], {}, 'x'.repeat(65), 'x', '__proto__']) t.strictSame(await status(signed({ ...claims(withSid), sid })), sid === undefined ? [200, 401] : [401, 401], JSON.stringify(sid))
  const { sid, ...withoutIt } = claims(withSid)
  t.type(sid, 'string')
  t.strictSame(await status(signed({ ...withoutIt, jti: sid })), [200, 401])
})

t.test('a token is good for the session\'s own user and epoch alone', async (t) => {
  const app = await appWith(t, { strategy: jwt({ secret, sessions: true }) })
  const { id } = await app.users.create({ email: 'bob@example.com', password: ann.password })
  const own = claims(await login(app, 'bearer'))
  const status = async (given: object) => await statusOf(app, byBearer, tokenOf(signed({ ...own, ...given })))
  t.equal(await status({}), 200)
  t.equal(await status({ sub: id }), 401)
  t.equal(await status({ epoch: 1 }), 401)
})

t.test('with sessions a signature is checked once, and the session each time', async (t) => {
  const { store, calls } = faulty(memorySessions())
  const app = await appWith(t, { sessions: store, strategy: jwt({ secret, sessions: true }) })
  const token = tokenOf(await login(app, 'bearer'))
  calls()
  for (let i = 0; i < 3; i++) t.equal(await statusOf(app, byBearer, token), 200)
  t.strictSame(calls(), { find: 3 })
  for (const bad of [`${token}x`, token.slice(0, -1), tokenOf(signed(claims({ headers: { authorization: `Bearer ${token}` } }), `${secret}!`)), 'x.y.z', 'A'.repeat(8193)]) t.equal(await statusOf(app, byBearer, bad), 401)
  t.strictSame(calls(), {}, 'what was forged costs no look-up')
})

t.test('an earlier token lives on beside the new one, as long as the session does', async (t) => {
  const clock = stoppedClock()
  const app = await appWith(t, { clock: clock.now, strategy: jwt({ secret, sessions: true }), backends: [bearer({ refresh: true })] })
  const first = await logIn(app, byBearer, ann)
  clock.forward(800)
  const second = byBearer.tokensOf(await refreshBy(app, byBearer, first.refresh)).access
  for (const token of [first.access, second]) t.equal(await statusOf(app, byBearer, token), 200)
  clock.forward(100)
  t.equal(await statusOf(app, byBearer, first.access), 401, 'it says itself when it expires')
  t.equal(await statusOf(app, byBearer, second), 200)
  await app.inject({ ...byBearer.withAccess(second), method: 'POST', url: '/logout/bearer' })
  t.equal(await statusOf(app, byBearer, second), 401)
})

t.test('a store of the strategy\'s own', async (t) => {
  const kept = new Map<string, StoredSession>()
  const own: SessionStore = { ...memorySessions(), insert: (session) => { kept.set(session.id, session) }, find: (id) => kept.get(id) ?? null }
  const app = await appWith(t, { strategy: jwt({ secret, sessions: own }) })
  const credential = await login(app, 'bearer')
  t.strictSame([...kept.keys()], [claims(credential).sid])
  t.equal((await app.inject({ ...credential, url: '/me' })).statusCode, 200)
})

/** A token that anybody with the secret could make. */
function signed (claims: object, key = secret): Sent {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const body = `${encode({ alg: 'HS256', typ: 'access+jwt' })}.${encode(claims)}`
  return { headers: { authorization: `Bearer ${body}.${createHmac('sha256', key).update(body).digest('base64url')}` } }
}

type Sent = Awaited<ReturnType<typeof login>>

function tokenOf ({ headers }: Sent): string {
  return String(headers?.authorization).slice('Bearer '.length)
}

function part (credential: Sent, index: number): Record<string, string> {
  return JSON.parse(Buffer.from(tokenOf(credential).split('.')[index] as string, 'base64url').toString()) as Record<string, string>
}

function header (credential: Sent): Record<string, string> {
  return part(credential, 0)
}

function claims (credential: Sent): Record<string, string> {
  return part(credential, 1)
}
