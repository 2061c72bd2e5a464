import { noteChange } from './changes.js'
import type { Exchange, Refreshed, RunningStrategy, Session } from './contracts/strategy.js'

/**
 * A strategy whose sessions are noted as they end or go on: before, since the store may have done it long before it answers, and after,
 * whether that failed or not.
 */
export function noting (strategy: RunningStrategy): RunningStrategy {
  const { refresh, sessions } = strategy

  return {
    sessions,
    issue: (grant) => strategy.issue(grant),
    verify: (token, backend) => strategy.verify(token, backend),

    async revoke (session) {
      noteChange(session.id)
      try {
        await strategy.revoke(session)
      } finally {
        noteChange(session.id)
      }
    },

    ...(refresh === undefined ? {} : { refresh: refreshNoting })
  }

  async function refreshNoting (token: string, exchange: Exchange): Promise<Refreshed> {
    const met: Session[] = []
    const meet = (session: Session): void => {
      met.push(session)
      noteChange(session.id)
    }
    try {
      return await (refresh as NonNullable<typeof refresh>).call(strategy, token, {
        ...exchange,
        admits: async (session) => {
          meet(session)
          return await exchange.admits(session)
        },
        onReuse: (session) => {
          meet(session)
          exchange.onReuse(session)
        }
      })
    } finally {
      for (const { id } of met) noteChange(id)
    }
  }
}
