import type { JWT } from '@fastify/jwt'
import { constants, createHmac, createPrivateKey, createPublicKey, createSecretKey, timingSafeEqual, verify, type KeyObject } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { secretProblem } from './weak-secrets.js'

/** The algorithms a key can be of. It is fixed by the configuration: what a token's header says never chooses one. */
export type JwtAlgorithm = keyof typeof algorithms

/** A key. Of an HMAC it has a `secret`, else a `privateKey` to sign, or just a `publicKey` to verify. */
export interface JwtKey {
  /** Names the key in the header of its tokens. Each key has another; one of them may have none. */
  readonly kid?: string | undefined
  /** How it signs, or verifies. Default `'HS256'`. */
  readonly algorithm?: JwtAlgorithm | undefined
  /** As many random bytes as the algorithm's hash has (RFC 7518 §3.2): 32, 48 or 64. */
  readonly secret?: string | Buffer | undefined
  /** Of an asymmetric algorithm, to sign by: PEM, PKCS #8. */
  readonly privateKey?: string | undefined
  /** PEM, SPKI: of a key that verifies only. Beside a `privateKey` it is derived from that. */
  readonly publicKey?: string | undefined
}

/** What each algorithm asks of its key: bytes of a secret, or the type of a pair, and its curve. */
const algorithms = {
  HS256: { hash: 'sha256', bytes: 32 },
  HS384: { hash: 'sha384', bytes: 48 },
  HS512: { hash: 'sha512', bytes: 64 },
  RS256: { hash: 'sha256', type: 'rsa' },
  RS384: { hash: 'sha384', type: 'rsa' },
  RS512: { hash: 'sha512', type: 'rsa' },
  PS256: { hash: 'sha256', type: 'rsa', isPss: true },
  PS384: { hash: 'sha384', type: 'rsa', isPss: true },
  PS512: { hash: 'sha512', type: 'rsa', isPss: true },
  ES256: { hash: 'sha256', type: 'ec', curve: 'prime256v1' },
  ES384: { hash: 'sha384', type: 'ec', curve: 'secp384r1' },
  ES512: { hash: 'sha512', type: 'ec', curve: 'secp521r1' },
  EdDSA: { hash: null, type: 'ed25519' }
} as const satisfies Record<string, Needs>

interface Needs {
  /** `null` where the algorithm brings its own. */
  readonly hash: string | null
  readonly bytes?: number
  readonly type?: string
  readonly curve?: string
  readonly isPss?: boolean
}

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
  const needs: Needs = algorithms[algorithm]

  if (needs.bytes !== undefined) return secretProblem(secret, needs.bytes)
  if (secret !== undefined) return `secret is no key of ${algorithm}: it takes privateKey or publicKey`
  if (signs && privateKey === undefined) return 'privateKey is missing: the first key signs'
  if (privateKey !== undefined && publicKey !== undefined) return 'publicKey is derived from privateKey: leave it out'
  return pairProblem(privateKey === undefined ? 'publicKey' : 'privateKey', privateKey ?? publicKey, needs)
}

function pairProblem (option: string, pem: unknown, needs: Needs): string | null {
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

/**
 * Opens the keys. @fastify/jwt signs, in a scope of its own, so that nothing of it meets the application's own. What is signed is
 * checked here: one strict look, which decodes nothing before the signature holds.
 */
export async function openKeys (fastify: FastifyInstance, keys: readonly JwtKey[]): Promise<KeyRing> {
  const signer = await openSigner(fastify, keys[0] as JwtKey)
  const open = keys.map((key) => ({ start: `${encode(header(key))}.`, isSigned: createVerifier(key) }))

  return {
    sign: (claims) => signer.sign(claims),

    verify (token) {
      // Our own header, byte for byte: it names algorithm, type and key. Another algorithm, `none`, `jwk`, `jku`, `crit`
      // and the like have another header, and are refused before anything of them is decoded.
      const key = open.find(({ start }) => token.startsWith(start))
      if (key === undefined) return null
      const end = token.lastIndexOf('.')
      if (end < key.start.length || !key.isSigned(token.slice(0, end), token.slice(end + 1))) return null
      return toClaims(token.slice(key.start.length, end))
    }
  }
}

async function openSigner (fastify: FastifyInstance, key: JwtKey): Promise<JWT> {
  const { algorithm = 'HS256', secret, privateKey } = key
  // Here, so that an app whose tokens are opaque does not load it.
  const { default: fastifyJwt } = await import('@fastify/jwt')
  let signer: JWT | undefined

  await fastify.register(async (scope) => {
    await scope.register(fastifyJwt, {
      secret: secret ?? { private: privateKey as string, public: publicPem(privateKey as string) },
      decoratorName: 'fastifyUsersJwt',
      sign: { algorithm, header: header(key) }
    })
    signer = scope.jwt
  })
  return signer as unknown as JWT
}

/** Tells whether a text was signed with a key. The signature must be spelled as its bytes are: the last letter has bits that no byte holds. */
type Verifier = (text: string, signature: string) => boolean

function createVerifier ({ algorithm = 'HS256', secret, privateKey, publicKey }: JwtKey): Verifier {
  const { hash, isPss = false }: Needs = algorithms[algorithm]
  if (secret !== undefined) return createMacVerifier(hash as string, createSecretKey(Buffer.from(secret as string)))

  const padding = isPss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {}
  // JWS has both numbers of an ECDSA signature at full length (RFC 7518 §3.4); for other keys the encoding means nothing.
  const key = { key: createPublicKey(publicKey ?? privateKey as string), dsaEncoding: 'ieee-p1363' as const, ...padding }
  return (text, signature) => {
    const bytes = Buffer.from(signature, 'base64url')
    return bytes.toString('base64url') === signature && verify(hash, Buffer.from(text), key, bytes)
  }
}

function createMacVerifier (hash: string, key: KeyObject): Verifier {
  const { length } = createHmac(hash, key).digest('base64url')
  const [expected, given] = [Buffer.alloc(length), Buffer.alloc(length)]
  return (text, signature) => {
    // As UTF-8, so that no other letter can pass for one of these: it takes more than one byte, none of which is one of theirs.
    if (signature.length !== length || given.write(signature) !== length) return false
    expected.write(createHmac(hash, key).update(text).digest('base64url'))
    return timingSafeEqual(given, expected)
  }
}

/** The secret may be known to others, who sign other things: a number, say, which has no claims, or what is no JSON. */
function toClaims (payload: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown> | null
  } catch {
    return null
  }
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
