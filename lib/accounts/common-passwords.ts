/** What people type when they are asked for something long. The list has little of it: it is meant to be used with such rules. */
const rows = ['0123456789'.repeat(3), 'abcdefghijklmnopqrstuvwxyz', 'qwertyuiopasdfghjklzxcvbnm', 'qwertzuiopasdfghjklyxcvbnm', 'azertyuiopqsdfghjklmwxcvbn']
  .flatMap((row) => [row, [...row].reverse().join('')])

/** One short text over and over. */
const repeated = /^(.{1,8})\1+$/us

/**
 * Tells the commonest passwords, in whatever case. The list is loaded once, at the first question, so that an app does not
 * start later for it.
 *
 * @param minLength code points: what is shorter never gets here, and is not kept
 */
export function createCommonCheck (minLength: number): (password: string) => Promise<boolean> {
  let common: Promise<ReadonlySet<string>> | undefined

  return async (password) => {
    const key = password.toLowerCase()
    if (repeated.test(key) || rows.some((row) => row.includes(key))) return true
    common ??= load(minLength)
    return (await common).has(key)
  }
}

async function load (minLength: number): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common')
  // All of them are lower-case ASCII: units are code points.
  return new Set(dictionary['passwords-common'].filter((password) => password.length >= minLength))
}
