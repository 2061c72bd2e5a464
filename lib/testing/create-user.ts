import type { NewUser } from '../accounts/users.js'
import type { User } from '../contracts/user.js'
import { randomId } from '../crypto/random.js'
import { registrationIn, type TestApp } from './test-app.js'
import { refuseInProduction } from './tests-only.js'

/** What {@link createUser} takes: what `app.users.create` does, but an address is only given if it matters. */
export type NewTestUser = Partial<Pick<NewUser, 'email'>> & Omit<NewUser, 'email'>

/**
 * The password of users made by {@link createUser}: another one in each process, so that no user who is left behind in a
 * database has one that anybody knows.
 */
export const testPassword = `Aa1!${randomId()}`

/**
 * For `passwords`: hashes that take a tenth of a millisecond. The plugin refuses them in production.
 *
 * @example
 * ```ts
 * const app = await buildApp({ users: memory(), passwords: cheapHashes })
 * ```
 */
export const cheapHashes = { memoryCost: 8, timeCost: 1 } as const

/**
 * Makes a user: active, unverified and no superuser, unless you say otherwise. The password is {@link testPassword}, the address a new
 * one.
 *
 * @param app the instance that fastify-users is registered with, or a scope inside
 * @throws what `app.users.create` throws, and `FST_USERS_BAD_OPTIONS` where `NODE_ENV` is `production`
 * @example
 * ```ts
 * const ann = await createUser(app)
 * const root = await createUser(app, { isVerified: true, isSuperuser: true })
 * const gone = await createUser(app, { email: 'gone@example.com', isActive: false })
 * ```
 */
export async function createUser (app: TestApp, ...[given]: object extends NewTestUser ? [given?: NewTestUser] : [given: NewTestUser]): Promise<User> {
  refuseInProduction('createUser()')
  const { users } = await registrationIn(app)
  const { email = `user-${randomId()}@example.com`, ...others } = (given ?? {}) as NewTestUser
  const password = others.passwordHash === undefined ? { password: testPassword } : {}
  return await users.create({ ...password, ...others, email } as NewUser)
}
