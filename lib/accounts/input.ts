import type { BaseUser } from '../contracts/user.js'
import { isImportedHash } from '../crypto/imported-hashes.js'
import { isArgon2Hash } from '../crypto/password.js'
import { isAddress } from '../email.js'
import { InvalidUserError, withReason } from '../errors.js'
import type { Check } from '../schemas/compile.js'
import type { Accounts, Source } from './accounts.js'
import { turnOf } from './turn.js'

type Flags = Pick<BaseUser, 'isActive' | 'isVerified' | 'isSuperuser'>

/** What a caller gives about a user, checked and taken apart. */
export interface UserInput {
  readonly email: string | undefined
  /** `null`: the user shall have no password. */
  readonly password: string | null | undefined
  readonly passwordHash: string | undefined
  readonly flags: Partial<Flags>
  readonly fields: Readonly<Record<string, unknown>>
}

/** Takes apart what a caller gives, and refuses what is not what it must be. Fields are checked by {@link checkFields}. */
export function readInput (input: object): UserInput {
  const { email, password, passwordHash, isActive, isVerified, isSuperuser, ...fields } = input as Record<string, unknown>
  if (email !== undefined && !isAddress(email)) throw new InvalidUserError('email must be an e-mail address')
  if (password !== undefined && password !== null && typeof password !== 'string') throw new InvalidUserError('password must be a string')
  if (passwordHash !== undefined && !isHash(passwordHash)) throw new InvalidUserError('passwordHash must be an argon2, bcrypt or scrypt hash: see docs/passwords.md')
  if (passwordHash !== undefined && password !== undefined) throw new InvalidUserError('password and passwordHash exclude each other')

  const given = Object.entries({ isActive, isVerified, isSuperuser }).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) {
    if (typeof value !== 'boolean') throw new InvalidUserError(`${name} must be true or false`)
  }
  return {
    email,
    password,
    passwordHash,
    flags: Object.fromEntries(given) as Partial<Flags>,
    fields: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  }
}

/** Refuses fields that do not fit the application's schema. */
export function checkFields ({ checkFields }: Accounts, fields: UserInput['fields']): void {
  refuse(checkFields(fields))
}

/**
 * Refuses changes after which the fields would not fit the application's schema. What did not fit before, as the schema is younger than
 * the user, or the command line did not know it, is no fault of this change: then each field that is given must fit by itself.
 */
export function checkChangedFields ({ checkFields, checkEachField }: Accounts, before: UserInput['fields'], changes: UserInput['fields']): void {
  if (Object.keys(changes).length === 0) return
  refuse(checkFields(before) === null ? checkFields({ ...before, ...changes }) : checkEachField(changes))
}

function refuse (problems: ReturnType<Check>): void {
  const [problem] = problems ?? []
  if (problem === undefined) return
  const where = problem.instancePath.slice(1).replaceAll('/', '.')
  const what = problem.params.additionalProperty === undefined ? '' : `: ${String(problem.params.additionalProperty)}`
  throw new InvalidUserError(`${where} ${String(problem.message)}${what}`.trim())
}

/**
 * The hash of a new password, if the rules allow it; `null` for no password, `undefined` where nothing is said of one.
 *
 * @param refuse the error for a password that the rules refuse; it is given their reason
 */
export async function hashOf (accounts: Accounts, source: Source, { password, passwordHash }: Pick<UserInput, 'password' | 'passwordHash'>, about: { readonly email: string }, refuse: () => Error): Promise<string | null | undefined> {
  if (typeof password !== 'string') return passwordHash ?? password
  const reason = await accounts.passwordRules.check(password, about)
  if (reason !== undefined) throw withReason(refuse(), reason)
  return await accounts.passwords.hash(password, turnOf(source))
}

function isHash (hash: unknown): hash is string {
  return typeof hash === 'string' && (isArgon2Hash(hash) || isImportedHash(hash))
}
