import { createRequire } from 'node:module'
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv'
import { isAddress } from '../email.js'

const require = createRequire(import.meta.url)
let ajv: Ajv | undefined

/** What is wrong with a value, or `null`. */
export type Check = (value: unknown) => ErrorObject[] | null

/**
 * Compiles a JSON schema into a strict check: nothing is coerced, nothing defaulted, nothing dropped. The compiler is
 * loaded, and the schema compiled, at the first check, so that an app does not start later for it.
 */
export function compile (schema: object): Check {
  let validate: ValidateFunction | undefined

  return (value) => {
    validate ??= strictAjv().compile(schema)
    return validate(value) ? null : validate.errors as ErrorObject[]
  }
}

function strictAjv (): Ajv {
  if (ajv !== undefined) return ajv
  const { Ajv } = require('ajv') as typeof import('ajv')
  const { default: addFormats } = require('ajv-formats') as typeof import('ajv-formats')
  // strictRequired and strictTypes are about the style of schemas, and those of `fields` are the application's.
  ajv = new Ajv({ coerceTypes: false, useDefaults: false, removeAdditional: false, allErrors: false, strictTypes: false, addUsedSchema: false })
  addFormats.default(ajv)
  // What counts as an address is said in one place.
  ajv.addFormat('email', { type: 'string', validate: isAddress })
  // A lone surrogate has no encoding in UTF-8: what would be hashed is not what was typed.
  ajv.addFormat('password', { type: 'string', validate: (value) => value.isWellFormed() })
  return ajv
}
