import { createUsers, type Users } from '../accounts/users.js'
import { createBackground } from '../background.js'
import { resolveMails } from '../mail-options.js'
import { resolvePasswords } from '../password-options.js'
import { startAccounts } from '../start-accounts.js'
import { resolveThrottle } from '../throttle-options.js'
import { withStore, type DatabaseOptions } from './database.js'

/** Nobody is told, nothing is wrong, the app is nowhere. */
const nothing = (): null => null
const log = { info: nothing, warn: nothing, error: nothing }

/** Works with the users of a database, as `app.users` of an app with the default options. Nothing is mailed. */
export async function withUsers<T> (options: DatabaseOptions, work: (users: Users) => Promise<T>): Promise<T> {
  return await withStore(options, { create: false }, async (store) => {
    const accounts = startAccounts({
      users: store,
      passwords: resolvePasswords({}),
      clock: Date.now,
      fields: { type: 'object', properties: {} },
      hooks: {},
      audit: nothing,
      routes: {},
      concealAccounts: false,
      confirmEmailChange: false,
      mails: resolveMails({}, true),
      throttle: resolveThrottle(false)
    }, {
      log,
      origin: nothing,
      // Whoever is at a terminal can stop waiting.
      deadline: (promise) => promise,
      sessions: [store.sessions],
      buckets: store.limits
    })
    // The application's schema is not known here.
    return await work(createUsers({ ...accounts, checkFields: nothing }, createBackground(log)))
  })
}
