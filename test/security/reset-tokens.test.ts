import { createHash, randomBytes } from 'node:crypto'
import argon2 from 'argon2'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { argon2Hasher } from '../../lib/crypto/password.js'
import { memory, type FastifyUsersOptions, type UserStore } from '../../lib/index.js'
import { aPassword, baseUrl, briefly, everyRoute, outcome, postOffice, send, stranger, type PostOffice, withChecksum } from '../helpers/accounts.js'
import { ann, appWith, login } from '../helpers/app.js'
import { onEachStore } from '../helpers/stores.js'

const newAddress = 'new@example.com'

interface Scene {
  readonly app: FastifyInstance
  readonly post: PostOffice
  readonly users: UserStore
}

async function setScene (t: Test, given: Partial<FastifyUsersOptions> = {}): Promise<Scene> {
  const users = given.users ?? memory()
  const post = postOffice()
  const app = await appWith(t, { users, routes: everyRoute, confirmEmailChange: true, ...post.options, ...given })
  return { app, post, users }
}

/** A kind of token: how Ann gets one, and what it is for. */
interface Kind {
  readonly ask: (scene: Scene) => Promise<string>
  readonly url: string
  /** What goes along with the token. */
  readonly body: object
  readonly badToken: string
  /** Whether it has done what it is for. */
  readonly isDone: (users: UserStore) => Promise<boolean>
  /** What a second use of a good one is told. */
  readonly again: string
}

const kinds = {
  verify: {
    async ask ({ app, post }) {
      await send(app, stranger, 'POST', '/request-verify-token', { email: ann.email })
      return await post.token('verify-address', ann.email)
    },
    url: '/verify',
    body: {},
    badToken: '400 VERIFY_USER_BAD_TOKEN',
    isDone: async (users) => (await users.findByEmail(ann.email))?.isVerified === true,
    again: '400 VERIFY_USER_ALREADY_VERIFIED'
  },
  reset: {
    async ask ({ app, post }) {
      await send(app, stranger, 'POST', '/forgot-password', { email: ann.email })
      return await post.token('reset-password', ann.email)
    },
    url: '/reset-password',
    body: { password: aPassword('new') },
    badToken: '400 RESET_PASSWORD_BAD_TOKEN',
    isDone: async (users) => !await argon2.verify(String((await users.findByEmail(ann.email))?.passwordHash), ann.password),
    again: '400 RESET_PASSWORD_BAD_TOKEN'
  },
  'email-change': {
    async ask ({ app, post }) {
      await send(app, await login(app, 'bearer'), 'PATCH', '/users/me', { email: newAddress, currentPassword: ann.password })
      return await post.token('confirm-email-change', newAddress)
    },
    url: '/change-email',
    body: {},
    badToken: '400 CHANGE_EMAIL_BAD_TOKEN',
    isDone: async (users) => await users.findByEmail(newAddress) !== null,
    again: '400 CHANGE_EMAIL_BAD_TOKEN'
  }
} as const satisfies Record<string, Kind>

const names = Object.keys(kinds) as Array<keyof typeof kinds>

async function redeem (app: FastifyInstance, { url, body }: Kind, token: unknown): Promise<string> {
  return await outcome(app, stranger, 'POST', url, { ...body, token })
}

/** The id of Ann, who may have another address by now. */
async function annId ({ app }: Scene): Promise<string> {
  return (await app.users.list()).items[0]?.id as string
}

/** What ends a token before its time. */
const endings: Readonly<Record<string, (scene: Scene, kind: Kind) => Promise<unknown>>> = {
  'a newer one': async (scene, kind) => await kind.ask(scene),
  'another password': async ({ app }) => await send(app, await login(app, 'bearer'), 'PATCH', '/users/me', { password: aPassword('other'), currentPassword: ann.password }),
  'a password set by the app': async (scene) => await scene.app.users.update(await annId(scene), { password: aPassword('other') }),
  'no password any more': async (scene) => await scene.app.users.update(await annId(scene), { password: null }),
  'another address': async (scene) => await scene.app.users.update(await annId(scene), { email: 'other@example.com' }),
  'a verification that is taken back': async (scene) => {
    await scene.app.users.update(await annId(scene), { isVerified: true })
    await scene.app.users.update(await annId(scene), { isVerified: false })
  },
  deactivation: async (scene) => await scene.app.users.update(await annId(scene), { isActive: false }),
  'deactivation and activation': async (scene) => {
    await scene.app.users.update(await annId(scene), { isActive: false })
    await scene.app.users.update(await annId(scene), { isActive: true })
  },
  'deactivation in the database': async ({ users }) => {
    const user = await users.findByEmail(ann.email)
    if (user !== null) await users.replace({ ...user, isActive: false, version: user.version + 1 }, user.version)
  },
  deletion: async (scene) => await scene.app.users.remove(await annId(scene)),
  'deletion, and another account of the address': async (scene) => {
    await scene.app.users.remove(await annId(scene))
    await scene.app.users.create(ann)
  },
  'a reset password': async (scene) => await redeem(scene.app, { ...kinds.reset, body: { password: aPassword('other') } }, await kinds.reset.ask(scene))
}

for (const name of names) {
  const kind: Kind = kinds[name]

  t.test(`${name}: once`, async (t) => {
    const scene = await setScene(t)
    const token = await kind.ask(scene)
    t.equal(await kind.isDone(scene.users), false)
    t.equal(await redeem(scene.app, kind, token), '200')
    t.equal(await kind.isDone(scene.users), true)
    t.equal(await redeem(scene.app, { ...kind, body: { password: aPassword('second') } }, token), kind.again)
    if (name === 'reset') await login(scene.app, 'bearer', { ...ann, password: aPassword('new') })
  })

  for (const [ending, end] of Object.entries(endings)) {
    t.test(`${name}: ended by ${ending}`, async (t) => {
      const scene = await setScene(t)
      const token = await kind.ask(scene)
      await end(scene, kind)
      const before = JSON.stringify(await scene.users.list({ after: null, limit: 9, emailPart: null }))
      t.equal(await redeem(scene.app, kind, token), kind.badToken)
      t.equal(JSON.stringify(await scene.users.list({ after: null, limit: 9, emailPart: null })), before, 'nothing was written')
    })
  }

  t.test(`${name}: until its time is over`, async (t) => {
    const seconds = name === 'reset' ? 3600 : 86_400
    for (const [late, expected] of [[-1000, '200'], [0, kind.badToken], [1000, kind.badToken]] as const) {
      let now = Date.UTC(2030, 0, 1)
      const scene = await setScene(t, { clock: () => now })
      const token = await kind.ask(scene)
      now += seconds * 1000 + late
      t.equal(await redeem(scene.app, kind, token), expected, `${late} ms`)
      t.equal(await kind.isDone(scene.users), expected === '200')
    }
  })

  t.test(`${name}: nothing else will do, and all is refused in the same words`, async (t) => {
    const scene = await setScene(t)
    const { app } = scene
    const token = await kind.ask(scene)
    const send = async (json: string) => await app.inject({ method: 'POST', url: kind.url, payload: json, headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' } })
    const rest = JSON.stringify(kind.body).slice(1, -1)
    const body = (value: string): string => `{"token":${value}${rest === '' ? '' : `,${rest}`}}`
    const bad = await send(body('"x"'))
    t.equal(briefly(bad), kind.badToken)
    const same = async (json: string, what: string): Promise<void> => {
      const reply = await send(json)
      if (reply.statusCode !== 400 || reply.body !== bad.body) t.fail(`${what}: ${reply.statusCode} ${reply.body}`)
    }

    for (const value of ['""', 'null', '[]', '0', '{}', 'true', `["${token}"]`, `{"token":"${token}"}`, '{"$ne":null}', '"undefined"', '"\\u0000"', '"\\ud800"', `"${token}\\u0000"`, `" ${token}"`, `"${token} "`, `"${token}\\n"`, `"${token.toUpperCase()}"`, `"${encodeURIComponent(`${token}=`)}"`]) await same(body(value), value.slice(0, 20))
    await same(`{${rest}}`, 'none')
    for (let length = 0; length < token.length; length++) await same(body(`"${token.slice(0, length)}"`), `the first ${length}`)
    for (let start = 1; start < token.length; start += 7) await same(body(`"${token.slice(start)}"`), `all from ${start}`)
    for (let i = 0; i < token.length; i++) {
      const other = token[i] === 'A' ? 'B' : 'A'
      await same(body(`"${token.slice(0, i)}${other}${token.slice(i + 1)}"`), `another letter at ${i}`)
      const text = token.slice(0, token.lastIndexOf('.'))
      if (i < text.length) await same(body(`"${withChecksum(`${text.slice(0, i)}${other}${text.slice(i + 1)}`)}"`), `another letter at ${i}, with its checksum`)
    }
    for (const length of [512, 513, 1024, 10_000]) {
      await same(body(`"${'x'.repeat(length)}"`), `${length} letters`)
      await same(body(`"${token}${'x'.repeat(length - token.length)}"`), `${length} letters, good ones first`)
    }
    for (let i = 0; i < 20; i++) await same(body(`"${withChecksum(`${token.split('.').slice(0, 2).join('.')}.${randomBytes(32).toString('base64url')}`)}"`), 'another secret')
    const digest = (await scene.users.findById(await annId(scene)))?.pendingTokens[name]?.digest as string
    await same(body(`"${digest}"`), 'what is stored')
    await same(body(`"${withChecksum(`${token.split('.').slice(0, 2).join('.')}.${digest}`)}"`), 'a token of what is stored')

    t.equal(await kind.isDone(scene.users), false)
    for (const query of [`?token=${token}`, `?token=${token}&token=${token}`]) {
      const reply = await app.inject({ method: 'POST', url: kind.url + query, payload: kind.body, headers: { authorization: `Bearer ${token}`, 'x-token': token, 'sec-fetch-site': 'same-origin' } })
      t.equal(reply.body, bad.body, 'the query and headers do not count')
    }
    t.equal(await redeem(app, kind, token), '200', 'and it is still good')
  })
}

t.test('a token is its owner\'s', async (t) => {
  const scene = await setScene(t)
  const bob = { email: 'bob@example.com', password: aPassword('bob') }
  await scene.app.users.create(bob)
  const token = await kinds.reset.ask(scene)
  await send(scene.app, stranger, 'POST', '/forgot-password', { email: bob.email })
  const parts = token.split('.')
  const others = (await scene.post.token('reset-password', bob.email)).split('.')
  t.equal(await redeem(scene.app, kinds.reset, withChecksum([parts[0], others[1], parts[2]].join('.'))), '400 RESET_PASSWORD_BAD_TOKEN')
  t.equal(await outcome(scene.app, stranger, 'POST', '/reset-password', { token, password: aPassword('new'), email: bob.email, id: 'x' }), '200')
  await login(scene.app, 'bearer', bob)
  await login(scene.app, 'bearer', { ...ann, password: aPassword('new') })
})

t.test('a refused password uses nothing up', async (t) => {
  const scene = await setScene(t)
  const token = await kinds.reset.ask(scene)
  for (const password of ['', 'short', 'password1', 'Ann@Example.com', 'x'.repeat(129)]) {
    t.equal(await outcome(scene.app, stranger, 'POST', '/reset-password', { token, password }), '400 RESET_PASSWORD_INVALID_PASSWORD', `${password.length} characters`)
  }
  for (const password of [7, null, ['x'], 'x'.repeat(1025), undefined]) t.equal(await outcome(scene.app, stranger, 'POST', '/reset-password', { token, password }), '400 FST_ERR_VALIDATION')
  const [kind, owner] = token.split('.')
  for (const bad of ['x', withChecksum(`${kind}.${owner}.${'x'.repeat(43)}`)]) {
    t.equal(await outcome(scene.app, stranger, 'POST', '/reset-password', { token: bad, password: 'short' }), '400 RESET_PASSWORD_BAD_TOKEN', 'the rules are told only to whom the link was mailed')
  }
  await login(scene.app, 'bearer')
  t.equal(await redeem(scene.app, kinds.reset, token), '200')
})

t.test('a bad token costs no hash', async (t) => {
  const hasher = argon2Hasher({ memoryCost: 8, timeCost: 1, parallelism: 1 })
  let hashes = 0
  const scene = await setScene(t, { passwords: { hasher: { ...hasher, hash: async (password) => { hashes++; return await hasher.hash(password) } } } })
  const token = await kinds.reset.ask(scene)
  const [kind, owner] = token.split('.')
  hashes = 0
  for (const bad of ['x', withChecksum(`${kind}.${owner}.${'x'.repeat(43)}`), `${token}x`]) {
    t.equal(await outcome(scene.app, stranger, 'POST', '/reset-password', { token: bad, password: aPassword('new') }), kinds.reset.badToken)
  }
  t.equal(hashes, 0)
  t.equal(await redeem(scene.app, kinds.reset, token), '200')
  t.equal(hashes, 1)
})

t.test('a link goes to the address as it is stored, however it was typed', async (t) => {
  const scene = await setScene(t)
  await scene.app.users.create({ email: 'B\u00f6b@Example.com', password: aPassword('bob') })
  for (const typed of ['b\u00f6b@example.com', 'BO\u0308B@EXAMPLE.COM', ' B\u00f6b@Example.com']) {
    t.equal(await outcome(scene.app, stranger, 'POST', '/forgot-password', { email: typed }), '202')
    t.ok(await scene.post.mail('reset-password', 'B\u00f6b@Example.com'), typed)
  }
  t.strictSame(scene.post.mails.untaken, [])
})

t.test('a login in between, even one that makes a stronger hash, ends nothing', async (t) => {
  for (const name of names) {
    const scene = await setScene(t, { passwords: { memoryCost: 8, timeCost: 2 } })
    const weak = await argon2.hash(ann.password, { memoryCost: 8, timeCost: 1, parallelism: 1 })
    await scene.app.users.update(await annId(scene), { passwordHash: weak })
    // To ask for another address, one has to log in first.
    const token = await kinds[name].ask(scene)
    if (name !== 'email-change') t.equal((await scene.users.findByEmail(ann.email))?.passwordHash, weak)
    await login(scene.app, 'cookie')
    t.match((await scene.users.findByEmail(ann.email))?.passwordHash, /t=2/)
    t.equal(await redeem(scene.app, kinds[name], token), '200', name)
  }
})

t.test('what is mailed leads to the app, whatever a request says of its host', async (t) => {
  const post = postOffice()
  const app = await appWith(t, { routes: everyRoute, confirmEmailChange: true, ...post.options }, { server: { trustProxy: true } })
  const evil = ['host', 'x-forwarded-host', 'forwarded', 'x-original-host', 'x-forwarded-prefix', 'origin'].map((name) => ({ [name]: name === 'forwarded' ? 'host=evil.example' : name === 'origin' ? 'https://evil.example' : 'evil.example' }))
  const session = await login(app, 'bearer')

  for (const headers of [...evil, Object.assign({}, ...evil)] as Array<Record<string, string>>) {
    const ask = async (url: string, method: 'POST' | 'PATCH', payload: object) => (await app.inject({ method, url, payload, headers: { ...session.headers, ...headers, 'sec-fetch-site': 'same-origin' } })).statusCode
    t.equal(await ask('/forgot-password', 'POST', { email: ann.email }), 202)
    t.equal(await ask('/request-verify-token', 'POST', { email: ann.email }), 202)
    t.equal(await ask('/users/me', 'PATCH', { email: newAddress, currentPassword: ann.password }), 200)
    const mails = { 'reset-password': await post.mail('reset-password', ann.email), verify: await post.mail('verify-address', ann.email), 'change-email': await post.mail('confirm-email-change', newAddress) }
    for (const [path, { text }] of Object.entries(mails)) {
      const link = new URL(text)
      t.equal(`${link.origin}${link.pathname}`, `${baseUrl}/${path}`)
      t.equal(link.search, '', 'servers and their logs never see the token')
      t.match(link.hash, /^#token=fu-[a-z-]+(?:\.[\w-]+){3}$/)
    }
  }
})

t.test('the words of a mail, too: the token is in the fragment of its link alone', async (t) => {
  const post = postOffice()
  const { mailer } = post.options.mails
  const app = await appWith(t, { routes: everyRoute, mails: { mailer, baseUrl } })
  await send(app, stranger, 'POST', '/forgot-password', { email: ann.email })
  const { subject, text, html } = await post.mails.take(({ to }) => to === ann.email, 'mail')
  t.notMatch(subject, /fu-reset/)
  for (const words of [text, html as string]) {
    t.match(words, `${baseUrl}/reset-password#token=fu-reset.`)
    t.equal(words.split('fu-reset.').length, words.split('/reset-password#token=fu-reset.').length)
  }
})

onEachStore(t, async (t, open) => {
  t.test('a dump of the database holds no token', async (t) => {
    const { users, dump } = await open(t)
    const scene = await setScene(t, { users })
    const tokens = await Promise.all(names.map(async (name) => await kinds[name].ask(scene)))
    const text = await dump()
    t.match(text, ann.email)
    for (const token of tokens) {
      const [kind, , secret] = token.split('.') as [string, string, string]
      const raw = Buffer.from(secret, 'base64url')
      for (const trace of [token, secret, kind, raw.toString('hex'), raw.toString('base64')]) t.notOk(text.includes(trace))
      t.ok(text.includes(createHash('sha256').update(token).digest('base64url')), 'only its SHA-256')
    }
    t.equal(await redeem(scene.app, kinds.reset, tokens[1]), '200')
    // Of the rows, for a file may keep what was overwritten.
    t.strictSame((await users.list({ after: null, limit: 9, emailPart: null })).map(({ pendingTokens }) => pendingTokens), [{}], 'and that goes when it is used, with all others')
  })
})
