import { isObject } from './option-checks.js'
import type { RouteGroups } from './route-options.js'
import { reservedNames, type ObjectSchema } from './schemas/user.js'

/** What the reply of a login brings, beside the user where a session is renewed. */
const tokenMembers = ['access_token', 'token_type', 'expires_in', 'refresh_token']

/** What is wrong with the application's own fields. */
export function fieldProblems (fields: ObjectSchema, routes: RouteGroups): string[] {
  if (!isObject(fields) || !isObject(fields.properties)) return ['options.fields must be the JSON schema of an object, such as Type.Object({ nickname: Type.String() })']
  const { required = [] } = fields
  if (!Array.isArray(required)) return ['options.fields.required must be a list of names']
  const taken = [...reservedNames, ...tokenMembers]
  const clashes = Object.keys(fields.properties).filter((name) => taken.includes(name)).map((name) => `options.fields.properties.${name} is a name that every user has already`)
  const properties = fields.properties as Record<string, { readOnly?: unknown, default?: unknown } | undefined>
  const unsendable = required.filter((name: string) => routes?.register === true && properties[name]?.readOnly === true && properties[name]?.default === undefined)
  const buried = Object.keys(properties).filter((name) => /"readOnly":true/.test(JSON.stringify({ ...properties[name], readOnly: undefined })))
  return [...clashes, ...buried.map((name) => `options.fields.properties.${name} has a readOnly inside, which protects nothing: only a whole field can be readOnly`), ...unsendable.map((name: string) => `options.fields.properties.${name} needs a default: it is required, and readOnly, so nobody who registers can send it`)]
}
