import { equal, notEqual, ok } from 'node:assert/strict'
import Fastify from 'fastify'
import type { RevocationStore } from '../contracts/revocation-store.js'
import type { Grant, RunningStrategy, Strategy } from '../contracts/strategy.js'
import { createLookUps } from '../look-ups.js'
import type { MaybePromise } from '../maybe-promise.js'
import { memory } from '../stores/memory.js'
import { memorySessions } from '../stores/memory-sessions.js'
import { same, type ContractCase } from './contract-case.js'

const grant: Grant = { userId: '01a1fc78-963f-7a88-9b6e-3444ca93a5fc', epoch: 3, backend: 'one', lifetimeSeconds: 60, refresh: undefined, ip: '192.0.2.1', userAgent: 'a browser' }

/** A strategy in an app of its own, with a clock that the case moves. */
interface Bench {
  readonly strategy: RunningStrategy
  readonly forward: (seconds: number) => void
}

/**
 * What every {@link Strategy} must do, as cases for the test runner of your choice.
 *
 * @param create makes the strategy; called once by each case. It must allow a lifetime of 60 seconds
 *
 * @example
 * ```ts
 * import test from 'node:test'
 *
 * for (const { name, run } of strategyContract(() => myStrategy())) test(name, run)
 * ```
 */
export function strategyContract (create: () => MaybePromise<Strategy>): ContractCase[] {
  const caseOf = (name: string, check: (bench: Bench) => Promise<void>): ContractCase => ({ name, run: () => withBench(create, check) })

  return [
    caseOf('the options have no problems, and the lifetime is a whole number of seconds', async () => {
      const strategy = await create()
      same(strategy.problems?.() ?? [], [])
      ok(Number.isSafeInteger(strategy.lifetimeSeconds) && strategy.lifetimeSeconds > 0)
    }),

    caseOf('issue: the token verifies to the session that was issued', async ({ strategy }) => {
      const { token, session } = await strategy.issue(grant)
      equal(session.userId, grant.userId)
      equal(session.epoch, grant.epoch)
      equal(session.expiresAt - session.issuedAt, grant.lifetimeSeconds * 1000)
      const verified = await strategy.verify(token, grant.backend)
      same(verified?.session, session)
    }),

    caseOf('issue: no two tokens, and no two sessions, are alike', async ({ strategy }) => {
      const one = await strategy.issue(grant)
      const other = await strategy.issue(grant)
      notEqual(one.token, other.token)
      notEqual(one.session.id, other.session.id)
    }),

    caseOf('issue: the session\'s id is no credential', async ({ strategy }) => {
      const { token, session } = await strategy.issue(grant)
      equal(await strategy.verify(session.id, grant.backend), null)
      equal(token.includes(session.id), false)
    }),

    caseOf('issue: the token fits a cookie and an Authorization header', async ({ strategy }) => {
      const { token } = await strategy.issue(grant)
      ok(/^[\w.~+/-]+=*$/.test(token))
      ok(token.length < 3500)
    }),

    caseOf('verify: null for a token of another backend', async ({ strategy }) => {
      const { token } = await strategy.issue(grant)
      equal(await strategy.verify(token, 'two'), null)
      equal(await strategy.verify(token, ''), null)
    }),

    caseOf('verify: null from the second on in which the token expires', async ({ strategy, forward }) => {
      const { token } = await strategy.issue(grant)
      forward(grant.lifetimeSeconds - 1)
      notEqual(await strategy.verify(token, grant.backend), null)
      forward(1)
      equal(await strategy.verify(token, grant.backend), null)
    }),

    caseOf('verify: null for whatever is no token', async ({ strategy }) => {
      for (const text of ['', '.', '..', '...', 'a.b.c', 'null', '{}', '\0', '🦊', '='.repeat(43), 'A'.repeat(100_000)]) {
        equal(await strategy.verify(text, grant.backend), null, JSON.stringify(text.slice(0, 20)))
      }
    }),

    caseOf('verify: null for a token with any one character changed, added or missing', async ({ strategy }) => {
      const { token } = await strategy.issue(grant)
      for (let at = 0; at < token.length; at++) {
        const other = token[at] === 'A' ? 'B' : 'A'
        equal(await strategy.verify(token.slice(0, at) + other + token.slice(at + 1), grant.backend), null, `changed at ${at}`)
        equal(await strategy.verify(token.slice(0, at) + token.slice(at + 1), grant.backend), null, `missing at ${at}`)
      }
      for (const longer of [`${token}A`, `${token}=`, ` ${token}`, `${token} `, `${token}.`]) equal(await strategy.verify(longer, grant.backend), null)
    }),

    caseOf('revoke: the token is dead at once, and its neighbour is not', async ({ strategy }) => {
      const one = await strategy.issue(grant)
      const other = await strategy.issue(grant)
      await strategy.revoke(one.session)
      equal(await strategy.verify(one.token, grant.backend), null)
      notEqual(await strategy.verify(other.token, grant.backend), null)
    }),

    caseOf('revoke: twice is once', async ({ strategy }) => {
      const { token, session } = await strategy.issue(grant)
      await Promise.all([strategy.revoke(session), strategy.revoke(session)])
      await strategy.revoke(session)
      equal(await strategy.verify(token, grant.backend), null)
    })
  ]
}

async function withBench (create: () => MaybePromise<Strategy>, check: (bench: Bench) => Promise<void>): Promise<void> {
  const fastify = Fastify()
  let now = Date.UTC(2030, 0, 1)
  try {
    let strategy: RunningStrategy | undefined
    await fastify.register(async (scope) => {
      strategy = await (await create()).start({ fastify: scope, clock: () => now, revocations: revocations(), sessions: memorySessions(), lookUps: createLookUps(memory()), backends: new Map([['one', 60], ['two', 60]]) })
    })
    await fastify.ready()
    await check({ strategy: strategy as unknown as RunningStrategy, forward: (seconds) => { now += seconds * 1000 } })
  } finally {
    await fastify.close()
  }
}

function revocations (): RevocationStore {
  const revoked = new Set<string>()
  return { revoke: (id) => { revoked.add(id) }, isRevoked: (id) => revoked.has(id) }
}
