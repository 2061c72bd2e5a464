// The hand-made floor: what nobody who guards a route can do without. A callback hook, no library; the token is read, something
// finds its user, and whoever is not found is refused.
import Fastify from 'fastify'
import { asBearer, asCookie, schema } from './serve.js'

/** What is sent with each 401: RFC 9110 §11.6.1 demands the first, and no cache may keep it. */
const refusal = Object.assign(new Error('Unauthorized'), {
  statusCode: 401,
  headers: { 'www-authenticate': 'Bearer', 'cache-control': 'no-store' }
})

const cookieName = 'fastifyusersauth'
const cookiePattern = new RegExp(`(?:^|; *)${cookieName}=([^;]*)`)

const transports = {
  bearer: {
    read: ({ authorization }) => authorization?.startsWith('Bearer ') ? authorization.slice(7) : null,
    send: asBearer
  },
  cookie: {
    read: ({ cookie }) => cookie === undefined ? null : cookiePattern.exec(cookie)?.[1] ?? null,
    send: asCookie(cookieName)
  }
}

/**
 * An app whose `GET /me` is guarded, and `send`, which makes a credential of a token.
 *
 * @param find gives the user of a token, or `null`; at once, or as a promise
 */
export function createFloor (transport, find) {
  const { read, send } = transports[transport]

  function guard (request, _reply, done) {
    const token = read(request.raw.headers)
    if (token === null) return done(refusal)
    const found = find(token)
    if (found === null) return done(refusal)
    if (typeof found.then === 'function') {
      found.then((user) => {
        if (user === null) return done(refusal)
        request.user = user
        done()
      }, done)
      return
    }
    request.user = found
    done()
  }

  const app = Fastify()
  app.decorateRequest('user', null)
  app.get('/me', { onRequest: guard, schema }, async (request) => request.user)
  return { app, send }
}

/** Remembers for some seconds what was found, in this process. */
export function cached (find, seconds) {
  const entries = new Map()

  return (token) => {
    const entry = entries.get(token)
    if (entry !== undefined && entry.until > Date.now()) return entry.user
    const found = find(token)
    if (typeof found?.then === 'function') return found.then((user) => remember(token, user))
    return remember(token, found)
  }

  function remember (token, user) {
    if (user !== null) entries.set(token, { user, until: Date.now() + seconds * 1000 })
    return user
  }
}
