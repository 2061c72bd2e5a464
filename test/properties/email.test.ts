import fc from 'fast-check'
import t from 'tap'
import { emailKey, isAddress, isEmail } from '../../lib/email.js'
import { holds } from '../helpers/properties.js'

const label = fc.stringMatching(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,9}[A-Za-z0-9])?$/)
const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'))
const asciiLocal = fc.stringMatching(/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,20}$/)
/** Letters that have upset somebody: special cases, composed and not, of several scripts, look-alikes, invisible ones. */
const oddLetters = fc.constantFrom(...'ßẞıİiIKkKſsSΣσςÅÅåÅǰŉﬁﬃＡａаaеeéeé́̇ǅǆᾳΐ😀\u200b\u00ad\u202e\ufeff')
const oddLocal = fc.array(fc.oneof(oddLetters, fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })), { minLength: 1, maxLength: 12 }).map((letters) => letters.join(''))
const asciiAddress = fc.tuple(asciiLocal, host).map((parts) => parts.join('@'))
const oddAddress = fc.tuple(fc.oneof(asciiLocal, oddLocal), host).map((parts) => parts.join('@'))
const anything = fc.oneof(oddAddress, asciiAddress, fc.string({ unit: 'binary', maxLength: 300 }), fc.emailAddress())

/** The same text with each letter in one case or the other. */
function inOtherCase (text: string, picks: readonly boolean[]): string {
  return [...text].map((letter, index) => picks[index % picks.length] === true ? letter.toUpperCase() : letter.toLowerCase()).join('')
}

const picks = fc.array(fc.boolean(), { minLength: 1, maxLength: 8 })

holds(t, 'e-mail: the key of a key is itself', 3000, fc.property(anything, (email) => emailKey(emailKey(email)) === emailKey(email)))

holds(t, 'e-mail: what is an address has a key that is one, and no longer in its host', 3000, fc.property(anything, (email) => {
  fc.pre(isAddress(email))
  return isEmail(emailKey(email)) && isAddress(emailKey(email)) && emailKey(email).split('@')[1] === email.split('@')[1]?.toLowerCase()
}))

holds(t, 'e-mail: case makes no difference, in either part', 3000, fc.property(asciiAddress, picks, (email, picks) => {
  return emailKey(email) === emailKey(inOtherCase(email, picks)) && isAddress(email) === isAddress(inOtherCase(email, picks))
}))

holds(t, 'e-mail: nor does it matter how a letter is composed', 3000, fc.property(oddAddress, (email) => {
  return new Set([email, email.normalize('NFC'), email.normalize('NFD')].map(emailKey)).size === 1
}))

holds(t, 'e-mail: two addresses have one key only where they are the same but for case', 5000, fc.property(asciiAddress, asciiAddress, fc.nat(40), asciiLocal, (one, other, at, letters) => {
  // A neighbour by one letter, too: two that were made up are seldom near each other.
  const near = `${one.slice(0, at)}${letters[0] as string}${one.slice(at + 1)}`
  return [other, near].every((other) => (emailKey(one) === emailKey(other)) === (one.toLowerCase() === other.toLowerCase()))
}))

const collator = new Intl.Collator('en', { sensitivity: 'accent', ignorePunctuation: false })

holds(t, 'e-mail: nor do letters of other scripts make two people one', 5000, fc.property(oddLocal, oddLocal, fc.nat(12), oddLetters, (one, other, at, letter) => {
  const near = [...one.slice(0, at), letter, ...one.slice(at + 1)].join('')
  const both = [other, near, one.normalize('NFKC'), one.normalize('NFKD'), one.toUpperCase()].map((other) => [`${one}@example.com`, `${other}@example.com`] as const)
  return both.every(([one, other]) => !isAddress(one) || !isAddress(other) || emailKey(one) !== emailKey(other) || collator.compare(one, other) === 0)
}))

holds(t, 'e-mail: an address is one line of visible characters', 3000, fc.property(anything, (email) => {
  return !isAddress(email) || (!/[\s\p{C}"(),:;<>[\]\\]/u.test(email) && email.split('@').length === 2 && email.length <= 254)
}))
