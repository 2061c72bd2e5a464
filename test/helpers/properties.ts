import fc from 'fast-check'
import type { Test } from 'tap'
import { ownStores } from './stores.js'

/**
 * How much is tried, by the environment: each property `FAST_CHECK_TIMES` as often as usual, from the seed `FAST_CHECK_SEED` (`random` for
 * another one each time), and with `FAST_CHECK_PLACES=all` on real servers, too.
 */
const { FAST_CHECK_TIMES: times = '1', FAST_CHECK_SEED: seedText = '20300101', FAST_CHECK_PLACES: places } = process.env

const factor = wholeNumber('FAST_CHECK_TIMES', times, 1)
export const seed = seedText === 'random' ? Math.trunc(Math.random() * 0x7fffffff) : wholeNumber('FAST_CHECK_SEED', seedText, 0)

/** The places that `onEachPlace` goes through; `undefined` for all. */
export const wantedPlaces: readonly string[] | undefined = places === 'all' ? undefined : ownStores

/** Tests that a property holds, so many times as a rule. What fails is told as small as it can be made, and how to get at it again. */
export function holds<Values> (t: Test, name: string, usual: number, property: fc.IProperty<Values> | fc.IAsyncProperty<Values>): void {
  t.test(name, async (t) => {
    const numRuns = usual * factor
    t.comment(`property ${name}: ${numRuns} runs, seed ${seed}`)
    const details = await fc.check(property, { numRuns, seed })
    if (details.failed) t.fail(`${name}: ${String(details.errorInstance)}\n${String(await fc.asyncDefaultReportMessage(details))}`)
    else t.pass(`${details.numRuns} runs`)
  })
}

function wholeNumber (name: string, text: string, least: number): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < least) throw new Error(`${name} must be a whole number from ${least}`)
  return value
}
