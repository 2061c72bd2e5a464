/**
 * The one spelling under which an address is looked up and unique. Case is dropped in both parts: the standards let a
 * host tell `Ann@` from `ann@`, no host does, and two accounts that differ in it would be one person's mistake or another
 * one's trick.
 */
export function emailKey (email: string): string {
  // Once more at the end: lower case may compose what upper case could not.
  return email.trim().normalize('NFC').toLowerCase().normalize('NFC')
}

/**
 * Whether a text can be an address: one `@`, no white space, control or separator characters, a host of letters, digits
 * and hyphens. Whether it *is* one, only a mail can tell.
 */
export function isEmail (email: string): boolean {
  return email.length <= 254 && pattern.test(email)
}

const pattern = /^[^\s\p{C}@"(),:;<>[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/u

/** Whether a value is one, both as it is written and as it is looked up. */
export function isAddress (email: unknown): email is string {
  return typeof email === 'string' && isEmail(email) && isEmail(emailKey(email))
}
