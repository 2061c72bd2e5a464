import type { MaybePromise } from '../maybe-promise.js'
import type { UserFields } from './user.js'

/** Whose password it is to be: what is known of the user, without a secret. */
export type PasswordSubject = { readonly email: string } & { readonly [Field in keyof UserFields]?: UserFields[Field] | undefined }

/**
 * Judges a new password, in Unicode form NFC. The answer is why it is refused, as a sentence for whoever chose it, such as
 * `The password must have at least 8 characters.`; `undefined` accepts.
 */
export type PasswordRule = (password: string, about: PasswordSubject) => MaybePromise<string | undefined>

/**
 * The application's own rule. `rules` are those of this package: call them to add to them, leave them out to replace them.
 *
 * @example
 * ```ts
 * const validatePassword: ValidatePassword = async (password, about, rules) =>
 *   password.includes('acme') ? 'The password must not hold our name.' : await rules(password, about)
 * ```
 */
export type ValidatePassword = (password: string, about: PasswordSubject, rules: PasswordRule) => MaybePromise<string | undefined>

/** What is used of `fetch`. */
export type BreachFetch = (url: string, init: { readonly headers: Record<string, string>, readonly signal: AbortSignal }) => Promise<{
  readonly ok: boolean
  readonly status: number
  /** If it can be read piece by piece, as that of `fetch`, no more of it is read than can be of use; else all of `text()` is. */
  readonly body?: unknown
  text (): Promise<string>
}>

/** Asks a service whether a password is known from a breach. The service learns five digits of a hash, which many passwords share. */
export interface BreachOptions {
  /** Sends the requests: the global `fetch`, or one of your own, behind a proxy say. */
  readonly fetch: BreachFetch
  /** What the five digits are put behind; ends with `/`. Default `https://api.pwnedpasswords.com/range/`. */
  readonly url?: string | undefined
  /** How long a new password waits for the answer, in milliseconds, at most 30,000. Then it passes. Default 2,000. */
  readonly timeoutMs?: number | undefined
}

/** The rules for new passwords, with every default in its place. */
export interface PasswordRuleSettings {
  /** Code points. */
  readonly minLength: number
  /** Code points. */
  readonly maxLength: number
  readonly validatePassword: ValidatePassword | undefined
  readonly breaches: { readonly fetch: BreachFetch, readonly url: string, readonly timeoutMs: number } | undefined
}
