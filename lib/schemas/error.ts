/** The JSON schema of an error: Fastify's own shape. */
export const errorSchema = {
  type: 'object',
  properties: {
    statusCode: { type: 'integer' },
    code: { type: 'string' },
    error: { type: 'string' },
    message: { type: 'string' },
    reason: { type: 'string', description: 'Why a choice was refused.' }
  },
  required: ['statusCode', 'error', 'message']
} as const

/** A reply of an OpenAPI operation that is an error. */
export function errorReply (description: string): object {
  return { description, ...errorSchema }
}
