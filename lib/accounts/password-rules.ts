import type { FastifyBaseLogger } from 'fastify'
import type { PasswordRule, PasswordRuleSettings, PasswordSubject } from '../contracts/password-rule.js'
import { passwordRule } from '../schemas/password.js'
import { createBreachCheck } from './breached-passwords.js'
import { isCommon } from './common-passwords.js'
import { emailKey } from '../email.js'

/** What every new password goes through. */
export interface PasswordRules {
  /**
   * Why a password is refused, as a sentence for the client, or `undefined`: then it is a string that can be hashed.
   *
   * @throws TypeError, if `validatePassword` answers with neither; and whatever that throws
   */
  check (password: unknown, about: PasswordSubject): Promise<string | undefined>
}

/** Joins the rules of this package with that of the application. */
export function createPasswordRules (settings: PasswordRuleSettings, log: Pick<FastifyBaseLogger, 'warn'>): PasswordRules {
  const rules = defaultRules(settings, log)
  const { validatePassword = rules } = settings

  return {
    async check (password, about) {
      if (typeof password !== 'string' || !password.isWellFormed()) return 'The password must be a text of Unicode characters.'
      if (password === '') return 'The password must not be empty.'
      // As it is typed, which is how a login counts it.
      if (count(password) > passwordRule.maxLength) return tooLong(passwordRule.maxLength)

      const reason: unknown = await validatePassword(password.normalize('NFC'), about, rules)
      if (reason !== undefined && typeof reason !== 'string') throw new TypeError('options.passwords.validatePassword must answer with a string, which refuses, or with undefined')
      return reason === '' ? 'The password is not allowed.' : reason
    }
  }
}

/** No rule asks for digits, signs or capitals (NIST SP 800-63B-4 §3.1.1.2). What leaves the house is asked last. */
function defaultRules ({ minLength, maxLength, breaches }: PasswordRuleSettings, log: Pick<FastifyBaseLogger, 'warn'>): PasswordRule {
  const isBreached = breaches === undefined ? () => false : createBreachCheck(breaches, log)

  return async (password, { email }) => {
    const length = count(password)
    if (length < minLength) return `The password must have at least ${minLength} characters.`
    if (length > maxLength) return tooLong(maxLength)
    if (isAddress(password, email)) return 'The password must not be your e-mail address, nor the part before its @.'
    if (await isCommon(password)) return 'The password is one of the commonest, which are tried first. Choose another one.'
    if (await isBreached(password)) return 'The password is known from a data breach, so it will be tried. Choose another one.'
    return undefined
  }
}

function tooLong (maxLength: number): string {
  return `The password must have at most ${maxLength} characters.`
}

/** Code points, which is how people count: an emoji is one. */
function count (text: string): number {
  return [...text].length
}

/** A local part that is shorter than a password never gets here. */
function isAddress (password: string, email: string): boolean {
  const key = emailKey(email)
  return [key, key.split('@')[0]].includes(emailKey(password))
}
