// What the load sends: the same credentials in turn, none, such that do not hold, or a token that nobody has seen before.
import { createHmac, createSecretKey, randomBytes } from 'node:crypto'

/**
 * Makes the bytes of one `GET /me` after the other.
 *
 * @param sends `'nothing'`, `'credentials'`, `'tampered'` or `'new tokens'`
 */
export function requestsOf ({ port, credentials, secret }, sends) {
  const start = `GET /me HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n`
  const request = ({ header, value }) => Buffer.from(`${start}${header}: ${value}\r\n\r\n`)

  if (sends === 'nothing') return inTurn([Buffer.from(`${start}\r\n`)])
  if (sends === 'credentials') return inTurn(credentials.map(request))
  if (sends === 'tampered') return inTurn(credentials.map((credential) => request(tampered(credential))))

  const next = inTurn(credentials.map((credential) => newTokens(credential, secret)))
  return () => request(next()())
}

/** Makes the bytes of one log-in after the other. */
export function loginsOf ({ port }, backend, logins) {
  return inTurn(logins.map((login) => {
    const body = JSON.stringify(login)
    const head = `POST /login/${backend} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    return Buffer.from(head + body)
  }))
}

/**
 * The credential with one letter of its signature, or of its secret, changed to another. The last letter would not do: it has bits
 * that count for nothing. A letter of an escape would not either.
 */
export function tampered ({ header, value }) {
  let at = value.length - 20
  while (value.slice(at - 2, at + 1).includes('%')) at--
  return { header, value: value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1) }
}

/** Makes credentials of the same user and claims with another `jti` each, signed as the server's own are (HS256). */
function newTokens ({ header, value }, secret) {
  const key = createSecretKey(Buffer.from(secret))
  const [, before, payload] = /^(.*?[\w-]+\.)([\w-]+)\.[\w-]+$/.exec(value)
  const claims = Buffer.from(payload, 'base64url').toString()
  const { jti } = JSON.parse(claims)
  const [head, tail] = claims.split(jti)
  const own = randomBytes(6).toString('base64url')
  const space = before.lastIndexOf(' ')
  let count = 0

  return () => {
    const fresh = (own + String(count++).padStart(14, '0')).padEnd(jti.length, '0')
    const signed = before.slice(space + 1) + Buffer.from(head + fresh + tail).toString('base64url')
    const signature = createHmac('sha256', key).update(signed).digest('base64url')
    return { header, value: `${before.slice(0, space + 1)}${signed}.${signature}` }
  }
}

function inTurn (list) {
  let count = 0
  return () => list[count++ % list.length]
}
