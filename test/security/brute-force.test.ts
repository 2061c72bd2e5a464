import type { FastifyInstance, InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { bearer, cookie, type FastifyUsersOptions } from '../../lib/index.js'
import { aPassword, briefly, everyRoute, outcome, postOffice, stranger, type PostOffice } from '../helpers/accounts.js'
import { ann, appWith, cheap, login, sameOrigin } from '../helpers/app.js'
import { onEachPlace, stoppedClock, strategies, type Clock, type OpenPlace } from '../helpers/sessions.js'

const unknown = { email: 'nobody@example.com', password: aPassword('nobody') }
const bad = '400 LOGIN_BAD_CREDENTIALS'
const tooMany = '429 TOO_MANY_REQUESTS'

interface Scene {
  readonly app: FastifyInstance
  readonly post: PostOffice
  readonly clock: Clock
  /** Logs in from somewhere, and tells how that went. */
  attempt (who: { readonly email: string, readonly password: string }, address?: string): Promise<string>
  /** So many guesses at an account, each from another client, one after the other. */
  guess (count: number, email?: string): Promise<Record<string, number>>
}

async function setScene (t: Test, open: OpenPlace, strategy: string, backend: string, given: Partial<FastifyUsersOptions> = {}): Promise<Scene> {
  const { users, sessions, limits } = await open(t)
  const post = postOffice()
  const clock = stoppedClock()
  const app = await appWith(t, { users, sessions, limits, clock: clock.now, strategy: (strategies[strategy] as () => never)(), backends: [cookie(), bearer()], passwords: { ...cheap, queueLimit: 1000 }, routes: everyRoute, throttle: undefined, ...post.options, ...given })
  const attempt: Scene['attempt'] = async ({ email, password }, remoteAddress = '127.0.0.1') =>
    briefly(await app.inject({ method: 'POST', url: `/login/${backend}`, payload: { email, password }, headers: sameOrigin, remoteAddress }))
  let clients = 0
  const nextClient = (): string => `10.0.${++clients >> 8}.${clients & 255}`
  const guess: Scene['guess'] = async (count, email = ann.email) => {
    const answers: string[] = []
    for (let index = 0; index < count; index++) answers.push(await attempt({ email, password: aPassword(index) }, nextClient()))
    return tally(answers)
  }
  return { app, post, clock, attempt, guess }
}

function tally (answers: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1
  return counts
}

const everyWay = [['jwt', 'bearer'], ['jwt', 'cookie'], ['opaque', 'bearer'], ['opaque', 'cookie']] as const

onEachPlace(t, async (t, open) => {
  // What is counted where has nothing to do with the token that comes of it: once is enough where each step takes its time.
  for (const [strategy, backend] of t.name === 'memory' ? everyWay : everyWay.slice(2, 3)) {
    t.test(`${strategy} by ${backend}`, async (t) => {
      t.test('ten guesses at an account, known or not; then not even the right password is looked at, from wherever', async (t) => {
        const { attempt, guess, clock } = await setScene(t, open, strategy, backend)
        for (const who of [ann, unknown]) {
          t.strictSame(await guess(12, who.email), { [bad]: 10, [tooMany]: 2 })
          t.equal(await attempt(who, '192.0.2.1'), tooMany)
          t.equal(await attempt({ ...who, email: who.email.toUpperCase() }, '192.0.2.2'), tooMany)
        }
        clock.forward(90)
        t.equal(await attempt(ann), '200')
        t.equal(await attempt(unknown), bad)
        t.strictSame(await guess(11), { [bad]: 10, [tooMany]: 1 }, 'a success has made the account as good as new')
      })

      t.test('a lock that has passed comes again as guessing goes on', async (t) => {
        const { guess, clock } = await setScene(t, open, strategy, backend)
        t.strictSame(await guess(11), { [bad]: 10, [tooMany]: 1 })
        for (let round = 0; round < 2; round++) {
          clock.forward(900)
          t.strictSame(await guess(11), { [bad]: 10, [tooMany]: 1 })
        }
        clock.forward(180)
        t.strictSame(await guess(3), { [bad]: 2, [tooMany]: 1 })
      })

      t.test('50 guesses at once: ten are looked at, and an eleventh right one is not', async (t) => {
        const { attempt, clock } = await setScene(t, open, strategy, backend)
        for (const { email } of [ann, unknown]) {
          const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => attempt({ email, password: aPassword(index) }, `192.0.2.${index}`)))
          t.strictSame(tally(answers), { [bad]: 10, [tooMany]: 40 })
        }
        t.equal(await attempt(ann), tooMany)
        clock.forward(90)
        t.equal(await attempt(ann), '200')
      })

      t.test('50 guesses at once, at two processes', async (t) => {
        const place = await open(t)
        const { users, sessions, limits } = await place.again()
        const given = { strategy: (strategies[strategy] as () => never)(), passwords: cheap, throttle: undefined }
        const apps = [
          await appWith(t, { ...given, users: place.users, sessions: place.sessions, limits: place.limits }),
          await appWith(t, { ...given, users, sessions, limits }, { seed: false })
        ] as const
        const answers = await Promise.all(Array.from({ length: 50 }, async (_, index) =>
          briefly(await (apps[index % 2] as FastifyInstance).inject({ method: 'POST', url: `/login/${backend}`, payload: { email: ann.email, password: aPassword(index) }, headers: sameOrigin }))))
        t.strictSame(tally(answers), { [bad]: 10, [tooMany]: 40 })
      })

      t.test('one password at many accounts, by one client', async (t) => {
        const { app, attempt } = await setScene(t, open, strategy, backend, { throttle: { login: { perClient: { attempts: 20 } } } })
        await app.users.create({ email: 'mallory@example.com', password: aPassword('mallory') })
        const answers: string[] = []
        for (let index = 0; index < 25; index++) {
          answers.push(await attempt({ email: `user${index}@example.com`, password: 'Summer2026!' }, '192.0.2.1'))
          // An account of one's own in between resets nothing.
          if (index % 5 === 4 && index < 19) t.equal(await attempt({ email: 'mallory@example.com', password: aPassword('mallory') }, '192.0.2.1'), '200')
        }
        t.strictSame(tally(answers), { [bad]: 20, [tooMany]: 5 })
        t.equal(answers.indexOf(tooMany), 20)
        t.equal(await attempt(ann, '192.0.2.1'), tooMany)
        t.equal(await attempt(ann, '192.0.2.2'), '200', 'no account is the worse for it')
      })

      t.test('a login of one\'s own in between resets no other account', async (t) => {
        const { app, attempt } = await setScene(t, open, strategy, backend)
        const mallory = { email: 'mallory@example.com', password: aPassword('mallory') }
        await app.users.create(mallory)
        const answers: string[] = []
        for (let index = 0; index < 12; index++) {
          answers.push(await attempt({ email: ann.email, password: aPassword(index) }))
          t.equal(await attempt(mallory), '200')
        }
        t.strictSame(tally(answers), { [bad]: 10, [tooMany]: 2 })
      })

      t.test('a client that is refused does not count against accounts', async (t) => {
        const { attempt } = await setScene(t, open, strategy, backend, { throttle: { login: { perClient: { attempts: 3 } } } })
        const answers: string[] = []
        for (let index = 0; index < 30; index++) answers.push(await attempt({ email: ann.email, password: aPassword(index) }, '2001:db8::1'))
        t.strictSame(tally(answers), { [bad]: 3, [tooMany]: 27 })
        t.equal(await attempt(ann, '2001:db8:0:1::1'), '200')
      })

      t.test('whoever is locked out keeps a live session, may prove who they are in it, and follows a link out', async (t) => {
        const { app, post, attempt, guess } = await setScene(t, open, strategy, backend)
        let credential = await login(app, backend)
        t.strictSame(await guess(11), { [bad]: 10, [tooMany]: 1 })
        t.equal(await attempt(ann), tooMany)
        t.equal(await outcome(app, credential, 'GET', '/me'), '200')
        t.equal(await outcome(app, credential, 'PATCH', '/users/me', { password: aPassword('second'), currentPassword: 'wrong' }), '400 USER_BAD_CURRENT_PASSWORD')
        t.equal(await outcome(app, credential, 'POST', '/confirm', { password: ann.password }), '200')

        t.equal(await outcome(app, stranger, 'POST', '/forgot-password', { email: ann.email }), '202')
        const second = { ...ann, password: aPassword('second') }
        t.equal(await outcome(app, stranger, 'POST', '/reset-password', { token: await post.token('reset-password', ann.email), password: second.password }), '200')
        credential = await login(app, backend, second)
        t.equal(await outcome(app, credential, 'GET', '/me'), '200')
      })

      t.test('who holds a session has ten guesses at its password, and stops no login by them', async (t) => {
        const { app, attempt, clock } = await setScene(t, open, strategy, backend, { throttle: { login: { perAccount: { attempts: 2 } } } })
        const credential = await login(app, backend)
        const proofs: ReadonlyArray<(password: string) => Promise<string>> = [
          (password) => outcome(app, credential, 'POST', '/confirm', { password }),
          (currentPassword) => outcome(app, credential, 'PATCH', '/users/me', { email: 'thief@example.com', currentPassword }),
          (currentPassword) => outcome(app, credential, 'DELETE', '/users/me', { currentPassword })
        ]
        const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => (proofs[index % 3] as typeof proofs[0])(aPassword(index))))
        t.strictSame(tally(answers), { '400 USER_BAD_CURRENT_PASSWORD': 10, [tooMany]: 40 })
        for (const prove of proofs) t.equal(await prove(ann.password), tooMany)
        t.equal(await attempt(ann), '200')
        clock.forward(90)
        t.equal(await proofs[0]?.(ann.password), '200')
      })
    })
  }

  t.test('a hundred failures in a row, however slowly: until a success, a new password, or somebody who vouches', async (t) => {
    const { app, post, attempt, guess, clock } = await setScene(t, open, 'opaque', 'bearer')
    const exhaust = async (email: string): Promise<void> => {
      let failures = 0
      for (let round = 0; round < 10; round++, clock.forward(900)) failures += (await guess(10, email))[bad] ?? 0
      t.equal(failures, 100)
      clock.forward(86_400)
      t.strictSame(await guess(2, email), { [tooMany]: 2 }, 'not a day later, either')
    }
    for (const { email } of [unknown, ann]) await exhaust(email)
    t.equal(await attempt(ann), tooMany)
    await outcome(app, stranger, 'POST', '/forgot-password', { email: ann.email })
    t.equal(await outcome(app, stranger, 'POST', '/reset-password', { token: await post.token('reset-password', ann.email), password: ann.password }), '200')
    t.equal(await attempt(ann), '200')

    await exhaust(ann.email)
    t.equal(await app.users.unlock((await app.users.getByEmail(ann.email))?.id as string), true)
    t.equal(await attempt(ann), '200')
    t.equal(await attempt(unknown), tooMany, 'nobody else is unlocked')
  })

  t.test('whether a password is right, a login that is refused does not tell by what it counts', async (t) => {
    const { app, attempt } = await setScene(t, open, 'opaque', 'bearer', { concealAccounts: true, backends: [bearer({ requireVerified: true })] })
    const { id } = await app.users.create({ email: 'off@example.com', password: aPassword('off') })
    await app.users.update(id, { isActive: false })
    for (const who of [ann, { email: 'off@example.com', password: aPassword('off') }, unknown]) {
      const answers: string[] = []
      for (let index = 0; index < 12; index++) answers.push(await attempt(who))
      t.strictSame(tally(answers), { [bad]: 10, [tooMany]: 2 }, who.email)
    }
  })

  t.test('what a store holds of it names nobody', async (t) => {
    const { users, sessions, limits, dump } = await open(t)
    const app = await appWith(t, { users, sessions, limits, throttle: undefined }, { seed: false })
    const request: InjectOptions = { method: 'POST', url: '/login/bearer', payload: { email: 'secret.name@example.com', password: 'x' }, remoteAddress: '203.0.113.77' }
    t.equal((await app.inject(request)).statusCode, 400)
    const held = await dump()
    for (const text of ['secret.name', '203.0.113']) t.notMatch(held, text)
  })
})
