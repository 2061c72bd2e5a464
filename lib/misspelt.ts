/**
 * Names each member that is not known, and the known one that it may be meant for, or all of them.
 *
 * @param of whose options they are, where that is not plain from the member's path: `cookie()`
 * @returns sentences that begin with the member's name
 */
export function misspelt (given: object, known: readonly string[], of?: string): string[] {
  const isNone = of === undefined ? 'is no option' : `is no option of ${of}`
  return Object.keys(given).filter((name) => !known.includes(name)).map((name) => `${name} ${isNone}: ${hint(name, known)}`)
}

function hint (name: string, known: readonly string[]): string {
  const [nearest] = known
    .map((candidate) => ({ candidate, changes: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ changes }) => changes <= name.length / 3)
    .sort((one, other) => one.changes - other.changes)
  const meant = nearest?.candidate ?? longer(name, known)
  return meant === undefined ? `there are ${known.join(', ')}` : `did you mean ${meant}?`
}

/** The shortest known name that holds the given one, or `undefined`: `cookieSecure` for `secure`, `lifetimeSeconds` for `lifetime`. */
function longer (name: string, known: readonly string[]): string | undefined {
  if (name.length < 4) return undefined
  return known.filter((candidate) => candidate.toLowerCase().includes(name.toLowerCase())).sort((one, other) => one.length - other.length)[0]
}

/** How many letters must be added, dropped or replaced to make one text of the other (Levenshtein). */
function distance (one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [above, letter] of [...one].entries()) {
    const next = [above + 1]
    for (let index = 0; index < other.length; index++) {
      const replaced = row[index] as number + Number(letter !== other[index])
      next.push(Math.min(replaced, row[index + 1] as number + 1, next[index] as number + 1))
    }
    row = next
  }
  return row[other.length] as number
}
