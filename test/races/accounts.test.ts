import type { FastifyInstance, InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import type { FastifyUsersOptions, User } from '../../lib/index.js'
import { aPassword, briefly, credentialOf, everyRoute, fields, outcome, postOffice, send, stranger, type PostOffice } from '../helpers/accounts.js'
import { ann, appWith, cheap, login } from '../helpers/app.js'
import { onEachStore, type OpenStore } from '../helpers/stores.js'

/** The same address in many spellings. */
const spellings = Array.from({ length: 20 }, (_, i) => [...'zoeann@example.com'].map((letter, place) => (i >> place) % 2 === 1 ? letter.toUpperCase() : letter).join(''))

/** How often what depends on luck is tried. */
const rounds = Number(process.env.RACES ?? 2)

let races = 0

interface Scene {
  readonly app: FastifyInstance
  /** The same in another process, as it were: the one or the other, by turns. */
  readonly at: (turn: number) => FastifyInstance
  readonly post: PostOffice
  /** Ends both, when all mails have left. */
  close (): Promise<void>
}

async function setScene (t: Test, open: OpenStore, given: Partial<FastifyUsersOptions> = {}, seed = true): Promise<Scene> {
  const { users, again } = await open(t)
  const post = postOffice()
  // All the hashes of a race may wait.
  const options = { routes: everyRoute, fields, passwords: { ...cheap, queueLimit: 1000 }, ...post.options, ...given }
  const app = await appWith(t, { users, ...options }, { seed })
  const other = await appWith(t, { users: await again(), ...options }, { seed: false })
  return { app, at: (turn) => turn % 2 === 0 ? app : other, post, close: async () => { await Promise.all([app.close(), other.close()]) } }
}

/** How often each outcome came about. */
async function tally (outcomes: ReadonlyArray<Promise<string>>): Promise<Record<string, number>> {
  races++
  const counts: Record<string, number> = {}
  for (const each of await Promise.all(outcomes)) counts[each] = (counts[each] ?? 0) + 1
  return counts
}

onEachStore(t, async (t, open) => {
  t.test('many register with one address', async (t) => {
    t.equal(new Set(spellings).size, 20)
    const { app, at, post, close } = await setScene(t, open, {}, false)
    const answers = spellings.map((email, i) => outcome(at(i), stranger, 'POST', '/register', { email, password: aPassword(i) }))
    t.strictSame(await tally(answers), { 201: 1, '400 REGISTER_USER_ALREADY_EXISTS': 19 })

    const winner = (await Promise.all(answers)).indexOf('201')
    const { items } = await app.users.list()
    t.match(items, [{ email: spellings[winner] }])
    t.equal(items.length, 1)
    await login(app, 'bearer', { email: 'zoeann@example.com', password: aPassword(winner) })
    await close()
    t.strictSame(post.mails.untaken.map(({ subject, to }) => [subject, to]), [['verify-address', spellings[winner]]])
  })

  t.test('many register with one address, where it is concealed who has an account', async (t) => {
    const { app, at, post, close } = await setScene(t, open, { concealAccounts: true }, false)
    const answers = spellings.map((email, i) => outcome(at(i), stranger, 'POST', '/register', { email, password: aPassword(i) }))
    t.strictSame(await tally(answers), { 202: 20 })

    const { to } = await post.mails.take(({ subject }) => subject === 'registration-attempt', 'notice')
    const { items } = await app.users.list()
    t.equal(items.length, 1)
    t.equal(to, items[0]?.email, 'the owner is told, at the address of the account')
    await close()
    // How often, is a matter of luck: a notice takes the place of one that has not left yet.
    const others = post.mails.untaken.filter(({ subject }) => subject !== 'registration-attempt')
    t.strictSame(others.map(({ subject }) => subject), ['verify-address'])
    t.ok(post.mails.untaken.every((mail) => mail.to === to))
  })

  t.test('a link to reset the password, used many times at once', async (t) => {
    const { app, at, post, close } = await setScene(t, open)
    const session = await login(app, 'bearer')
    await send(app, stranger, 'POST', '/forgot-password', { email: ann.email })
    const token = await post.token('reset-password', ann.email)
    const answers = Array.from({ length: 50 }, (_, i) => outcome(at(i), stranger, 'POST', '/reset-password', { token, password: aPassword(i) }))
    t.strictSame(await tally(answers), { 200: 1, '400 RESET_PASSWORD_BAD_TOKEN': 49 })

    const winner = (await Promise.all(answers)).indexOf('200')
    const logins = Array.from({ length: 50 }, (_, i) => outcome(at(i), stranger, 'POST', '/login/bearer', { email: ann.email, password: aPassword(i) }))
    t.strictSame(await tally(logins), { 200: 1, '400 LOGIN_BAD_CREDENTIALS': 49 })
    t.equal(await logins[winner], '200', 'the password that holds is that of the one who was told so')
    t.equal(await outcome(app, session, 'GET', '/users/me'), '401 UNAUTHORIZED')
    await close()
    t.equal(post.mails.untaken.filter(({ subject }) => subject === 'password-changed').length, 1)
  })

  t.test('a link to verify the address, used many times at once', async (t) => {
    const { app, at, post } = await setScene(t, open)
    await send(app, stranger, 'POST', '/request-verify-token', { email: ann.email })
    const token = await post.token('verify-address', ann.email)
    const answers = Array.from({ length: 50 }, (_, i) => outcome(at(i), stranger, 'POST', '/verify', { token }))
    t.strictSame(await tally(answers), { 200: 1, '400 VERIFY_USER_ALREADY_VERIFIED': 49 })
  })

  t.test('a link to confirm a new address, used many times at once', async (t) => {
    const { app, at, post, close } = await setScene(t, open, { confirmEmailChange: true })
    await send(app, await login(app, 'bearer'), 'PATCH', '/users/me', { email: 'new@example.com', currentPassword: ann.password })
    const token = await post.token('confirm-email-change', 'new@example.com')
    const answers = Array.from({ length: 50 }, (_, i) => outcome(at(i), stranger, 'POST', '/change-email', { token }))
    t.strictSame(await tally(answers), { 200: 1, '400 CHANGE_EMAIL_BAD_TOKEN': 49 })
    await close()
    t.equal(post.mails.untaken.filter(({ subject }) => subject === 'email-changed').length, 1)
  })

  t.test('many want the same address', async (t) => {
    const { app, at, post } = await setScene(t, open, { confirmEmailChange: true }, false)
    const tokens: string[] = []
    for (let i = 0; i < 10; i++) {
      const user = { email: `user${i}@example.com`, password: ann.password }
      await app.users.create(user)
      await send(app, await login(app, 'bearer', user), 'PATCH', '/users/me', { email: 'new@example.com', currentPassword: user.password })
      tokens.push(await post.token('confirm-email-change', 'new@example.com'))
    }
    const answers = tokens.map((token, i) => outcome(at(i), stranger, 'POST', '/change-email', { token }))
    t.strictSame(await tally(answers), { 200: 1, '400 UPDATE_USER_EMAIL_ALREADY_EXISTS': 9 })
    t.equal((await app.users.list({ email: 'new@example.com' })).items.length, 1)
    t.equal((await app.users.list()).items.length, 10)
  })

  t.test('a field and a password, changed at once, both hold', async (t) => {
    const { app, at } = await setScene(t, open, { fields: { type: 'object', properties: { one: { type: 'integer' }, two: { type: 'integer' } } } })
    const me = await login(app, 'bearer')
    t.strictSame(await tally([1, 2].map((n) => outcome(at(n), me, 'PATCH', '/users/me', n === 1 ? { one: n } : { two: n }))), { 200: 2 })
    t.match((await send(app, me, 'GET', '/users/me')).json(), { one: 1, two: 2 })
  })

  t.test('many who change the password with the same old one: one of them', async (t) => {
    const { app, at } = await setScene(t, open)
    const sessions = await Promise.all(Array.from({ length: 16 }, () => login(app, 'bearer')))
    const answers = sessions.map((session, i) => outcome(at(i), session, 'PATCH', '/users/me', { password: aPassword(i), currentPassword: ann.password }))
    const counts = await tally(answers)
    t.equal(counts['200'], 1, JSON.stringify(counts))
    t.strictSame(Object.keys(counts).filter((one) => !['200', '400 USER_BAD_CURRENT_PASSWORD', '401 UNAUTHORIZED', '409 FST_USERS_CONFLICT'].includes(one)), [])
    await login(app, 'bearer', { ...ann, password: aPassword((await Promise.all(answers)).indexOf('200')) })
    t.strictSame(await tally(sessions.map((session, i) => outcome(at(i), session, 'GET', '/users/me'))), { '401 UNAUTHORIZED': 16 })
  })

  t.test('an old password gives no session that outlives it', async (t) => {
    for (let round = 0; round < rounds; round++) {
      const { app, at } = await setScene(t, open)
      const session = await login(app, 'bearer')
      const logins = Array.from({ length: 24 }, (_, i) => send(at(i), stranger, 'POST', '/login/bearer', ann))
      const changed = outcome(at(round), session, 'PATCH', '/users/me', { password: aPassword('new'), currentPassword: ann.password })
      races++
      t.equal(await changed, '200')
      const replies = await Promise.all(logins)
      const given = replies.filter(({ statusCode }) => statusCode === 200)
      t.ok(replies.every((reply) => ['200', '400 LOGIN_BAD_CREDENTIALS'].includes(briefly(reply))))
      t.same(await Promise.all(given.map((reply, i) => outcome(at(i), credentialOf(reply), 'GET', '/users/me'))), given.map(() => '401 UNAUTHORIZED'), `${given.length} logged in meanwhile`)
    }
  })

  t.test('who is removed is not brought back by a change', async (t) => {
    for (let round = 0; round < rounds; round++) {
      const { app, at } = await setScene(t, open)
      const { id } = await app.users.getByEmail(ann.email) as User
      const session = await login(app, 'bearer')
      const changes = Array.from({ length: 16 }, (_, i) => outcome(at(i), session, 'PATCH', '/users/me', { nickname: `ann${i}` }))
      const removed = Array.from({ length: 4 }, (_, i) => at(i).users.remove(id).catch((error: { code: string }) => error.code))
      const counts = await tally(changes)
      t.strictSame(Object.keys(counts).filter((one) => !['200', '401 UNAUTHORIZED', '404 USER_NOT_FOUND', '409 FST_USERS_CONFLICT'].includes(one)), [])
      t.equal((await Promise.all(removed)).filter((one) => one === true).length, 1, 'it is removed once')
      t.equal(await at(round).users.get(id), null)
      t.equal(await at(round).users.getByEmail(ann.email), null)
      t.equal(await outcome(at(round), session, 'GET', '/users/me'), '401 UNAUTHORIZED')
    }
  })

  t.test('all superusers remove themselves at once: one is left', async (t) => {
    for (let round = 0; round < rounds; round++) {
      const { app, at } = await setScene(t, open, {}, false)
      const all = await Promise.all(Array.from({ length: 8 }, (_, i) => superuser(app, `root${i}@example.com`)))
      const counts = await tally(all.map(({ session }, i) => outcome(at(i), session, 'DELETE', '/users/me', { currentPassword: ann.password })))
      t.strictSame(counts, { 204: 7, '409 LAST_SUPERUSER': 1 })
      t.equal((await app.users.list()).items.length, 1)
    }
  })

  for (const [name, ...request] of [['demote', 'PATCH', { isSuperuser: false }], ['deactivate', 'PATCH', { isActive: false }], ['delete', 'DELETE', undefined]] as const) {
    t.test(`two superusers ${name} each other`, async (t) => {
      const { app, at } = await setScene(t, open, {}, false)
      for (let round = 0; round < 10; round++) {
        const [one, other] = [await superuser(app, `one${round}@example.com`), await superuser(app, `other${round}@example.com`)]
        // Whoever was left over by the last round is no longer needed.
        for (const { id, email } of (await app.users.list()).items) {
          if (email !== one.email && email !== other.email) await app.users.remove(id)
        }
        const [method, body] = request
        const answers = await Promise.all([outcome(at(0), one.session, method, `/users/${other.id}`, body), outcome(at(1), other.session, method, `/users/${one.id}`, body)])
        races++
        const [won, lost] = answers.sort()
        t.match(won, /^20[04]$/, `round ${round}`)
        t.ok(['409 LAST_SUPERUSER', '403 FORBIDDEN', '401 UNAUTHORIZED'].includes(String(lost)), `round ${round}: ${lost}`)
        t.equal((await app.users.list()).items.filter(({ isActive, isSuperuser }) => isActive && isSuperuser).length, 1, `round ${round}: one is left`)
      }
    })
  }
})

t.test('so many races', async (t) => { t.comment(`races: ${races}`) })

async function superuser (app: FastifyInstance, email: string): Promise<{ id: string, email: string, session: InjectOptions }> {
  const who = { email, password: ann.password }
  const { id } = await app.users.create({ ...who, isSuperuser: true })
  return { id, email, session: await login(app, 'bearer', who) }
}
