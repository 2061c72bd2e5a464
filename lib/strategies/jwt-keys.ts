import fastifyJwt, { type JWT } from '@fastify/jwt'
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { secretProblem } from './weak-secrets.js'

/** The algorithms a key can be of. It is fixed by the configuration: what a token's header says never chooses one. */
export type JwtAlgorithm = keyof typeof algorithms

/** A key. Of an HMAC it has a `secret`, else a `privateKey` to sign, or just a `publicKey` to verify. */
export interface JwtKey {
  /** Names the key in the header of its tokens. Each key has another; one of them may have none. */
  readonly kid?: string | undefined
  /** Default `'HS256'`. */
  readonly algorithm?: JwtAlgorithm | undefined
  /** As many random bytes as the algorithm's hash has (RFC 7518 §3.2): 32, 48 or 64. */
  readonly secret?: string | Buffer | undefined
  /** PEM, PKCS #8. */
  readonly privateKey?: string | undefined
  /** PEM, SPKI: of a key that verifies only. Beside a `privateKey` it is derived from that. */
  readonly publicKey?: string | undefined
}

/** What each algorithm asks of its key: bytes of a secret, or the type of a pair, and its curve. */
const algorithms = {
  HS256: { bytes: 32 },
  HS384: { bytes: 48 },
  HS512: { bytes: 64 },
  RS256: { type: 'rsa' },
  RS384: { type: 'rsa' },
  RS512: { type: 'rsa' },
  PS256: { type: 'rsa' },
  PS384: { type: 'rsa' },
  PS512: { type: 'rsa' },
  ES256: { type: 'ec', curve: 'prime256v1' },
  ES384: { type: 'ec', curve: 'secp384r1' },
  ES512: { type: 'ec', curve: 'secp521r1' },
  EdDSA: { type: 'ed25519' }
} as const satisfies Record<string, { bytes?: number, type?: string, curve?: string }>

/** Names what the token is good for (RFC 8725 §3.11): a token for another purpose has another type. */
const tokenType = 'access+jwt'

/** Signs with the first key, verifies with all. */
export interface KeyRing {
  sign (claims: object): string
  /** The claims of a token whose signature holds, or `null`. What they say is not looked at. */
  verify (token: string): Readonly<Record<string, unknown>> | null
}

/** What is wrong with the keys; `path` is where they stand. */
export function keyProblems (keys: readonly JwtKey[], path: string): string[] {
  if (!Array.isArray(keys) || keys.length === 0) return [`${path} must be a list of one key or more`]
  const problems = keys.flatMap((key, index) => {
    const at = path === '' ? '' : `${path}[${index}].`
    const problem = keyProblem(key, index === 0)
    return problem === null ? [] : [at + problem]
  })
  const kids = keys.map((key) => key.kid)
  if (new Set(kids).size < kids.length) problems.push(`${path} must each have another kid`)
  return problems
}

function keyProblem (key: JwtKey, signs: boolean): string | null {
  const { kid, algorithm = 'HS256', secret, privateKey, publicKey } = key
  if (!Object.hasOwn(algorithms, algorithm)) return `algorithm must be one of ${Object.keys(algorithms).join(', ')}`
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) return 'kid must be a string that is not empty'
  const needs: { bytes?: number, type?: string, curve?: string } = algorithms[algorithm]

  if (needs.bytes !== undefined) return secretProblem(secret, needs.bytes)
  if (secret !== undefined) return `secret is no key of ${algorithm}: it takes privateKey or publicKey`
  if (signs && privateKey === undefined) return 'privateKey is missing: the first key signs'
  if (privateKey !== undefined && publicKey !== undefined) return 'publicKey is derived from privateKey: leave it out'
  return pairProblem(privateKey === undefined ? 'publicKey' : 'privateKey', privateKey ?? publicKey, needs)
}

function pairProblem (option: string, pem: unknown, needs: { type?: string, curve?: string }): string | null {
  const kind = needs.curve ?? needs.type
  let key: KeyObject
  try {
    key = option === 'privateKey' ? createPrivateKey(pem as string) : createPublicKey(pem as string)
  } catch {
    // The reason is not told: it may quote the key.
    return `${option} must be a PEM text with a key of type ${kind}`
  }
  const { namedCurve, modulusLength = 2048 } = { ...key.asymmetricKeyDetails }
  if (key.asymmetricKeyType !== needs.type || (needs.curve !== undefined && namedCurve !== needs.curve)) return `${option} must be a key of type ${kind}`
  return modulusLength < 2048 ? `${option} must have at least 2048 bits` : null
}

/** Opens the keys, each in a scope of its own, so that nothing of it meets the application's own @fastify/jwt. */
export async function openKeys (fastify: FastifyInstance, keys: readonly JwtKey[]): Promise<KeyRing> {
  const open = new Map<string, JWT>()
  for (const key of keys) open.set(encode(header(key)), await openKey(fastify, key))
  const [signer] = open.values()

  return {
    sign: (claims) => (signer as JWT).sign(claims),

    verify (token) {
      // Our own header, byte for byte: it names algorithm, type and key. Another algorithm, `none`, `jwk`, `jku`, `crit`
      // and the like have another header, and are refused before anything of them is decoded.
      const dot = token.indexOf('.')
      const key = open.get(token.slice(0, dot))
      if (key === undefined || !hasCanonicalEnd(token)) return null
      try {
        return key.verify<Record<string, unknown>>(token)
      } catch {
        return null
      }
    }
  }
}

async function openKey (fastify: FastifyInstance, key: JwtKey): Promise<JWT> {
  const { algorithm = 'HS256', secret, privateKey, publicKey } = key
  let signer: JWT | undefined

  await fastify.register(async (scope) => {
    await scope.register(fastifyJwt, {
      secret: secret ?? { private: privateKey as string, public: publicKey ?? publicPem(privateKey as string) },
      decoratorName: 'fastifyUsersJwt',
      sign: { algorithm, header: header(key) },
      // Times are checked against our own clock, with all the other claims.
      verify: { algorithms: [algorithm], ignoreExpiration: true, ignoreNotBefore: true, cache: false }
    })
    signer = scope.jwt
  })
  return signer as unknown as JWT
}

/** The header of each token that the key signs. */
function header ({ kid, algorithm = 'HS256' }: JwtKey): { alg: JwtAlgorithm, typ: string, kid?: string } {
  return { alg: algorithm, typ: tokenType, ...(kid === undefined ? {} : { kid }) }
}

function encode (part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function publicPem (privateKey: string): string {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString()
}

/** Whether the signature is spelled as its bytes are: the last letter has bits that no byte holds. */
function hasCanonicalEnd (token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1)
  return Buffer.from(signature, 'base64url').toString('base64url') === signature
}
