import fc from 'fast-check'
import { generateKeyPairSync } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { jwt, opaque, type Strategy } from '../../lib/index.js'
import { aPassword, briefly, postOffice, send, stranger, withChecksum, type PostOffice } from '../helpers/accounts.js'
import { appWith, secret } from '../helpers/app.js'
import { holds } from '../helpers/properties.js'
import { everything } from '../helpers/route-table.js'
import { byBearer, byCookie, logIn, refreshBy, statusOf } from '../helpers/sessions.js'

/** Any change of a valid token of any kind, and it is none. */

const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
const letter = fc.oneof(fc.constantFrom(...alphabet, ...'.=+/~% \t,;"\0é'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }))
const at = fc.nat(1000)
const place = (text: string, at: number): number => at % (text.length + 1)

/** Ways to change a text; where one changes nothing, there is nothing to test. */
const change: fc.Arbitrary<(token: string) => string> = fc.oneof(
  fc.tuple(at, fc.nat(6)).map(([at, bit]) => named(`bit ${bit} of ${at} flipped`, (token) => token.replace(/[^]/g, (letter, index) => index === at % token.length ? String.fromCharCode(letter.charCodeAt(0) ^ (1 << bit)) : letter))),
  fc.tuple(at, letter).map(([at, letter]) => named(`${JSON.stringify(letter)} at ${at}`, (token) => token.slice(0, at % token.length) + letter + token.slice(at % token.length + 1))),
  fc.tuple(at, fc.integer({ min: 1, max: 50 })).map(([at, length]) => named(`${length} less at ${at}`, (token) => token.slice(0, place(token, at)) + token.slice(place(token, at) + length))),
  fc.tuple(at, fc.array(letter, { minLength: 1, maxLength: 5 })).map(([at, letters]) => named(`${JSON.stringify(letters.join(''))} into ${at}`, (token) => token.slice(0, place(token, at)) + letters.join('') + token.slice(place(token, at)))),
  at.map((at) => named(`cut at ${at}`, (token) => token.slice(0, at % token.length))),
  fc.constantFrom('', '.', ' ', ',', '; ', '&', '\n').map((joint) => named(`twice, joined by ${JSON.stringify(joint)}`, (token) => token + joint + token)),
  fc.tuple(at, at).map(([one, other]) => named(`${one} and ${other} swapped`, (token) => swap(token, one % token.length, other % token.length))),
  at.map((at) => named(`letter ${at} in the other case`, (token) => token.replace(/[^]/g, (letter, index) => index === at % token.length ? otherCase(letter) : letter))),
  fc.constantFrom(
    named('in lower case', (token) => token.toLowerCase()),
    named('in upper case', (token) => token.toUpperCase()),
    named('backwards', (token) => [...token].reverse().join('')),
    named('in base64 once more', (token) => Buffer.from(token).toString('base64')),
    named('in base64url once more', (token) => Buffer.from(token).toString('base64url')),
    named('in hex', (token) => Buffer.from(token).toString('hex')),
    named('out of base64url', (token) => Buffer.from(token, 'base64url').toString('latin1')),
    named('in wide letters', (token) => token.replace(/[!-~]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0))),
    named('in quotes', (token) => `"${token}"`),
    named('with its scheme', (token) => `Bearer ${token}`),
    named('in a list', (token) => JSON.stringify([token]))
  ),
  // What decoders of base64 let pass: padding, the other alphabet, white space, bits that no byte holds.
  fc.tuple(fc.nat(4), fc.constantFrom('=', '==', '\n', ' ', '%3D', 'A', '.')).map(([part, more]) => named(`part ${part} and ${JSON.stringify(more)}`, (token) => inPart(token, part, (text) => text + more))),
  fc.nat(4).map((part) => named(`part ${part} in the other base64`, (token) => inPart(token, part, (text) => text.replaceAll('-', '+').replaceAll('_', '/')))),
  fc.tuple(fc.nat(4), fc.integer({ min: 1, max: 3 })).map(([part, more]) => named(`part ${part} with ${more} in its spare bits`, (token) => inPart(token, part, (text) => text.slice(0, -1) + alphabet[(alphabet.indexOf(text.at(-1) as string) ^ more) & 63] as string))),
  fc.nat(4).map((part) => named(`without part ${part}`, (token) => token.split('.').filter((_, index) => index !== part % token.split('.').length).join('.'))),
  fc.nat(4).map((part) => named(`part ${part} empty`, (token) => inPart(token, part, () => ''))),
  fc.tuple(fc.nat(4), fc.uint8Array({ minLength: 1, maxLength: 64 })).map(([part, bytes]) => named(`part ${part} something else`, (token) => inPart(token, part, () => Buffer.from(bytes).toString('base64url')))),
  // Whatever a JSON parser lets pass would have the same meaning, but not the same signature.
  fc.tuple(fc.nat(1), fc.constantFrom<(json: string) => string>((json) => ` ${json}`, (json) => `${json} `, (json) => json.replace('{', '{"a":1,'), (json) => json.replace('}', ',"admin":true}'), (json) => json.replace('"exp":', '"exp":9'), (json) => json.replaceAll('"', '\\u0022'), () => '{"alg":"none"}'))
    .map(([part, write]) => named(`part ${part} written anew: ${String(write)}`, (token) => inPart(token, part, (text) => Buffer.from(write(Buffer.from(text, 'base64url').toString())).toString('base64url'))))
)

/** Shown by its name where it fails. */
function named (name: string, change: (token: string) => string): (token: string) => string {
  return Object.assign(change, { toString: () => name, [fc.toStringMethod]: () => name })
}

function swap (text: string, one: number, other: number): string {
  const letters = [...text]
  ;[letters[one], letters[other]] = [letters[other] as string, letters[one] as string]
  return letters.join('')
}

function otherCase (letter: string): string {
  return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
}

function inPart (token: string, part: number, write: (text: string) => string): string {
  const parts = token.split('.')
  const index = part % parts.length
  return parts.map((text, at) => at === index ? write(text) : text).join('.')
}

interface Scene {
  readonly app: FastifyInstance
  readonly post: PostOffice
}

async function setScene (t: Test, strategy: Strategy): Promise<Scene> {
  const post = postOffice()
  return { post, app: await appWith(t, { ...everything('opaque'), strategy, ...post.options }) }
}

const who = { email: 'owner@example.com', password: aPassword('owner') }

const pem = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const strategies: Readonly<Record<string, () => Strategy>> = {
  HS256: () => jwt({ secret, sessions: true }),
  ES256: () => jwt({ keys: [{ kid: '1', algorithm: 'ES256', privateKey: pem }], sessions: true }),
  opaque: () => opaque()
}

for (const [name, strategy] of Object.entries(strategies)) {
  t.test(name, async (t) => {
    const { app } = await setScene(t, strategy())
    await app.users.create({ ...who, isVerified: true })
    const [inHeader, inCookie] = [await logIn(app, byBearer, who), await logIn(app, byCookie, who)]

    holds(t, `a changed access token in a header, ${name}`, 800, fc.asyncProperty(change, async (change) => {
      const changed = change(inHeader.access)
      fc.pre(changed !== inHeader.access)
      return await statusOf(app, byBearer, changed) === 401
    }))

    holds(t, `a changed access token in a cookie, ${name}`, 800, fc.asyncProperty(change, async (change) => {
      const changed = change(inCookie.access)
      // A cookie is read as cookies are: up to a semicolon, without the blanks around it, and percent-decoded.
      fc.pre(decoded(changed.split(';', 1)[0]?.trim() as string) !== inCookie.access)
      return await statusOf(app, byCookie, changed) === 401
    }))

    holds(t, `a changed refresh token, ${name}`, 500, fc.asyncProperty(change, async (change) => {
      const changed = change(inHeader.refresh)
      fc.pre(changed !== inHeader.refresh)
      // What is no text of a token's length is no body of this route.
      return ['401 UNAUTHORIZED', '400 FST_ERR_VALIDATION'].includes(briefly(await refreshBy(app, byBearer, changed)))
    }))

    t.test('and the good ones are good still', async (t) => {
      t.strictSame([await statusOf(app, byBearer, inHeader.access), await statusOf(app, byCookie, inCookie.access)], [200, 200])
      t.equal(briefly(await refreshBy(app, byBearer, inHeader.refresh)), '200')
    })
  })
}

t.test('the twin of an ES256 signature may verify, and ends with it', async (t) => {
  const { app } = await setScene(t, strategies.ES256?.() as Strategy)
  await app.users.create({ ...who, isVerified: true })
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const { access } = await logIn(app, byBearer, who)
  const signature = Buffer.from(access.split('.')[2] as string, 'base64url')
  const twin = (order - BigInt(`0x${signature.subarray(32).toString('hex')}`)).toString(16).padStart(64, '0')
  const other = inPart(access, 2, () => Buffer.concat([signature.subarray(0, 32), Buffer.from(twin, 'hex')]).toString('base64url'))
  t.ok([200, 401].includes(await statusOf(app, byBearer, other)))
  t.equal((await send(app, byBearer.withAccess(access), 'POST', '/logout/bearer')).statusCode, 200)
  t.strictSame([await statusOf(app, byBearer, access), await statusOf(app, byBearer, other)], [401, 401])
})

t.test('mailed tokens', async (t) => {
  const { app, post } = await setScene(t, opaque())
  await app.users.create(who)
  await app.users.requestVerify(who.email)
  const verify = await post.token('verify-address', who.email)
  await app.users.create({ ...who, email: 'forgetful@example.com', isVerified: true })
  await app.users.forgotPassword('forgetful@example.com')
  const reset = await post.token('reset-password', 'forgetful@example.com')
  const mover = { ...who, email: 'mover@example.com' }
  await app.users.create({ ...mover, isVerified: true })
  const { access } = await logIn(app, byBearer, mover)
  await send(app, byBearer.withAccess(access), 'PATCH', '/users/me', { email: 'moved@example.com', currentPassword: who.password })
  const move = await post.token('confirm-email-change', 'moved@example.com')

  const kinds = [
    ['verify', verify, '/verify', {}, '400 VERIFY_USER_BAD_TOKEN'],
    ['reset', reset, '/reset-password', { password: aPassword('new') }, '400 RESET_PASSWORD_BAD_TOKEN'],
    ['email-change', move, '/change-email', {}, '400 CHANGE_EMAIL_BAD_TOKEN']
  ] as const
  for (const [kind, token, url, more, refused] of kinds) {
    const redeem = async (token: string): Promise<string> => briefly(await send(app, stranger, 'POST', url, { ...more, token }))
    holds(t, `a changed token, ${kind}`, 500, fc.asyncProperty(change, async (change) => {
      const changed = change(token)
      fc.pre(changed !== token)
      return await redeem(changed) === refused
    }))

    holds(t, `a changed token with its own checksum, ${kind}`, 300, fc.asyncProperty(change, async (change) => {
      const body = token.slice(0, token.lastIndexOf('.'))
      const changed = change(body)
      fc.pre(changed !== body)
      return await redeem(withChecksum(changed)) === refused
    }))

    t.test(`the good one is good still: ${kind}`, async (t) => { t.equal(await redeem(token), '200') })
  }
})

function decoded (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
