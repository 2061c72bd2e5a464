import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { aPassword, briefly, postOffice, send, stranger, withChecksum, type PostOffice } from '../helpers/accounts.js'
import { appWith } from '../helpers/app.js'
import { everything } from '../helpers/route-table.js'
import { byBearer, byCookie, logIn, onEachPlace, refreshBy, stoppedClock, strategies, type Clock, type OpenPlace, type Place, type Way } from '../helpers/sessions.js'
import { ownStores } from '../helpers/stores.js'

/** Each kind of token at each place that takes one: only its own does. And each kind after each thing that can happen to it. */

interface Scene {
  readonly app: FastifyInstance
  readonly place: Place
  readonly clock: Clock
  readonly post: PostOffice
}

interface Minted {
  readonly token: string
  readonly id: string
  readonly email: string
}

interface Kind {
  readonly mint: (scene: Scene) => Promise<Minted>
  /** What an opaque one begins with. */
  readonly prefix: string
  /** Sends a token to the one place for this kind. */
  readonly present: (scene: Scene, token: string) => Promise<string>
  readonly good: string
  readonly refused: string
  /** What makes another token of this kind for the same user. */
  readonly again?: (scene: Scene, minted: Minted) => Promise<unknown>
}

const password = aPassword('owner')
let count = 0

async function newUser ({ app }: Scene, isVerified = true): Promise<{ readonly id: string, readonly email: string }> {
  return await app.users.create({ email: `owner${count++}@example.com`, password, isVerified, isSuperuser: true })
}

async function askForAddress (scene: Scene, email: string): Promise<string> {
  const { app, post } = scene
  const { access } = await logIn(app, byBearer, { email, password })
  await send(app, byBearer.withAccess(access), 'PATCH', '/users/me', { email: `new.${email}`, currentPassword: password })
  return await post.token('confirm-email-change', `new.${email}`)
}

const access = (way: Way): Kind => ({
  async mint (scene) {
    const { id, email } = await newUser(scene)
    return { id, email, token: (await logIn(scene.app, way, { email, password })).access }
  },
  prefix: 'fu-session',
  present: async ({ app }, token) => briefly(await send(app, way.withAccess(token), 'GET', '/users/me')),
  good: '200',
  refused: '401 UNAUTHORIZED'
})

const refresh = (way: Way): Kind => ({
  async mint (scene) {
    const { id, email } = await newUser(scene)
    return { id, email, token: (await logIn(scene.app, way, { email, password })).refresh }
  },
  prefix: 'fu-refresh',
  present: async ({ app }, token) => briefly(await refreshBy(app, way, token)),
  good: '200',
  refused: '401 UNAUTHORIZED',
  again: async ({ app }, { token }) => await refreshBy(app, way, token)
})

const mailed: Readonly<Record<string, Kind>> = {
  verify: {
    async mint (scene) {
      const { id, email } = await newUser(scene, false)
      await scene.app.users.requestVerify(email)
      return { id, email, token: await scene.post.token('verify-address', email) }
    },
    prefix: 'fu-verify',
    present: async ({ app }, token) => briefly(await send(app, stranger, 'POST', '/verify', { token })),
    good: '200',
    refused: '400 VERIFY_USER_BAD_TOKEN',
    async again ({ app, post }, { email }) {
      await app.users.requestVerify(email)
      await post.mail('verify-address', email)
    }
  },
  reset: {
    async mint (scene) {
      const { id, email } = await newUser(scene)
      await scene.app.users.forgotPassword(email)
      return { id, email, token: await scene.post.token('reset-password', email) }
    },
    prefix: 'fu-reset',
    present: async ({ app }, token) => briefly(await send(app, stranger, 'POST', '/reset-password', { token, password: aPassword('reset') })),
    good: '200',
    refused: '400 RESET_PASSWORD_BAD_TOKEN',
    async again ({ app, post }, { email }) {
      await app.users.forgotPassword(email)
      await post.mail('reset-password', email)
    }
  },
  'email-change': {
    async mint (scene) {
      const { id, email } = await newUser(scene)
      return { id, email, token: await askForAddress(scene, email) }
    },
    prefix: 'fu-email-change',
    present: async ({ app }, token) => briefly(await send(app, stranger, 'POST', '/change-email', { token })),
    good: '200',
    refused: '400 CHANGE_EMAIL_BAD_TOKEN',
    again: async (scene, { email }) => await askForAddress(scene, email)
  }
}

const kindsOf = (strategy: string): Readonly<Record<string, Kind>> => ({
  'access by cookie': access(byCookie),
  'access by bearer': access(byBearer),
  ...(strategy === 'jwt' ? {} : { 'refresh by cookie': refresh(byCookie), 'refresh by bearer': refresh(byBearer) }),
  ...mailed
})

interface Event {
  readonly happen: (scene: Scene, minted: Minted, kind: Kind) => Promise<unknown>
  /** The kinds that survive it. */
  readonly survive?: RegExp
  /** What the others are told, where that is not as usual. */
  readonly told?: Readonly<Record<string, string>>
}

const changed = (changes: object): Event['happen'] => async ({ app }, { id }) => await app.users.update(id, changes)

const events: Readonly<Record<string, Event>> = {
  'nothing has happened': { happen: async () => {}, survive: /./ },
  'it was used': {
    happen: async (scene, { token }, { present }) => await present(scene, token),
    survive: /^access/,
    // Who follows the link twice learns that all is well.
    told: { verify: '400 VERIFY_USER_ALREADY_VERIFIED' }
  },
  'another one was given': { happen: async (scene, minted, { again }) => await again?.(scene, minted), survive: /^access/ },
  'it has expired': { happen: async ({ clock }) => { clock.forward(91 * 24 * 3600) } },
  'the user is inactive': { happen: changed({ isActive: false }) },
  'the user was inactive for a while': {
    async happen ({ app }, { id }) {
      await app.users.update(id, { isActive: false })
      await app.users.update(id, { isActive: true })
    }
  },
  'the user has another password': { happen: changed({ password: aPassword('another') }) },
  'the user has another address': { happen: async ({ app }, { id, email }) => await app.users.update(id, { email: `other.${email}`, isVerified: true }) },
  'the user is no superuser any more': { happen: changed({ isSuperuser: false }), survive: /^(?:verify|reset|email-change)/ },
  'all sessions of the user were ended': { happen: async ({ app }, { id }) => await app.users.revokeSessions(id), survive: /^(?:verify|reset|email-change)/ },
  'the address is to be verified anew': {
    async happen ({ app }, { id }) {
      await app.users.update(id, { isVerified: true })
      await app.users.update(id, { isVerified: false })
    }
  },
  'the user is gone': { happen: async ({ app }, { id }) => await app.users.remove(id) },
  'the user was deleted, and came again': {
    async happen ({ app }, { id, email }) {
      await app.users.remove(id)
      await app.users.create({ email, password, isVerified: true, isSuperuser: true })
    }
  }
}

async function setScene (t: Test, open: OpenPlace, strategy: string): Promise<Scene> {
  const place = await open(t)
  const clock = stoppedClock(Date.UTC(2030, 0, 1))
  const post = postOffice()
  const app = await appWith(t, { ...everything(strategy), users: place.users, sessions: place.sessions, clock: clock.now, ...post.options })
  await app.users.create({ email: 'root@example.com', isSuperuser: true })
  return { app, place, clock, post }
}

onEachPlace(t, async (t, open) => {
  for (const strategy of Object.keys(strategies)) {
    const kinds = kindsOf(strategy)

    t.test(`${strategy}: each kind does at its own place alone`, async (t) => {
      const scene = await setScene(t, open, strategy)
      for (const [name, { mint, present: own, good }] of Object.entries(kinds)) {
        const { token, email } = await mint(scene)
        const before = await scene.place.dump()
        for (const [other, { present, refused }] of Object.entries(kinds)) {
          if (other !== name) t.equal(await present(scene, token), refused, `${name} as ${other}`)
        }
        t.equal(briefly(await send(scene.app, stranger, 'POST', '/login/bearer', { email, password: token })), '400 LOGIN_BAD_CREDENTIALS', `${name} as a password`)
        t.equal(await scene.place.dump(), before, `${name}: nothing has changed`)
        t.equal(await own(scene, token), good, `${name} as itself`)
      }
    })

    t.test(`${strategy}: nor does it under another kind's name`, async (t) => {
      const scene = await setScene(t, open, strategy)
      for (const [name, { mint, prefix: own }] of Object.entries(kinds)) {
        for (const [other, { present, refused, prefix }] of Object.entries(kinds)) {
          const { token } = await mint(scene)
          if (prefix === own || !token.startsWith(own)) continue
          // The name is part of what is digested.
          const renamed = withChecksum([prefix, ...token.split('.').slice(1, 3)].join('.'))
          t.equal(await present(scene, renamed), refused, `${name} renamed as ${other}`)
        }
      }
    })

    t.test(`${strategy}: what becomes of each kind when`, async (t) => {
      const scene = await setScene(t, open, strategy)
      for (const [title, { happen, survive, told }] of Object.entries(events)) {
        for (const [name, kind] of Object.entries(kinds)) {
          const minted = await kind.mint(scene)
          await happen(scene, minted, kind)
          t.equal(await kind.present(scene, minted.token), survive?.test(name) === true ? kind.good : told?.[name] ?? kind.refused, `${title}: ${name}`)
        }
      }
    })
  }
}, ownStores)
