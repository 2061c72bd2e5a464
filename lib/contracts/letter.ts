import type { User } from './user.js'

/** The letters whose link does something. */
export type LinkKind = 'verify-address' | 'reset-password' | 'set-password' | 'confirm-email-change'

/** What all letters have. */
interface AnyLetter {
  /** Whose account it is about. */
  readonly user: User
  /** Where it goes: the user's address, an earlier one or a future one. */
  readonly to: string
}

/** A letter with a link that does something. */
export interface LinkLetter extends AnyLetter {
  readonly kind: LinkKind
  /** Holds the token in its fragment, which browsers send to no server. */
  readonly link: string
  /** How long the link is good: seconds. */
  readonly lifetimeSeconds: number
}

/** A letter that only tells something. */
export interface Notice extends AnyLetter {
  readonly kind: 'password-changed' | 'email-changed' | 'registration-attempt'
}

/** What is to be said to somebody, before it has words: see `mails.compose`. */
export type Letter = LinkLetter | Notice

/** The words of a mail. */
export interface Words {
  readonly subject: string
  readonly text: string
  readonly html?: string | undefined
}
