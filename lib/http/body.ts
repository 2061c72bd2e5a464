import type { FastifyInstance, FastifyRequest } from 'fastify'
import { BadCharsetError, BadFormError } from '../errors.js'

/** No body of ours is longer: bytes. */
export const bodyLimit = 16_384

/** In this scope a body is JSON, in UTF-8, and nothing else; whatever parsers the application has. */
export function acceptJson (scope: FastifyInstance): void {
  const parseJson = scope.getDefaultJsonParser('error', 'error')
  scope.removeAllContentTypeParsers()

  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (!isUtf8(request)) return done(new BadCharsetError())
    parseJson(request, body as string, done)
  })
}

/** In this scope a body may also be a form, in UTF-8. */
export function acceptForms (scope: FastifyInstance): void {
  scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (request, body, done) => {
    if (!isUtf8(request)) return done(new BadCharsetError())
    const form = parseForm(body as string)
    if (form === null) return done(new BadFormError())
    done(null, form)
  })
}

/**
 * A form as an object without a prototype, so that no field can reach one; `null` if a field is sent twice. A box that
 * was ticked becomes `true`: that is how a form says it.
 */
function parseForm (text: string): Record<string, string | boolean> | null {
  const form: Record<string, string | boolean> = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    if (name in form) return null
    form[name] = name === 'remember' && (value === 'on' || value === 'true') ? true : value
  }
  return form
}

function isUtf8 (request: FastifyRequest): boolean {
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(String(request.headers['content-type']))?.[1]
  return charset === undefined || /^utf-?8$/i.test(charset)
}
