import { deepEqual } from 'node:assert/strict'
import type { MaybePromise } from '../maybe-promise.js'

/**
 * One thing that an adapter must do. It rejects with an `AssertionError` if the adapter does not, and belongs to no test
 * runner: hand `name` and `run` to yours.
 *
 * @example
 * ```ts
 * for (const { name, run } of userStoreContract(() => new MyStore())) test(name, run)
 * ```
 */
export interface ContractCase {
  readonly name: string
  run (): Promise<void>
}

/** A case that opens a store of its own, and closes it, whatever comes. */
export function caseOf<T extends { close? (): MaybePromise<void> }> (
  open: () => MaybePromise<T>,
  name: string,
  check: (store: T) => Promise<void>
): ContractCase {
  return {
    name,
    async run () {
      const store = await open()
      try {
        await check(store)
      } finally {
        await store.close?.()
      }
    }
  }
}

/** Never a key of anything; harmless to a store that sends values apart from its statements. */
export const hostileKeys = ['', ' ', '%', '_', '*', '\\', '\'', '\' or 1=1 --', '" or ""="', '\'; select 1; --', '$1', '?', '__proto__', 'constructor']

/**
 * Whether both hold the same. Copies are compared, which have no prototypes but those of Node itself: a store may give its objects
 * others, and so does a test runner whose tests have globals of their own.
 */
export function same (found: unknown, expected: unknown, message?: string): void {
  deepEqual(structuredClone(found), structuredClone(expected), message)
}
