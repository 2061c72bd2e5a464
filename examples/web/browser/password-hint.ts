/** What can be said of a password before it is sent. The server has the last word: it also knows the commonest ones. */
export interface Hint {
  /** 0: nothing typed; 1: the server will refuse it; 2 to 4: the longer the better. */
  readonly level: 0 | 1 | 2 | 3 | 4
  readonly text: string
}

const [shortest, longest] = [8, 128]

export function passwordHint (typed: string, email = ''): Hint {
  const password = typed.normalize('NFC')
  // As people count: an emoji is one.
  const length = [...password].length
  const key = password.trim().toLowerCase()
  const address = email.trim().normalize('NFC').toLowerCase()

  if (length === 0) return { level: 0, text: `At least ${shortest} characters. Some words that do not belong together are easy to keep in mind.` }
  if (length < shortest) return { level: 1, text: shortest - length === 1 ? 'One character more.' : `${shortest - length} characters more.` }
  if (length > longest) return { level: 1, text: `${longest} characters at most.` }
  if (key === address || key === address.split('@')[0]) return { level: 1, text: 'Not your address: that is what is tried first.' }
  if (/^(.{1,8})\1+$/us.test(password.toLowerCase())) return { level: 1, text: 'Not the same again and again.' }
  if (length < 12) return { level: 2, text: 'Long enough, unless it is a common one. Longer is stronger.' }
  if (length < 16) return { level: 3, text: 'Good, unless others use it, too.' }
  return { level: 4, text: 'Long and strong, if you use it here alone.' }
}
