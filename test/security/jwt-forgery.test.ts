import { createHmac, createSign, generateKeyPairSync, sign } from 'node:crypto'
import t from 'tap'
import { bearer, jwt, memory } from '../../lib/index.js'
import { appWith, login, secret } from '../helpers/app.js'

const now = Date.UTC(2030, 0, 1)
const seconds = now / 1000
const encode = (part: unknown): string => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
const hmac = (input: string, hash = 'sha256', key: string | Buffer = secret): string => createHmac(hash, key).update(input).digest('base64url')
const decode = (part = ''): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>

/** An app whose clock stands still, a good token of it, and what it says. */
async function target (t: Parameters<typeof appWith>[0], strategy = jwt({ secret })) {
  let userLookUps = 0
  const store = memory()
  const app = await appWith(t, { clock: () => now, strategy, backends: [bearer()], users: { ...store, findById: (id) => { userLookUps++; return store.findById(id) } } })
  const token = String((await login(app, 'bearer')).headers?.authorization).slice('Bearer '.length)
  const [header = '', payload = '', signature = ''] = token.split('.')
  return {
    app,
    token,
    header,
    payload,
    signature,
    claims: decode(payload),
    lookUps: () => userLookUps,
    status: async (token: string) => (await app.inject({ url: '/me', headers: { authorization: `Bearer ${token}` } })).statusCode
  }
}

t.test('headers that are not ours, with a signature that holds', async (t) => {
  const { status, payload, token, lookUps } = await target(t)
  t.equal(await status(token), 200)
  const before = lookUps()
  const base = { alg: 'HS256', typ: 'access+jwt' }
  const headers: Array<[object | string, string]> = [
    ...['none', 'None', 'nOnE', 'NONE', '', 'hs256', 'HS256 ', ' HS256', 'HS384', 'HS512', 'RS256', 'PS256', 'ES256', 'EdDSA'].map((alg) => [{ ...base, alg }, `alg ${alg}`] as [object, string]),
    [{ typ: 'access+jwt' }, 'no alg'],
    [{ ...base, alg: null }, 'alg null'],
    [{ ...base, alg: ['HS256'] }, 'alg a list'],
    ...['JWT', 'jwt', 'at+jwt', 'refresh+jwt', 'verify+jwt', 'reset+jwt', 'ACCESS+JWT', 'application/access+jwt', ''].map((typ) => [{ ...base, typ }, `typ ${typ}`] as [object, string]),
    [{ alg: 'HS256' }, 'no typ'],
    [{ ...base, jwk: { kty: 'oct', k: 'AA' } }, 'jwk'],
    [{ ...base, jku: 'http://127.0.0.1:9/jwks' }, 'jku'],
    [{ ...base, x5u: 'http://127.0.0.1:9/x' }, 'x5u'],
    [{ ...base, x5c: ['AA'] }, 'x5c'],
    [{ ...base, x5t: 'AA' }, 'x5t'],
    [{ ...base, kid: '../../dev/null' }, 'kid'],
    [{ ...base, kid: '' }, 'empty kid'],
    [{ ...base, crit: [] }, 'crit empty'],
    [{ ...base, crit: ['exp'] }, 'crit'],
    [{ ...base, crit: ['b64'], b64: false }, 'b64'],
    [{ ...base, cty: 'JWT' }, 'cty'],
    [{ ...base, zip: 'DEF' }, 'zip'],
    [{ typ: 'access+jwt', alg: 'HS256' }, 'another order'],
    ['{"alg":"HS256","typ":"access+jwt" }', 'a blank'],
    ['{"alg":"none","alg":"HS256","typ":"access+jwt"}', 'alg twice'],
    ['[]', 'a list'],
    ['null', 'null'],
    ['{', 'no JSON']
  ]
  for (const [header, name] of headers) {
    const input = `${encode(header)}.${payload}`
    const hash = { HS384: 'sha384', HS512: 'sha512' }[(header as { alg?: string }).alg ?? ''] ?? 'sha256'
    for (const [kind, signature] of [['signed', hmac(input, hash)], ['unsigned', ''], ['odd', 'AA']]) t.equal(await status(`${input}.${signature}`), 401, `${name}, ${kind}`)
    t.equal(await status(input), 401, `${name}, two parts`)
  }
  t.equal(lookUps(), before, 'no user was asked for')
})

t.test('shapes that are no token', async (t) => {
  const { status, token, header, payload, signature, app } = await target(t)
  for (const [name, text] of Object.entries({
    'no dot': token.replaceAll('.', ''),
    'one dot': `${header}.${payload}`,
    'three dots': `${token}.${signature}`,
    'four dots (JWE)': `${header}..${payload}.${signature}.${signature}`,
    'no header': `.${payload}.${signature}`,
    'no payload': `${header}..${hmac(`${header}.`)}`,
    'no signature': `${header}.${payload}.`,
    'padded signature': `${token}=`,
    'base64 signature': `${header}.${payload}.${Buffer.from(signature, 'base64url').toString('base64').replace('=', '')}`.replace(/\.([^.]*)$/, (_, s: string) => `.${s}+`),
    'payload that is no JSON': `${header}.${encode('{')}.${hmac(`${header}.${encode('{')}`)}`,
    'payload null': `${header}.${encode('null')}.${hmac(`${header}.${encode('null')}`)}`,
    'payload a list': `${header}.${encode('[]')}.${hmac(`${header}.${encode('[]')}`)}`,
    'JSON serialisation': JSON.stringify({ protected: header, payload, signature }),
    'too long': `${header}.${'A'.repeat(8193)}.${signature}`
  })) {
    t.equal(await status(text), 401, name)
  }
  const long = await app.inject({ url: '/me', headers: { authorization: `Bearer ${'a.'.repeat(500_000)}` } })
  t.equal(long.statusCode, 401)

  t.equal(await status(token), 200)
  for (const letter of ['é', 'ÿ', '€', '']) t.equal(await status(token.slice(0, -1) + letter), 401, `in the place of the last letter: ${letter}`)

  // The last letter of 43 has two bits that no byte holds: four spellings of one signature, of which one is ours.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  let accepted = 0
  for (const letter of alphabet) if (await status(token.slice(0, -1) + letter) === 200) accepted++
  t.equal(accepted, 1)
})

t.test('claims, with our own signature', async (t) => {
  const { status, header, claims, lookUps } = await target(t, jwt({ secret, lifetimeSeconds: 3600 }))
  const forge = async (change: Record<string, unknown>) => {
    const input = `${header}.${encode({ ...claims, ...change })}`
    return await status(`${input}.${hmac(input)}`)
  }
  t.equal(await forge({}), 200)
  const before = lookUps()
  const bad: Record<string, unknown[]> = {
    exp: [undefined, null, '9', `${seconds + 60}`, 1.5, seconds + 0.5, 1e308, -1, 0, seconds, seconds - 6, seconds + 3601, true, [seconds + 60], {}],
    iat: [undefined, null, `${seconds}`, -1, seconds + 6, seconds + 0.5, 1e308, seconds - 1, [seconds]],
    nbf: [null, '0', seconds + 6, 1e308, -1, 0.5, [0], {}],
    sub: [undefined, null, '', 0, 1, {}, [], [claims.sub], 'x'.repeat(65), 'x'.repeat(7000)],
    jti: [undefined, null, '', 0, {}, 'x'.repeat(65)],
    aud: [undefined, null, '', 'cookie', 'Bearer', ['bearer'], ['bearer', 'cookie'], { bearer: true }, 0],
    iss: ['', 'https://example.com', ['x'], null, 0],
    epoch: [undefined, null, '0', 0.5, true, {}, 1e308]
  }
  for (const [claim, values] of Object.entries(bad)) {
    for (const value of values) t.equal(await forge({ [claim]: value }), 401, `${claim} ${encodeURI(String(JSON.stringify(value))).slice(0, 40)}`)
  }
  t.equal(lookUps(), before, 'no user was asked for')

  t.equal(await forge({ exp: seconds + 1 }), 200, 'exp, one second ahead')
  t.equal(await forge({ iat: seconds + 5, exp: seconds + 60 }), 200, 'iat within the leeway')
  t.equal(await forge({ nbf: seconds + 5 }), 200, 'nbf within the leeway')
  t.equal(await forge({ epoch: 1 }), 401, 'another epoch')
  t.equal(await forge({ sub: 'undefined' }), 401, 'nobody')
  t.equal(await forge({ isSuperuser: true, admin: true }), 200, 'what we do not read says nothing')
  t.equal(await forge({ notes: 'x'.repeat(5500) }), 200, 'nor how much it is')
  t.equal(await forge({ notes: 'x'.repeat(6500) }), 401, 'up to 8192 characters')
})

t.test('issuer and audience, exactly', async (t) => {
  const { status, header, claims } = await target(t, jwt({ secret, issuer: 'https://example.com', audience: 'shop' }))
  const forge = async (change: Record<string, unknown>) => {
    const input = `${header}.${encode({ ...claims, ...change })}`
    return await status(`${input}.${hmac(input)}`)
  }
  t.equal(await forge({}), 200)
  for (const iss of [undefined, null, '', 'https://example.com/', 'https://EXAMPLE.com', 'http://example.com', ['https://example.com']]) t.equal(await forge({ iss }), 401, `iss ${String(iss)}`)
  for (const aud of [['bearer', 'shop'], ['shop', 'bearer', 'x'], undefined, 'shop', 'bearer', ['shop'], ['bearer'], ['Shop', 'bearer'], 'shop bearer', { 0: 'shop', 1: 'bearer' }]) t.equal(await forge({ aud }), 401, `aud ${JSON.stringify(aud)}`)
})

t.test('a public key is no secret, and another\'s key no key', async (t) => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const { status, header, payload, token } = await target(t, jwt({ keys: [{ algorithm: 'RS256', privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }] }))
  t.equal(await status(token), 200)
  const asHmac = encode({ alg: 'HS256', typ: 'access+jwt' })
  for (const head of [header, asHmac]) {
    t.equal(await status(`${head}.${payload}.${hmac(`${head}.${payload}`, 'sha256', publicKey)}`), 401)
    t.equal(await status(`${head}.${payload}.${hmac(`${head}.${payload}`, 'sha256', '')}`), 401)
  }
  t.equal(await status(`${header}.${payload}.${createSign('sha256').update(`${header}.${payload}`).sign(stranger.privateKey, 'base64url')}`), 401)
})

t.test('ECDSA: no zeros, no DER; the twin of a signature is ended with the token', async (t) => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { status, header, payload, signature, app } = await target(t, jwt({ keys: [{ algorithm: 'ES256', privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }] }))
  const input = `${header}.${payload}`
  t.equal(await status(`${input}.${Buffer.alloc(64).toString('base64url')}`), 401, 'zeros')
  t.equal(await status(`${input}.${sign('sha256', Buffer.from(input), pair.privateKey).toString('base64url')}`), 401, 'DER')
  t.equal(await status(`${input}.${signature.slice(0, 60)}`), 401, 'truncated')

  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const bytes = Buffer.from(signature, 'base64url')
  const twin = Buffer.concat([bytes.subarray(0, 32), Buffer.from((order - BigInt(`0x${bytes.subarray(32).toString('hex')}`)).toString(16).padStart(64, '0'), 'hex')])
  const twinToken = `${input}.${twin.toString('base64url')}`
  t.equal(await status(twinToken), 200, 'the same token, in other letters')
  await app.inject({ method: 'POST', url: '/logout/bearer', headers: { authorization: `Bearer ${input}.${signature}` } })
  t.equal(await status(twinToken), 401)
})

t.test('a token is read from the Authorization header alone', async (t) => {
  const { app, token } = await target(t)
  for (const request of [
    { url: `/me?access_token=${token}` },
    { method: 'POST' as const, url: '/me', payload: { access_token: token } },
    { url: '/me', cookies: { authorization: `Bearer ${token}`, access_token: token } },
    { url: '/me', headers: { 'x-access-token': token, 'proxy-authorization': `Bearer ${token}` } }
  ]) t.equal((await app.inject(request)).statusCode, 401)
})
