/**
 * Writes what a terminal would obey, or would not show, as `\u001b`: control and format characters, line and paragraph
 * separators. JSON stays the same JSON.
 */
export function printable (text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    return character.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
  })
}
