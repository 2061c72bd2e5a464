// Signed tokens by hand: the signature by node:crypto, in HS256 or ES256, and the claims that decide.
import { createHmac, createSecretKey, generateKeyPairSync, sign, timingSafeEqual, verify } from 'node:crypto'
import { secret } from './serve.js'

/**
 * Signs and reads tokens of one algorithm.
 *
 * @param remembers whether a token that was verified is remembered, as fastify-users does
 */
export function createTokens (algorithm, audience, remembers) {
  const { signature, holds } = algorithms[algorithm]()
  const header = encode({ alg: algorithm, typ: 'access+jwt' }) + '.'
  const verified = new Map()

  return {
    make (claims) {
      const signed = header + encode(claims)
      return `${signed}.${signature(signed).toString('base64url')}`
    },

    /** The claims of a token that holds, or `null`. */
    read (token) {
      const claims = verified.get(token) ?? check(token)
      return claims !== null && claims.exp > Date.now() / 1000 ? claims : null
    }
  }

  function check (token) {
    const dot = token.lastIndexOf('.')
    if (!token.startsWith(header) || dot < header.length) return null
    if (!holds(token.slice(0, dot), Buffer.from(token.slice(dot + 1), 'base64url'))) return null
    const claims = JSON.parse(Buffer.from(token.slice(header.length, dot), 'base64url').toString())
    if (claims.aud !== audience) return null
    if (remembers) verified.set(token, claims)
    return claims
  }
}

const algorithms = {
  HS256 () {
    const key = createSecretKey(Buffer.from(secret))
    const signature = (text) => createHmac('sha256', key).update(text).digest()
    return {
      signature,
      holds (text, given) {
        const expected = signature(text)
        return given.length === expected.length && timingSafeEqual(given, expected)
      }
    }
  },

  ES256 () {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return {
      signature: (text) => sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }),
      holds: (text, given) => verify('sha256', Buffer.from(text), { key: publicKey, dsaEncoding: 'ieee-p1363' }, given)
    }
  }
}

function encode (part) {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
