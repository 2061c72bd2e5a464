import type { FastifySchemaValidationError } from 'fastify'

/** The last of a schema's complaints is about the whole; what was sent is never quoted. */
export function explain (errors: FastifySchemaValidationError[], part: string): Error {
  const { keyword, instancePath, message } = errors.at(-1) as FastifySchemaValidationError
  if (keyword === 'oneOf') return new Error(`${part} must have either email or username`)
  if (keyword === 'not') return new Error(`${part} must not have a password: a superuser sends a link to set one`)
  // Further down, names may be the client's own.
  const [, member] = instancePath.split('/')
  return new Error(`${part}${member === undefined ? '' : `/${member}`} ${String(message)}`)
}
