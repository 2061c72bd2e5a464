// Users in your own table, by Prisma: a user store of one's own, of which the plugin asks seven methods.
import { randomBytes } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { bearer, jwt, memoryRevocations, type FastifyUsersOptions, type StoredUser, type UserStore } from 'fastify-users'

/** A row of `model User`: the two that are any JSON are kept as text, so that they come back as they were. */
export type UserRow = Omit<StoredUser, 'pendingTokens' | 'fields'> & { readonly pendingTokens: string, readonly fields: string }

type Where = Partial<Pick<UserRow, 'id' | 'emailKey' | 'version' | 'isSuperuser' | 'isActive'>>

/** What is used of `prisma`. A generated client fits, whatever its version and its database are. */
export interface Prisma extends Tables {
  $transaction<T> (work: (tx: Tables) => Promise<T>): Promise<T>
}

interface Tables {
  readonly user: {
    create (args: { data: UserRow }): PromiseLike<unknown>
    findUnique (args: { where: { id: string } | { emailKey: string } }): PromiseLike<UserRow | null>
    findMany (args: { where: { id: { gt: string }, emailKey?: { contains: string } }, orderBy: { id: 'asc' }, take: number }): PromiseLike<UserRow[]>
    updateMany (args: { where: Where, data: UserRow }): PromiseLike<{ count: number }>
    deleteMany (args: { where: Where }): PromiseLike<{ count: number }>
    count (args: { where: Where & { NOT?: Where } }): PromiseLike<number>
  }
  readonly userLock: {
    upsert (args: { where: { name: string }, create: { name: string, turns: number }, update: { turns: { increment: number } } }): PromiseLike<unknown>
  }
}

export function prismaStore (prisma: Prisma): UserStore {
  const toRow = (user: StoredUser): UserRow => ({ ...user, pendingTokens: JSON.stringify(user.pendingTokens), fields: JSON.stringify(user.fields) })
  const toUser = (row: UserRow): StoredUser => ({ ...row, pendingTokens: JSON.parse(row.pendingTokens) as StoredUser['pendingTokens'], fields: JSON.parse(row.fields) as StoredUser['fields'] })
  const toUserOrNull = (row: UserRow | null): StoredUser | null => row === null ? null : toUser(row)

  // One statement with the version in its condition: of two changes at once, one finds nothing to change.
  const write = async ({ user }: Tables, id: string, version: number, next: StoredUser | null): Promise<boolean> => {
    const where = { id, version }
    const { count } = next === null ? await user.deleteMany({ where }) : await user.updateMany({ where, data: toRow(next) })
    return count === 1
  }

  // The row of the lock is written first, and held until the transaction ends. Whoever waits for it then sees what the one before has done.
  const takeTurns = ({ userLock }: Tables): PromiseLike<unknown> => userLock.upsert({ where: { name: 'superusers' }, create: { name: 'superusers', turns: 0 }, update: { turns: { increment: 1 } } })

  return {
    insert: async (user) => await prisma.user.create({ data: toRow(user) }).then(() => true, takenOr(false)),
    findById: async (id) => toUserOrNull(await prisma.user.findUnique({ where: { id } })),
    findByEmail: async (emailKey) => toUserOrNull(await prisma.user.findUnique({ where: { emailKey } })),

    async list ({ after, limit, emailPart }) {
      // PostgreSQL has no NUL in a text, and fails when asked for one.
      if (emailPart?.includes('\0') === true) return []
      // `contains` takes % and _ for any sign, and some databases A for a: what it finds is looked at once more. It loses what has a \.
      const like = emailPart === null || emailPart.includes('\\') ? {} : { emailKey: { contains: emailPart } }
      const found: UserRow[] = []
      for (let last = after ?? ''; found.length < limit;) {
        const page = await prisma.user.findMany({ where: { id: { gt: last }, ...like }, orderBy: { id: 'asc' }, take: limit })
        found.push(...page.filter(({ emailKey }) => emailKey.includes(emailPart ?? '')))
        if (page.length < limit) break
        last = page.at(-1)?.id ?? ''
      }
      return found.slice(0, limit).map(toUser)
    },

    replace: async (user, version) => await write(prisma, user.id, version, user).catch(takenOr('taken')),
    remove: async (id, version) => await write(prisma, id, version, null),

    retire: async (id, version, next) => await prisma.$transaction(async (tx) => {
      await takeTurns(tx)
      if (await tx.user.count({ where: { id, version } }) === 0) return false
      if (await tx.user.count({ where: { isSuperuser: true, isActive: true, NOT: { id } } }) === 0) return 'last'
      return await write(tx, id, version, next)
    }).catch(takenOr('taken'))
  }
}

/** P2002: a unique index has this value already. */
function takenOr<T> (answer: T): (error: unknown) => T {
  return (error) => {
    if ((error as { code?: unknown }).code === 'P2002') return answer
    throw error
  }
}

export async function buildApp ({ prisma, ...settings }: Partial<FastifyUsersOptions> & { readonly prisma: Prisma }): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(fastifyUsers, {
    users: prismaStore(prisma),
    // In production the secret must come from the environment, or a restart logs everybody out. This store keeps no sessions. For several processes give `sessions: redisSessions(redis)` and opaque(), or revocations of yours.
    strategy: jwt({ secret: process.env.AUTH_SECRET ?? randomBytes(32).toString('base64url'), lifetimeSeconds: 900, revocations: memoryRevocations() }),
    backends: [bearer()],
    routes: { register: true, me: true },
    ...settings
  })
  return app
}

if (process.argv[1] === import.meta.filename) console.log('This one needs a client that Prisma generates for your schema: docs/learn/prisma.md tells how.')
