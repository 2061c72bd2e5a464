import { tailOf } from './token-cache.js'

/** So many tokens are remembered at most, four bytes each: a power of two. */
const places = 2 ** 14
/** 2³² over the golden ratio: it spreads what is near over all the places (Knuth, The Art of Computer Programming, §6.4). */
const spread = 0x9e3779b1

/**
 * Tells whether a token that was found good comes for the second time. What is worked out of a token is kept only then: most of the cost
 * of a token that comes once would be to keep it. Tokens that share a place drive each other out, and are then worked out once more.
 */
export function createDoorkeeper (): (token: string) => boolean {
  let tails: Int32Array | undefined

  return (token) => {
    tails ??= new Int32Array(places)
    const tail = tailOf(token)
    const place = Math.imul(tail, spread) >>> 18
    if (tails[place] === tail) return true
    tails[place] = tail
    return false
  }
}
