import { randomFillSync, randomUUID } from 'node:crypto'

/** An id that nobody can guess: 122 random bits. */
export const randomId: () => string = randomUUID

/**
 * A UUID version 7 (RFC 9562 §5.7): 48 bits of time, then 74 random bits. Rows that are made one after the other lie one
 * after the other in the primary key's index, and ids sort by age.
 *
 * @param now milliseconds since 1970
 */
export function timeOrderedId (now: number): string {
  const bytes = randomFillSync(Buffer.allocUnsafe(16))
  bytes.writeUIntBE(now, 0, 6)
  bytes[6] = 0x70 | (bytes.readUInt8(6) & 0x0f)
  bytes[8] = 0x80 | (bytes.readUInt8(8) & 0x3f)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
