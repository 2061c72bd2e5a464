import type { RateLimit, RateLimitStore, RateLimitTerms } from './contracts/rate-limit-store.js'
import { digestOf } from './crypto/opaque-token.js'
import { TooManyRequestsError, withHeaders } from './errors.js'

const methods = ['take', 'giveBack', 'clear', 'purge'] as const

/** Whether a value has what a store of limits must have. */
export function isRateLimitStore (value: unknown): value is RateLimitStore {
  return methods.every((method) => typeof (Object(value) as Record<string, unknown>)[method] === 'function')
}

/** What is limited. */
export type Limited = 'login' | 'currentPassword' | 'register' | 'forgotPassword' | 'requestVerify' | 'verify' | 'resetPassword' | 'changeEmail' | 'changePassword' | 'refresh'

/** The limits of one thing; one that is off is not there. */
export interface LimitsOf {
  readonly perClient?: RateLimit
  readonly perAccount?: RateLimit
  readonly inARow?: RateLimit
}

export type Limits = Readonly<Record<Limited, LimitsOf>>

/** What an attempt counts against. */
export interface Counter {
  readonly key: string
  readonly limit: RateLimit
  /**
   * What becomes of the count if the attempt succeeds: the `account` whose secret was known is as good as new; to the `client` only
   * this one attempt is given back, for its others may have been at other accounts; what costs as much when it succeeds is kept.
   */
  readonly onSuccess: 'forget' | 'give-back' | 'keep'
}

/** An attempt that was counted, and is now to be made. */
export interface Attempt {
  readonly refusal: null
  /** Makes it. If that throws a fault of ours, nobody has learned anything, and the attempt is given back. */
  during<T> (work: () => Promise<T>): Promise<T>
  /** It has succeeded. That the store cannot be told so is logged: it changes nothing for who has succeeded. */
  succeeded (): Promise<void>
}

/** Counts attempts before they are made: of many at once, no more are made than the limit says. */
export interface Limiter {
  /**
   * Counts against one after the other. Where one has no room, or the store fails, none is counted: nothing was tried. So who goes on trying
   * at an account that is locked does not use up what others behind the same address may try.
   */
  begin (counters: readonly Counter[]): Promise<Attempt | { readonly refusal: Error }>
  /** @throws `TOO_MANY_REQUESTS` where `begin` gives a refusal */
  admit (counters: readonly Counter[]): Promise<Attempt>
  /** Makes an attempt that throws if it fails. @throws `TOO_MANY_REQUESTS` */
  attempt<T> (counters: readonly Counter[], work: () => Promise<T>): Promise<T>
  /** As if there had been no attempts. */
  forget (keys: readonly string[]): Promise<void>
}

/** What the limiter works with. */
interface LimiterTools {
  readonly clock: () => number
  readonly log: { error (details: object, message: string): void }
}

/** What attempts of somebody at something count against: nothing, where that limit is off. */
export function countersOf (limits: Limits, what: Limited, kind: keyof LimitsOf, who: string, onSuccess: Counter['onSuccess']): readonly Counter[] {
  const limit = limits[what][kind]
  return limit === undefined ? [] : [{ key: keyOf(what, kind, who), limit, onSuccess }]
}

/** Whose attempts are counted together. A digest, so that no address is in a store. */
export function keyOf (what: Limited, kind: keyof LimitsOf, who: string): string {
  return digestOf(`${what}.${kind}\n${who}`)
}

export function createLimiter (store: Pick<RateLimitStore, 'take' | 'giveBack' | 'clear'>, { clock, log }: LimiterTools): Limiter {
  const limiter: Limiter = {
    async begin (counters) {
      const counted: Counter[] = []
      try {
        for (const counter of counters) {
          const now = clock()
          const terms = termsOf(counter.limit)
          const emptyAt = await store.take(counter.key, terms, now)
          if (emptyAt !== null) {
            await settle(counted, giveBack)
            return { refusal: tooMany(emptyAt + terms.costMs - terms.roomMs - now) }
          }
          counted.push(counter)
        }
      } catch (error) {
        await settle(counted, giveBack)
        throw error
      }
      return attemptOf(counters)
    },

    async admit (counters) {
      const attempt = await limiter.begin(counters)
      if (attempt.refusal !== null) throw attempt.refusal
      return attempt
    },

    async attempt (counters, work) {
      const attempt = await limiter.admit(counters)
      const result = await attempt.during(work)
      await attempt.succeeded()
      return result
    },

    forget: async (keys) => { await Promise.all(keys.map(async (key) => { await store.clear(key) })) }
  }
  return limiter

  function attemptOf (counters: readonly Counter[]): Attempt {
    return {
      refusal: null,
      async during (work) {
        try {
          return await work()
        } catch (error) {
          if (isOurFault(error)) await settle(counters, giveBack)
          throw error
        }
      },
      succeeded: () => settle(counters, async (counter) => {
        if (counter.onSuccess === 'forget') await store.clear(counter.key)
        if (counter.onSuccess === 'give-back') await giveBack(counter)
      })
    }
  }

  async function giveBack ({ key, limit }: Counter): Promise<void> {
    await store.giveBack(key, termsOf(limit).costMs, clock())
  }

  async function settle (counters: readonly Counter[], how: (counter: Counter) => Promise<void>): Promise<void> {
    try {
      await Promise.all(counters.map(how))
    } catch (error) {
      log.error({ err: error }, 'fastify-users: an attempt could not be taken back, and counts on')
    }
  }
}

function termsOf ({ attempts, seconds }: RateLimit): RateLimitTerms {
  const costMs = Math.ceil(seconds * 1000 / attempts)
  return { costMs, roomMs: costMs * attempts }
}

function tooMany (waitMs: number): Error {
  return withHeaders(new TooManyRequestsError(), { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))), 'cache-control': 'no-store' })
}

/** What the client is not told as its own mistake. */
function isOurFault (error: unknown): boolean {
  return ((error as { statusCode?: number } | null)?.statusCode ?? 500) >= 500
}
