// The hand-made floor: what nobody who checks a JWT on each request can do without. A signature by node:crypto, the claims
// that decide, a set of ended tokens, one look-up of the user. A callback hook, no library. A token that was verified is
// remembered, as fastify-users does: both do the same work.
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import { claimsOf, secret } from './serve.js'

const refusal = Object.assign(new Error('Unauthorized'), { statusCode: 401 })

/** `tokens` for the users, and a `guard` that reads a token with `read(headers)`. */
export function createFloor (users, audience, read) {
  const byId = new Map(users.map((user) => [user.id, { user, isActive: true, epoch: 0 }]))
  const ended = new Set()
  const verified = new Map()
  const key = createSecretKey(Buffer.from(secret))
  const header = encode({ alg: 'HS256', typ: 'access+jwt' }) + '.'

  return {
    tokens: users.map((user) => {
      const signed = header + encode(claimsOf(user, audience))
      return `${signed}.${sign(signed).toString('base64url')}`
    }),

    guard (request, _reply, done) {
      const token = read(request.raw.headers)
      const user = token === null ? null : userOf(verified.get(token) ?? verify(token))
      if (user === null) return done(refusal)
      request.user = user
      done()
    }
  }

  function verify (token) {
    const dot = token.lastIndexOf('.')
    if (!token.startsWith(header) || dot < header.length) return null
    const given = Buffer.from(token.slice(dot + 1), 'base64url')
    const expected = sign(token.slice(0, dot))
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null
    const claims = JSON.parse(Buffer.from(token.slice(header.length, dot), 'base64url').toString())
    if (claims.aud !== audience) return null
    verified.set(token, claims)
    return claims
  }

  function userOf (claims) {
    if (claims === null || !(claims.exp > Date.now() / 1000) || ended.has(claims.jti)) return null
    const stored = byId.get(claims.sub)
    return stored !== undefined && stored.isActive && stored.epoch === claims.epoch ? stored.user : null
  }

  function sign (text) {
    return createHmac('sha256', key).update(text).digest()
  }
}

function encode (part) {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
