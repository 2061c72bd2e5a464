/** The JSON schema of an error: Fastify's own shape. */
export const errorSchema = {
  type: 'object',
  properties: {
    statusCode: { type: 'integer' },
    code: { type: 'string' },
    error: { type: 'string' },
    message: { type: 'string' }
  },
  required: ['statusCode', 'error', 'message']
} as const

/** A reply of an OpenAPI operation that is an error. */
export function errorReply (description: string): object {
  return { description, ...errorSchema }
}
