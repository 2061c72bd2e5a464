/** A text in the forms in which it may turn up somewhere, each of them as much of it as is the same wherever it begins. */
export function formsOf (secret: string): ReadonlySet<string> {
  const bytes = Buffer.from(secret)
  return new Set([
    secret,
    encodeURIComponent(secret),
    encodeURIComponent(secret).replaceAll('%20', '+'),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...(['base64', 'base64url'] as const).flatMap((encoding) => [0, 1, 2].map((offset) => inBase64(bytes, offset, encoding)))
  ])
}

/** What is the same of a base64 text whatever stands before and behind, where so many bytes stand before the last full group. */
function inBase64 (bytes: Buffer, offset: number, encoding: 'base64' | 'base64url'): string {
  const start = offset === 0 ? 0 : offset + 1
  const end = Math.floor((offset + bytes.length) / 3) * 4
  return Buffer.concat([Buffer.alloc(offset), bytes]).toString(encoding).slice(start, end)
}

/** Which of these secrets, by name, are in a text, and in which form. */
export function foundIn (text: string, secrets: ReadonlyMap<string, string>): string[] {
  return [...secrets].flatMap(([name, secret]) => [...formsOf(secret)].filter((form) => text.includes(form)).map((form) => `${name} as ${form.slice(0, 60)}`))
}
