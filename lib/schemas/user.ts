/** The JSON schema of a user without the application's own fields. */
export const baseUserSchema = {
  type: 'object',
  properties: {
    id: { type: 'string', format: 'uuid' },
    email: { type: 'string', format: 'email' },
    isActive: { type: 'boolean' },
    isVerified: { type: 'boolean' },
    isSuperuser: { type: 'boolean' },
    createdAt: { type: 'string', format: 'date-time' },
    updatedAt: { type: 'string', format: 'date-time' }
  },
  required: ['id', 'email', 'isActive', 'isVerified', 'isSuperuser', 'createdAt', 'updatedAt']
} as const

/** Names that mean something wherever a user is taken apart or put together, and so are no field's. */
export const reservedNames = [...Object.keys(baseUserSchema.properties), 'emailKey', 'password', 'currentPassword', 'passwordHash', 'version', 'sessionEpoch', 'pendingTokens', 'fields', '__proto__']

/** A JSON schema of an object, as TypeBox's `Type.Object()` makes it. */
export interface ObjectSchema {
  readonly type: 'object'
  readonly properties: Readonly<Record<string, unknown>>
  readonly required?: readonly string[] | undefined
  /** Fields that the schema does not name are refused, whatever it says here. */
  readonly additionalProperties?: unknown
}

/** What the schemas of fields may refer to, by `#/$defs/…`: wherever these stand, it must stand, too. */
export function definitionsOf (fields: ObjectSchema): object {
  return Object.fromEntries(Object.entries(fields).filter(([keyword]) => keyword === '$defs' || keyword === 'definitions'))
}

/**
 * The JSON schema of a user, for the schemas of an application's own routes.
 *
 * @param fields the application's own fields, as given to the plugin
 * @example
 * ```ts
 * app.get('/me', { preHandler: app.authenticate(), schema: { response: { 200: userSchema(fields) } } }, async (request) => request.user)
 * ```
 */
export function userSchema (fields: ObjectSchema = { type: 'object', properties: {} }): ObjectSchema {
  return {
    ...definitionsOf(fields),
    type: 'object',
    properties: { ...fields.properties, ...baseUserSchema.properties },
    required: [...baseUserSchema.required, ...fields.required ?? []]
  }
}
