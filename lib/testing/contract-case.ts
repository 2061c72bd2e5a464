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
