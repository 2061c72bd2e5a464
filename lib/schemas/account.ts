import { identifier } from './login.js'
import { passwordRule } from './password.js'
import { baseUserSchema, definitionsOf, type ObjectSchema } from './user.js'

/**
 * The bodies of the account routes. A member that a body does not name is dropped: a client may send back what it got, or
 * what another server would have taken.
 */

const { email, isActive, isVerified, isSuperuser } = baseUserSchema.properties
const address = { ...email, maxLength: 254 }
const newPassword = { type: 'string', maxLength: passwordRule.maxLength, format: 'password' } as const
const currentPassword = { ...newPassword, description: 'Needed to change the address or the password.' }
const token = { type: 'string', maxLength: 512, description: 'From the fragment of the link that was mailed.' } as const

/** A JSON schema of an object with these members. */
function body (properties: Readonly<Record<string, unknown>>, required: readonly string[]): ObjectSchema {
  return { type: 'object', properties, required }
}

/** The application's own fields that users may set themselves: all but those that its schema calls `readOnly`. */
export function writableFields ({ properties }: ObjectSchema): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(properties).filter(([, schema]) => !isReadOnly(schema)))
}

function isReadOnly (schema: unknown): boolean {
  return (schema as { readOnly?: unknown } | null)?.readOnly === true
}

/** For a superuser, nothing is read-only. */
function allFields ({ properties }: ObjectSchema): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, isReadOnly(schema) ? { ...schema as object, readOnly: false } : schema]))
}

/** What must be sent for a new user: fields that have a default, or cannot be sent, need not be. */
function requiredFields ({ properties, required = [] }: ObjectSchema, sendable: Readonly<Record<string, unknown>>): string[] {
  return required.filter((name) => Object.hasOwn(sendable, name) && (properties[name] as { default?: unknown }).default === undefined)
}

export const emailBody = body({ email: identifier }, ['email'])
export const tokenBody = body({ token }, ['token'])
export const resetBody = body({ token, password: newPassword }, ['token', 'password'])
export const deleteOwnBody = body({ currentPassword }, ['currentPassword'])
export const confirmBody = body({ password: newPassword }, ['password'])

export function registerBody (fields: ObjectSchema): ObjectSchema {
  const writable = writableFields(fields)
  return { ...definitionsOf(fields), ...body({ ...writable, email: address, password: newPassword }, ['email', 'password', ...requiredFields(fields, writable)]) }
}

export function ownChangesBody (fields: ObjectSchema): ObjectSchema {
  return { ...definitionsOf(fields), ...body({ ...writableFields(fields), email: address, password: newPassword, currentPassword }, []) }
}

export function newUserBody (fields: ObjectSchema): ObjectSchema {
  const sendable = allFields(fields)
  return { ...definitionsOf(fields), ...body({ ...sendable, email: address, password: { ...newPassword, description: 'Without one, the user is mailed a link to choose it.' }, isActive, isVerified, isSuperuser }, ['email', ...requiredFields(fields, sendable)]) }
}

/** Nobody sets another one's password. That it is ignored would be taken for success, so it is refused. */
export function changesBody (fields: ObjectSchema): object {
  return { ...definitionsOf(fields), ...body({ ...allFields(fields), email: address, isActive, isVerified, isSuperuser }, []), not: { required: ['password'] } }
}

/** The query of the list of users. Its values are texts: nothing is coerced. */
export const listQuery = {
  type: 'object',
  properties: {
    limit: { type: 'string', pattern: '^(?:[1-9]\\d?|100)$', description: 'How many users at most: 1 to 100.', default: '50' },
    cursor: { type: 'string', minLength: 1, maxLength: 64, description: 'The `nextCursor` of the page before.' },
    email: { type: 'string', minLength: 1, maxLength: 254, description: 'A part of the address, in whatever case.' }
  }
} as const

/** What the document says of `limit`: clients that are made of it hand over a number. On its way it is text. */
export const documentedLimit = { type: 'integer', minimum: 1, maximum: 100, default: 50, description: listQuery.properties.limit.description } as const

/** A page of users. */
export function pageSchema (user: object): object {
  return {
    type: 'object',
    properties: { items: { type: 'array', items: user }, nextCursor: { type: 'string', nullable: true } },
    required: ['items', 'nextCursor']
  }
}
