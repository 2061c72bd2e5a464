import { passwordRule } from './password.js'

/** What a login sends. `username` is what OAuth 2's password form calls it; other members are ignored. */
export interface LoginBody {
  readonly username?: string
  readonly email?: string
  readonly password: string
  readonly remember?: boolean
}

/** No address is longer (RFC 5321 §4.5.3.1). */
export const identifier = { type: 'string', minLength: 1, maxLength: 320 } as const

/** The JSON schema of what a refresh sends, where the token is not in a cookie. */
export const refreshBody = {
  type: 'object',
  properties: { refresh_token: { type: 'string', minLength: 1, maxLength: 512 } },
  required: ['refresh_token']
} as const

/** The JSON schema of {@link LoginBody}. */
export const loginBody = {
  type: 'object',
  properties: {
    username: { ...identifier, description: 'The e-mail address, under the name that OAuth 2 gives it.' },
    email: { ...identifier, description: 'The e-mail address.' },
    password: { type: 'string', minLength: 1, maxLength: passwordRule.maxLength, format: 'password' },
    remember: { type: 'boolean', description: 'Stay logged in when the browser is closed, where the backend offers it.' }
  },
  required: ['password'],
  // One of the two, so that nobody has to guess which one counts.
  oneOf: [{ required: ['username'] }, { required: ['email'] }]
} as const
