import type { FastifyRequest } from 'fastify'
import type { IsCrossSite } from '../authenticator.js'

/** Methods that change nothing (RFC 9110 §9.2.1). */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/**
 * Tells whether another site may have made a request that changes something, or opens a WebSocket. Asked of requests whose credential
 * browsers send by themselves. In this order:
 *
 * 1. a method that changes nothing is nobody's business, but for a WebSocket's handshake. Any page may send that to any host, and read
 *    what comes back; and browsers always say whose page it is by `Origin` (RFC 6455 §4.1, §10.2);
 * 2. an `Origin` on the list of trusted ones is trusted;
 * 3. `Sec-Fetch-Site`, where there is one, decides (Fetch Metadata): a page of this origin, or the user's own hand;
 * 4. else `Origin`, else the origin of `Referer`, must be this host;
 * 5. with none of them it is no browser of today: it must carry what no page can send to another site unasked, the
 *    header `X-Requested-With` or a JSON body, if it carries a cookie at all.
 */
export function createCrossSiteCheck (trustedOrigins: readonly string[]): IsCrossSite {
  const trusted = new Set(trustedOrigins)

  return (request) => {
    if (safeMethods.has(request.method)) return isHandshake(request) && isForeign(request)
    const { origin, referer, 'sec-fetch-site': fetchSite, 'x-requested-with': requestedWith, 'content-type': contentType, cookie } = request.headers

    if (origin !== undefined && trusted.has(origin)) return false
    if (fetchSite !== undefined) return fetchSite !== 'same-origin' && fetchSite !== 'none'
    const source = origin ?? referer
    if (source !== undefined) return !isOwnHost(source, request)
    return cookie !== undefined && requestedWith === undefined && !isJson(contentType)
  }

  function isForeign (request: FastifyRequest): boolean {
    const { origin } = request.headers
    return origin !== undefined && !trusted.has(origin) && !isOwnHost(origin, request)
  }
}

function isHandshake ({ headers: { upgrade } }: FastifyRequest): boolean {
  return upgrade !== undefined && /websocket/i.test(upgrade)
}

/** Compares hosts, and of schemes only whether it is one of the web: behind a proxy that ends TLS the app sees `http` where the browser sees `https`. */
function isOwnHost (source: string, request: FastifyRequest): boolean {
  // "null" (a sandboxed frame, a redirect) is no URL.
  if (!URL.canParse(source)) return false
  const { protocol, host } = new URL(source)
  // An app on the user's phone, or an extension, may bear the name of a host.
  if (protocol !== 'https:' && protocol !== 'http:') return false
  const own = `${protocol}//${request.host}`
  return URL.canParse(own) && new URL(own).host === host
}

function isJson (contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/json\s*(?:;|$)/i.test(contentType)
}
