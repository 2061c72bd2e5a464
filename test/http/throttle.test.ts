import Fastify, { type FastifyInstance, type InjectOptions, type LightMyRequestResponse } from 'fastify'
import swagger from '@fastify/swagger'
import t from 'tap'
import fastifyUsers, { bearer, cookie, jwt, memory, memoryRateLimits, opaque, type FastifyUsersOptions, type RateLimitStore } from '../../lib/index.js'
import { sweepOnce } from '../../lib/accounts/sweep.js'
import { startAccounts } from '../../lib/start-accounts.js'
import { resolveOptions } from '../../lib/options.js'
import { aPassword, briefly, everyRoute, outcome, postOffice, send, stranger } from '../helpers/accounts.js'
import { ann, appWith as anyAppWith, login, options as anyOptions, refusal, sameOrigin, secret } from '../helpers/app.js'
import { stoppedClock } from '../helpers/sessions.js'

// As by default.
const options: typeof anyOptions = (given) => anyOptions({ throttle: undefined, ...given })
const appWith: typeof anyAppWith = (t, given, ...rest) => anyAppWith(t, { throttle: undefined, ...given }, ...rest)

const tooMany = '429 TOO_MANY_REQUESTS'
const wrong = { email: ann.email, password: aPassword('wrong') }

/** Sends a request from somewhere. */
async function from (app: FastifyInstance, remoteAddress: string, url: string, payload: object, headers: Record<string, string> = {}): Promise<string> {
  return briefly(await app.inject({ method: 'POST', url, payload, remoteAddress, headers: { ...sameOrigin, ...headers } }))
}

/** The same request over and over, and what becomes of each. */
async function times (count: number, ask: (index: number) => Promise<string>): Promise<string[]> {
  const answers: string[] = []
  for (let index = 0; index < count; index++) answers.push(await ask(index))
  return answers
}

t.test('options that are wrong do not start, and each is named', async (t) => {
  const cases: Array<[unknown, string]> = [
    [true, 'throttle must be an object'],
    [null, 'throttle must be an object'],
    [{ logon: {} }, 'throttle.logon is no option: did you mean login?'],
    [{ login: true }, 'throttle.login must be an object, such as { perClient: { attempts: 20 } }, or false'],
    [{ login: { perUser: {} } }, 'throttle.login.perUser is no option: there are perClient, perAccount, inARow'],
    [{ verify: { perAccount: {} } }, 'throttle.verify.perAccount is no option: there are perClient'],
    [{ currentPassword: { perClient: {} } }, 'throttle.currentPassword.perClient is no option: there are perAccount, inARow'],
    [{ login: { perClient: 5 } }, 'throttle.login.perClient must be an object, such as { attempts: 10, seconds: 900 }, or false'],
    [{ login: { perClient: { max: 5 } } }, 'throttle.login.perClient.max is no option: there are attempts, seconds'],
    ...[0, -1, 1.5, '5', null, 1_000_001].map((attempts): [unknown, string] => [{ refresh: { perClient: { attempts } } }, 'throttle.refresh.perClient.attempts must be a whole number from 1 to 1000000']),
    [{ login: { inARow: { attempts: 101 } } }, 'throttle.login.inARow.attempts must be a whole number from 1 to 100'],
    ...[0, 0.5, '900', 315_360_001].map((seconds): [unknown, string] => [{ login: { perAccount: { seconds } } }, 'throttle.login.perAccount.seconds must be a whole number of seconds from 1 to 315360000 (10 years)'])
  ]
  for (const [throttle, complaint] of cases) t.match(await refusal({ throttle }), `FST_USERS_BAD_OPTIONS: options.${complaint}`, JSON.stringify(throttle))
  for (const limits of [null, {}, 'redis', { ...memoryRateLimits(), purge: undefined }]) t.match(await refusal({ limits }), 'options.limits must be a store of limits, such as redisRateLimits(client) of fastify-users/redis')
  for (const throttle of [false, {}, { login: false }, { login: undefined }, { login: { perClient: undefined, perAccount: false } }, { login: { inARow: { attempts: 100, seconds: 315_360_000 } } }]) t.equal(await refusal({ throttle }), 'it starts')
})

t.test('a refusal tells when to come back, and the same of everybody', async (t) => {
  const clock = stoppedClock()
  const app = await appWith(t, { clock: clock.now })
  for (const email of [ann.email, 'unknown@example.com']) {
    const ask = (): Promise<LightMyRequestResponse> => app.inject({ method: 'POST', url: '/login/bearer', payload: { ...wrong, email } })
    for (let count = 0; count < 10; count++) t.equal(briefly(await ask()), '400 LOGIN_BAD_CREDENTIALS')
    const reply = await ask()
    t.strictSame(reply.json(), { statusCode: 429, code: 'TOO_MANY_REQUESTS', error: 'Too Many Requests', message: 'Too many attempts. Try again later.' })
    t.match(reply.headers, { 'retry-after': '90', 'cache-control': 'no-store' })
  }
  clock.forward(89)
  const reply = await app.inject({ method: 'POST', url: '/login/bearer', payload: wrong })
  t.equal(reply.headers['retry-after'], '1')
  clock.forward(1)
  t.equal(await from(app, '127.0.0.1', '/login/bearer', ann), '200')
})

t.test('who counts as one client', async (t) => {
  const one: ReadonlyArray<readonly [string, string]> = [
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1', '::ffff:192.0.2.1'],
    ['192.0.2.1', '::FFFF:c000:201'],
    ['192.0.2.1', '0:0:0:0:0:ffff:192.0.2.1'],
    ['192.0.2.1', '64:ff9b::192.0.2.1'],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['2001:db8:1:2::1', '2001:0DB8:0001:0002:0:0:0:9'],
    ['2001:db8::1', '2001:db8:0:0:1::'],
    ['::1', '::2'],
    ['fe80::1%eth0', 'fe80::2'],
    ['', 'no address'],
    ['192.0.2.1:4711', '192.0.2.1:4712'],
    ['192.0.2.1', '192.0.2.1:4711'],
    ['192.0.2.1', '[::ffff:192.0.2.1]:443'],
    ['[2001:db8:1:2::1]:443', '2001:db8:1:2::9'],
    ['[2001:db8:1:2::1]', '[2001:db8:1:2::1]:65535'],
    ['2001:db8:1:2::1:443', '2001:db8:1:2::1:444'],
    ['fe80::1', '[fe80::1%eth0]:443'],
    ['', '1.2.3'],
    ...['192.0.2.1:', '192.0.2.1:x', '192.0.2.1:123456', '192.0.2.1:1:2', '[192.0.2.1', '[2001:db8::1]x', '[2001:db8::1', '2001:db8::1]:443', '2001:db8:1:2:3:4:5:6:443', '[[::1]]:443', ':443', '[]:443', ' 192.0.2.1', '192.0.2.1, 192.0.2.2', '"192.0.2.1"'].map((odd) => ['no address', odd] as const)
  ]
  const two: ReadonlyArray<readonly [string, string]> = [
    ['192.0.2.1', '192.0.2.2'],
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['2001:db8:1:2::', '2001:db8:1::2'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2'],
    ['64:ff9b::192.0.2.1', '64:ff9b::192.0.2.2'],
    ['64:ff9b:0:0:0:1:192.0.2.1', '192.0.2.1'],
    ['::fffe:192.0.2.1', '192.0.2.1'],
    ['', '192.0.2.1'],
    ['192.0.2.1:443', '192.0.2.2:443'],
    ['[2001:db8:1:2::1]:443', '[2001:db8:1:3::1]:443']
  ]
  const ask = async (pair: readonly [string, string]): Promise<string[]> => {
    const app = await appWith(t, { throttle: { login: { perClient: { attempts: 1 } } } }, { seed: false, before: (app) => { app.addHook('onRequest', async ({ raw }) => { Object.defineProperty(raw.socket, 'remoteAddress', { value: raw.headers['x-address'] === '' ? undefined : raw.headers['x-address'] }) }) } })
    return [await from(app, '', '/login/bearer', wrong, { 'x-address': pair[0] }), await from(app, '', '/login/bearer', { ...wrong, email: 'b@example.com' }, { 'x-address': pair[1] })]
  }
  for (const pair of one) t.strictSame(await ask(pair), ['400 LOGIN_BAD_CREDENTIALS', tooMany], pair.join(' = '))
  for (const pair of two) t.strictSame(await ask(pair), ['400 LOGIN_BAD_CREDENTIALS', '400 LOGIN_BAD_CREDENTIALS'], pair.join(' ≠ '))
})

t.test('a socket without an address logs in, too', async (t) => {
  const app = await appWith(t, { strategy: opaque(), routes: { sessions: true } }, { before: (app) => { app.addHook('onRequest', async ({ raw }) => { Object.defineProperty(raw.socket, 'remoteAddress', { value: undefined }) }) } })
  const credential = await login(app, 'bearer')
  t.match((await send(app, credential, 'GET', '/sessions')).json(), { items: [{ ip: null }] })
})

t.test('what a header says counts only as far as trustProxy goes', async (t) => {
  const throttle = { login: { perClient: { attempts: 3 } } }
  const headers = (index: number): Record<string, string> => ({ 'x-forwarded-for': `203.0.113.${index}`, 'x-real-ip': `203.0.113.${index}`, forwarded: `for=203.0.113.${index}`, 'cf-connecting-ip': `203.0.113.${index}` })
  const ask = (app: FastifyInstance, given: (index: number) => Record<string, string>): Promise<string[]> => times(4, (index) => from(app, '192.0.2.1', '/login/bearer', { ...wrong, email: `${index}@example.com` }, given(index)))

  const direct = await appWith(t, { throttle })
  t.equal((await ask(direct, headers))[3], tooMany, 'nobody is trusted')
  const behind = await appWith(t, { throttle }, { server: { trustProxy: '192.0.2.1' } })
  t.equal((await ask(behind, headers))[3], '400 LOGIN_BAD_CREDENTIALS', 'the proxy tells clients apart')
  const forged = (index: number): Record<string, string> => ({ 'x-forwarded-for': `203.0.113.${index}, 198.51.100.7` })
  t.equal((await ask(behind, forged))[3], tooMany, 'what the client put in front of it does not count')
  const withPort = (client: number) => (index: number): Record<string, string> => ({ 'x-forwarded-for': `198.51.100.${client}:${50_000 + index}` })
  t.equal((await ask(behind, withPort(1)))[3], tooMany, 'a port makes nobody another client')
  t.equal((await ask(behind, withPort(2)))[2], '400 LOGIN_BAD_CREDENTIALS', 'nor all of them one')
})

t.test('each route counts per client, under a number of its own', async (t) => {
  const one = { perClient: { attempts: 2, seconds: 60 } }
  const names = ['login', 'register', 'forgotPassword', 'requestVerify', 'verify', 'resetPassword', 'changeEmail', 'refresh'] as const
  const clock = stoppedClock()
  const post = postOffice()
  const app = await appWith(t, { clock: clock.now, routes: everyRoute, confirmEmailChange: true, strategy: opaque(), backends: [bearer({ refresh: true }), cookie({ refresh: true })], throttle: Object.fromEntries(names.map((name) => [name, one])), ...post.options })
  const asks: Readonly<Record<string, readonly [url: string, payload: (index: number) => object, answer: string]>> = {
    login: ['/login/bearer', (index) => ({ ...wrong, email: `${index}@example.com` }), '400 LOGIN_BAD_CREDENTIALS'],
    register: ['/register', (index) => ({ email: `new${index}@example.com`, password: aPassword(index) }), '201'],
    forgotPassword: ['/forgot-password', (index) => ({ email: `${index}@example.com` }), '202'],
    requestVerify: ['/request-verify-token', (index) => ({ email: `${index}@example.com` }), '202'],
    verify: ['/verify', () => ({ token: 'x' }), '400 VERIFY_USER_BAD_TOKEN'],
    resetPassword: ['/reset-password', () => ({ token: 'x', password: aPassword('new') }), '400 RESET_PASSWORD_BAD_TOKEN'],
    changeEmail: ['/change-email', () => ({ token: 'x' }), '400 CHANGE_EMAIL_BAD_TOKEN'],
    refresh: ['/refresh/bearer', () => ({ refresh_token: 'x' }), '401 UNAUTHORIZED']
  }
  for (const [name, [url, payload, answer]] of Object.entries(asks)) {
    t.strictSame(await times(3, (index) => from(app, '192.0.2.1', url, payload(index))), [answer, answer, tooMany], name)
    t.equal(await from(app, '192.0.2.2', url, payload(3)), answer, `${name}, by another client`)
  }
  const refusals = post.events.untaken.filter(({ reason }) => reason === 'TOO_MANY_REQUESTS' || reason === 'too-many-attempts')
  t.strictSame(refusals.map(({ type, outcome, userId, ip }) => [type, outcome, userId, ip]), ['login', 'register', 'forgot-password', 'request-verify', 'verify', 'reset-password', 'confirm-email-change', 'refresh'].map((type) => [type, 'failure', null, '192.0.2.1']))

  clock.forward(30)
  for (const [name, [url, payload, answer]] of Object.entries(asks)) t.strictSame(await times(2, (index) => from(app, '192.0.2.1', url, payload(10 + index))), [answer, tooMany], `${name}: one has come back`)
})

t.test('what succeeds is not counted, where what fails is', async (t) => {
  const one = { perClient: { attempts: 1 }, perAccount: { attempts: 1 } }
  const client = { perClient: { attempts: 1 } }
  const post = postOffice()
  const app = await appWith(t, { routes: everyRoute, confirmEmailChange: true, strategy: opaque(), backends: [bearer({ refresh: true })], throttle: { login: one, verify: client, resetPassword: client, changeEmail: client, refresh: client, requestVerify: { perAccount: { attempts: 9 } }, forgotPassword: { perAccount: { attempts: 9 } } }, ...post.options })
  let { email, password } = ann as { email: string, password: string }
  for (let round = 0; round < 3; round++) {
    t.equal(await from(app, '192.0.2.1', '/request-verify-token', { email }), '202')
    const verified = round === 0 ? '200' : '400 VERIFY_USER_ALREADY_VERIFIED'
    if (round === 0) t.equal(await from(app, '192.0.2.1', '/verify', { token: await post.token('verify-address', email) }), verified)
    t.equal(await from(app, '192.0.2.1', '/forgot-password', { email }), '202')
    password = aPassword(round)
    t.equal(await from(app, '192.0.2.1', '/reset-password', { token: await post.token('reset-password', email), password }), '200')
    const reply = await app.inject({ method: 'POST', url: '/login/bearer', payload: { email, password }, remoteAddress: '192.0.2.1' })
    t.equal(reply.statusCode, 200)
    const tokens = reply.json<{ access_token: string, refresh_token: string }>()
    const renewed = await app.inject({ method: 'POST', url: '/refresh/bearer', payload: { refresh_token: tokens.refresh_token }, remoteAddress: '192.0.2.1' })
    t.equal(renewed.statusCode, 200)
    const bearerToken = { headers: { authorization: `Bearer ${renewed.json<{ access_token: string }>().access_token}` } }
    t.equal(await outcome(app, bearerToken, 'PATCH', '/users/me', { email: `ann${round}@example.com`, currentPassword: password }), '200')
    t.equal(await from(app, '192.0.2.1', '/change-email', { token: await post.token('confirm-email-change', `ann${round}@example.com`) }), '200')
    email = `ann${round}@example.com`
  }
})

t.test('to ask for tokens without one is no attempt', async (t) => {
  const app = await appWith(t, { strategy: opaque(), backends: [cookie({ refresh: true })], throttle: { refresh: { perClient: { attempts: 1 } } } })
  t.strictSame(await times(3, () => from(app, '192.0.2.1', '/refresh/cookie', {})), ['401 UNAUTHORIZED', '401 UNAUTHORIZED', '401 UNAUTHORIZED'])
  const cookies = { cookies: { fastifyusersauth_refresh: 'x' }, headers: sameOrigin }
  t.strictSame(await times(2, () => outcome(app, cookies, 'POST', '/refresh/cookie')), ['401 UNAUTHORIZED', tooMany])
})

t.test('each limit can be switched off', async (t) => {
  const asked = async (throttle: FastifyUsersOptions['throttle']): Promise<string[]> => {
    const app = await appWith(t, { throttle })
    return await times(101, () => from(app, '192.0.2.1', '/login/bearer', wrong))
  }
  t.equal((await asked(false)).at(-1), '400 LOGIN_BAD_CREDENTIALS')
  t.equal((await asked({ login: false })).at(-1), '400 LOGIN_BAD_CREDENTIALS')
  t.equal((await asked({ login: { perAccount: false, inARow: false } })).indexOf(tooMany), 100, 'the client alone')
  t.equal((await asked({ login: { perAccount: false, perClient: false } })).indexOf(tooMany), 100, 'in a row')
  t.equal((await asked({ login: { perClient: false } })).indexOf(tooMany), 10, 'the account')
  t.equal((await asked({ login: { perAccount: { attempts: 4 } }, refresh: false })).indexOf(tooMany), 4)
})

t.test('mails: so many to one account, and whoever asks is told nothing of it', async (t) => {
  const clock = stoppedClock()
  const post = postOffice()
  const app = await appWith(t, { clock: clock.now, routes: everyRoute, concealAccounts: true, ...post.options })
  const asks = [
    ['/forgot-password', { email: ann.email }, 'forgot-password', 'reset-password', 3],
    ['/request-verify-token', { email: ann.email }, 'request-verify', 'verify-address', 5],
    ['/register', { email: ann.email, password: aPassword('other') }, 'register', 'registration-attempt', 3]
  ] as const
  for (const [url, payload, type, kind, count] of asks) {
    for (let sent = 0; sent < count; sent++) {
      t.equal(await from(app, `192.0.2.${sent}`, url, payload), '202')
      await post.mail(kind, ann.email)
    }
    await post.events.take((event) => event.type === type, type)
    for (const email of [ann.email, ann.email.toUpperCase()]) {
      t.equal(await from(app, '192.0.2.77', url, { ...payload, email }), '202')
      const refused = await post.events.take((event) => event.type === type && event.reason === 'too-many-mails', 'refusal')
      t.match(refused, { outcome: 'failure', userId: (await app.users.getByEmail(ann.email))?.id })
    }
    t.strictSame(post.mails.untaken, [])
  }
  clock.forward(3600)
  t.equal(await from(app, '192.0.2.77', '/forgot-password', { email: ann.email }), '202')
  await post.mail('reset-password', ann.email)
})

t.test('mails: an account that is removed and registered anew is sent no more of them', async (t) => {
  for (const concealAccounts of [false, true]) {
    const post = postOffice()
    const app = await appWith(t, { routes: everyRoute, concealAccounts, ...post.options })
    const victim = { email: 'victim@example.com', password: aPassword('own') }
    let credential: InjectOptions = {}
    const registered = async (index: number): Promise<void> => {
      t.equal(await from(app, `192.0.2.${index}`, '/register', victim), concealAccounts ? '202' : '201')
      await post.events.take((event) => event.type === 'register', 'an account')
      credential = await login(app, 'bearer', victim)
    }
    const removed = async (): Promise<void> => { t.equal(await outcome(app, credential, 'DELETE', '/users/me', { currentPassword: victim.password }), '204') }
    for (let index = 0; index < 7; index++) {
      await registered(index)
      await post.events.take((event) => event.type === 'request-verify', 'a mail, or none')
      t.equal(await from(app, `192.0.2.${index}`, '/forgot-password', { email: victim.email.toUpperCase() }), '202')
      await post.events.take((event) => event.type === 'forgot-password', 'a mail, or none')
      await removed()
    }

    const change = async (index: number, changes: object): Promise<string> => {
      await registered(index)
      const answer = await outcome(app, credential, 'PATCH', '/users/me', { ...changes, currentPassword: victim.password })
      if (answer === tooMany) await removed()
      else await app.users.remove((await app.users.list()).items.at(-1)?.id as string)
      return answer
    }
    t.strictSame(await times(7, (index) => change(index, { email: `away${index}@example.com` })), [...new Array<string>(5).fill('200'), tooMany, tooMany])
    t.strictSame(await times(12, (index) => change(index, { password: aPassword('next') })), [...new Array<string>(10).fill('200'), tooMany, tooMany])

    await app.close()
    const mails: Record<string, number> = {}
    for (const { to, subject } of post.mails.untaken) if (to === victim.email) mails[subject] = (mails[subject] ?? 0) + 1
    t.strictSame(mails, { 'verify-address': 5, 'reset-password': 3, 'email-changed': 5, 'password-changed': 10 })
  }
})

t.test('who names an address as their new one keeps nobody from leaving it', async (t) => {
  const app = await appWith(t, { routes: everyRoute })
  const mallory = { email: 'mallory@example.com', password: aPassword('mallory') }
  await app.users.create(mallory)
  const credential = await login(app, 'bearer', mallory)
  t.equal((await times(6, () => outcome(app, credential, 'PATCH', '/users/me', { email: ann.email, currentPassword: mallory.password }))).at(-1), tooMany)
  t.equal(await outcome(app, await login(app, 'bearer'), 'PATCH', '/users/me', { email: 'ann.new@example.com', currentPassword: ann.password }), '200')
})

t.test('an account that is locked costs nobody else behind the same address', async (t) => {
  const clock = stoppedClock()
  const app = await appWith(t, { clock: clock.now, throttle: { login: { perClient: { attempts: 12 } } } })
  const bob = { email: 'bob@example.com', password: aPassword('bob') }
  await app.users.create(bob)
  const answers = await times(50, () => from(app, '192.0.2.1', '/login/bearer', wrong))
  t.strictSame(answers, [...new Array<string>(10).fill('400 LOGIN_BAD_CREDENTIALS'), ...new Array<string>(40).fill(tooMany)])
  t.equal(await from(app, '192.0.2.1', '/login/bearer', bob), '200', 'the ten passwords that were looked at count, and no more')
  t.strictSame(await times(3, () => from(app, '192.0.2.1', '/login/bearer', { ...bob, password: 'wrong' })), ['400 LOGIN_BAD_CREDENTIALS', '400 LOGIN_BAD_CREDENTIALS', tooMany], 'which are counted as ever')
  clock.forward(90)
  t.equal(await from(app, '192.0.2.2', '/login/bearer', ann), '200', 'nor does it lock the account for longer')
})

t.test('what is refused by one limit counts against none', async (t) => {
  const app = await appWith(t, { throttle: { login: { perAccount: { attempts: 3, seconds: 900 }, inARow: { attempts: 2 } } } })
  t.strictSame(await times(4, () => from(app, '192.0.2.1', '/login/bearer', wrong)), ['400 LOGIN_BAD_CREDENTIALS', '400 LOGIN_BAD_CREDENTIALS', tooMany, tooMany])
  const reply = await app.inject({ method: 'POST', url: '/login/bearer', payload: wrong })
  t.ok(Number(reply.headers['retry-after']) > 1_000_000, 'it is told of the one that has no room')
})

t.test('a flood of links voids none of those that were mailed', async (t) => {
  const post = postOffice()
  const app = await appWith(t, { routes: everyRoute, throttle: { forgotPassword: { perAccount: { attempts: 1 } }, requestVerify: { perAccount: { attempts: 1 } } }, ...post.options })
  const tokens: string[] = []
  for (const [url, kind, type] of [['/forgot-password', 'reset-password', 'forgot-password'], ['/request-verify-token', 'verify-address', 'request-verify']] as const) {
    t.equal(await from(app, '192.0.2.1', url, { email: ann.email }), '202')
    tokens.push(await post.token(kind, ann.email))
    for (let index = 0; index < 20; index++) {
      t.equal(await from(app, `198.51.100.${index}`, url, { email: ann.email }), '202')
      await post.events.take((event) => event.type === type && event.reason === 'too-many-mails', 'refusal')
    }
  }
  t.equal(await from(app, '192.0.2.1', '/verify', { token: tokens[1] }), '200')
  t.equal(await from(app, '192.0.2.1', '/reset-password', { token: tokens[0], password: aPassword('new') }), '200')
})

t.test('links to new addresses: so many per account, and then nothing of the change is done', async (t) => {
  const post = postOffice()
  const app = await appWith(t, { routes: everyRoute, confirmEmailChange: true, fields: { type: 'object', properties: { nickname: { type: 'string' } } }, ...post.options })
  const credential = await login(app, 'bearer')
  const change = (index: number): Promise<string> => outcome(app, credential, 'PATCH', '/users/me', { email: `victim${index}@example.com`, nickname: `${index}`, currentPassword: ann.password })
  t.strictSame(await times(6, change), ['200', '200', '200', '200', '200', tooMany])
  t.match(await app.users.getByEmail(ann.email), { nickname: '4' })
  t.match(await post.events.take(({ reason }) => reason === 'TOO_MANY_REQUESTS', 'refusal'), { type: 'request-email-change', outcome: 'failure' })
})

t.test('mails about changes: whoever has an account, or many, floods nobody with them', async (t) => {
  for (const confirmEmailChange of [false, true]) {
    const clock = stoppedClock()
    const post = postOffice()
    const app = await appWith(t, { clock: clock.now, strategy: opaque(), routes: everyRoute, confirmEmailChange, ...post.options })
    const patch = async (who: { email: string, password: string }, changes: object): Promise<string> =>
      outcome(app, await login(app, 'bearer', who), 'PATCH', '/users/me', { ...changes, currentPassword: who.password })

    let password: string = ann.password
    const changePassword = async (index: number): Promise<string> => {
      const answer = await patch({ ...ann, password }, { password: aPassword(index) })
      if (answer === '200') password = aPassword(index)
      return answer
    }
    t.strictSame(await times(12, changePassword), [...new Array<string>(10).fill('200'), tooMany, tooMany])
    t.match(await post.events.take(({ reason }) => reason === 'TOO_MANY_REQUESTS', 'refusal'), { type: 'update', outcome: 'failure' })
    clock.forward(360)
    t.equal(await changePassword(12), '200')

    const toVictim = async (index: number): Promise<string> => {
      const who = { email: `own${index}@example.com`, password: aPassword(index) }
      await app.users.create(who)
      const answer = await patch(who, { email: index % 2 === 0 ? 'victim@example.com' : 'Victim@example.com' })
      if (answer === '200' && !confirmEmailChange) t.equal(await patch({ ...who, email: 'victim@example.com' }, { email: `away${index}@example.com` }), '200')
      return answer
    }
    t.strictSame(await times(7, toVictim), ['200', '200', '200', '200', '200', tooMany, tooMany])
    await app.close()
    t.ok(post.mails.untaken.filter(({ to }) => to.toLowerCase() === 'victim@example.com').length <= 10)
  }
})

t.test('who has an account does not find out by it who else has, over and over', async (t) => {
  const app = await appWith(t, { routes: everyRoute })
  for (let index = 0; index < 6; index++) await app.users.create({ email: `other${index}@example.com`, password: aPassword(index) })
  const credential = await login(app, 'bearer')
  const taken = '400 UPDATE_USER_EMAIL_ALREADY_EXISTS'
  t.strictSame(await times(6, (index) => outcome(app, credential, 'PATCH', '/users/me', { email: `other${index}@example.com`, currentPassword: ann.password })), [taken, taken, taken, taken, taken, tooMany])
})

t.test('a store of limits that is down: 503, nothing is tried, and it recovers', async (t) => {
  const inner = memoryRateLimits()
  let how: 'works' | 'throws' | 'rejects' | 'hangs' = 'works'
  const take: RateLimitStore['take'] = (...given) => {
    if (how === 'works') return inner.take(...given)
    if (how === 'hangs') return new Promise(() => {})
    const error = Object.assign(new Error('the driver: secret'), { statusCode: 401 })
    if (how === 'throws') throw error
    return Promise.reject(error)
  }
  const limits: RateLimitStore = { ...inner, take }
  const post = postOffice()
  let verified = 0
  const app = await appWith(t, { limits, storeTimeoutMs: 50, routes: everyRoute, confirmEmailChange: true, strategy: opaque(), backends: [bearer({ refresh: true })], passwords: { hasher: { hash: async (password) => password, verify: async (hash, password) => { verified++; return hash === password }, needsRehash: () => false } }, ...post.options })
  // What waits for a store alone keeps no process alive.
  await app.listen({ port: 0, host: '127.0.0.1' })
  const credential = await login(app, 'bearer')
  verified = 0
  const asks: ReadonlyArray<readonly [InjectOptions, 'POST' | 'PATCH' | 'DELETE', string, object]> = [
    [stranger, 'POST', '/login/bearer', ann],
    [stranger, 'POST', '/register', { email: 'new@example.com', password: aPassword('new') }],
    [stranger, 'POST', '/forgot-password', { email: ann.email }],
    [stranger, 'POST', '/request-verify-token', { email: ann.email }],
    [stranger, 'POST', '/verify', { token: 'x' }],
    [stranger, 'POST', '/reset-password', { token: 'x', password: aPassword('new') }],
    [stranger, 'POST', '/change-email', { token: 'x' }],
    [stranger, 'POST', '/refresh/bearer', { refresh_token: 'x' }],
    [credential, 'POST', '/confirm', { password: ann.password }],
    [credential, 'PATCH', '/users/me', { password: aPassword('new'), currentPassword: ann.password }],
    [credential, 'DELETE', '/users/me', { currentPassword: ann.password }]
  ]
  for (how of ['throws', 'rejects', 'hangs'] as const) {
    for (const ask of asks) {
      const reply = await send(app, ...ask)
      t.equal(briefly(reply), '503 FST_USERS_UNAVAILABLE', `${ask[2]}: ${how}`)
      t.equal(reply.headers['retry-after'], '5')
      t.notMatch(reply.body, 'secret')
    }
    await t.rejects(app.users.authenticate(ann.email, ann.password), { code: 'FST_USERS_UNAVAILABLE' })
  }
  t.equal(verified, 0)
  t.strictSame(post.mails.untaken, [])
  how = 'works'
  t.equal(await outcome(app, stranger, 'POST', '/login/bearer', ann), '200')
})

t.test('what is neither a yes nor a time is no answer', async (t) => {
  for (const answer of [undefined, true, false, '', '5', NaN, 1.5, {}, []]) {
    const app = await appWith(t, { limits: { ...memoryRateLimits(), take: () => answer as unknown as null } })
    t.equal(await from(app, '192.0.2.1', '/login/bearer', ann), '503 FST_USERS_UNAVAILABLE', String(answer))
  }
})

t.test('what cannot be taken back is logged, and changes nothing', async (t) => {
  const lines: string[] = []
  const fail = (): never => { throw new Error('full disk') }
  const post = postOffice()
  const app = await appWith(t, { limits: { ...memoryRateLimits(), giveBack: fail, clear: fail }, routes: everyRoute, ...post.options }, { server: { logger: { level: 'error', stream: { write: (line: string) => { lines.push(line) } } } } })
  t.equal(await outcome(app, stranger, 'POST', '/login/bearer', ann), '200')
  t.match(lines.join(''), /an attempt could not be taken back, and counts on/)
  await outcome(app, stranger, 'POST', '/forgot-password', { email: ann.email })
  t.equal(await outcome(app, stranger, 'POST', '/reset-password', { token: await post.token('reset-password', ann.email), password: aPassword('new') }), '200')
  t.match(lines.join(''), /a password was set, and what was guessed at the old one counts on/)
  t.notMatch(lines.join(''), ann.email)
  await t.rejects(app.users.unlock((await app.users.getByEmail(ann.email))?.id as string), { code: 'FST_USERS_UNAVAILABLE' })
})

t.test('what could not be decided is given back', async (t) => {
  const users = memory()
  let down = true
  const app = await appWith(t, { users: { ...users, findByEmail: (key) => { if (down) throw new Error('down'); return users.findByEmail(key) } }, throttle: { login: { perClient: { attempts: 1 }, perAccount: { attempts: 1 }, inARow: { attempts: 1 } } } })
  t.strictSame(await times(5, () => from(app, '192.0.2.1', '/login/bearer', ann)), new Array(5).fill('503 FST_USERS_UNAVAILABLE'))
  down = false
  t.equal(await from(app, '192.0.2.1', '/login/bearer', wrong), '400 LOGIN_BAD_CREDENTIALS')
  t.equal(await from(app, '192.0.2.2', '/login/bearer', ann), tooMany)
})

t.test('what a store of limits could count in part is given back', async (t) => {
  const inner = memoryRateLimits()
  let [calls, worksUntil] = [0, 1]
  const take: RateLimitStore['take'] = (...given) => {
    if (calls++ >= worksUntil) throw new Error('down')
    return inner.take(...given)
  }
  const app = await appWith(t, { limits: { ...inner, take }, throttle: { login: { perClient: { attempts: 1 }, perAccount: { attempts: 1 } } } })
  for (const until of [1, 2, 1, 2]) {
    [calls, worksUntil] = [0, until]
    t.equal(await from(app, '192.0.2.1', '/login/bearer', ann), '503 FST_USERS_UNAVAILABLE')
  }
  [calls, worksUntil] = [0, Infinity]
  t.equal(await from(app, '192.0.2.1', '/login/bearer', ann), '200')
})

t.test('the application is told, and may answer by itself', async (t) => {
  const post = postOffice()
  const told: unknown[] = []
  const app = await appWith(t, { ...post.options, throttle: { login: { perAccount: { attempts: 1 } } }, hooks: { onLoginFailed: (failure, request, reply) => { told.push(failure); return request.headers.accept === 'text/html' ? reply.redirect('/locked') : undefined } } })
  t.equal(await from(app, '192.0.2.1', '/login/bearer', wrong), '400 LOGIN_BAD_CREDENTIALS')
  t.equal(await from(app, '192.0.2.1', '/login/bearer', wrong), tooMany)
  t.same(told[1], { reason: 'too-many-attempts', user: null, backend: 'bearer' })
  t.equal(await from(app, '192.0.2.1', '/login/cookie', wrong, { accept: 'text/html' }), '302')
  t.strictSame(post.events.untaken.filter(({ type }) => type === 'login').map(({ reason, userId }) => [reason, userId === null]), [['wrong-password', false], ['too-many-attempts', true], ['too-many-attempts', true]])
})

t.test('app.users: authenticate counts at the account, unlock and a new password forget', async (t) => {
  const post = postOffice()
  const app = await appWith(t, post.options)
  const id = (await app.users.getByEmail(ann.email))?.id as string
  const lock = async (): Promise<void> => {
    for (let count = 0; count < 10; count++) t.equal(await app.users.authenticate(ann.email, 'wrong'), null)
    await t.rejects(app.users.authenticate(ann.email, ann.password), { code: 'TOO_MANY_REQUESTS', statusCode: 429, headers: { 'retry-after': '90' } })
    t.equal(await from(app, '192.0.2.1', '/login/bearer', ann), tooMany)
  }
  await lock()
  t.equal(await app.users.unlock(id), true)
  t.match(await post.event('unlock'), { userId: id, outcome: 'success' })
  t.match(await app.users.authenticate(ann.email, ann.password), { id })
  await lock()
  await app.users.update(id, { password: ann.password })
  t.match(await app.users.authenticate(ann.email, ann.password), { id })
  t.equal(await app.users.unlock('nobody'), false)
  t.equal(await app.users.authenticate(5 as unknown as string, 'x'), null)
})

t.test('app.users: authenticate with a request counts at its client, too', async (t) => {
  const app = await appWith(t, { throttle: { login: { perClient: { attempts: 2 } } } }, {
    routes: (app) => { app.post<{ Body: typeof ann }>('/own', async (request) => ({ user: await app.users.authenticate(request.body.email, request.body.password, request) })) }
  })
  const ask = (index: number): Promise<string> => from(app, '192.0.2.1', '/own', { ...wrong, email: `${index}@example.com` })
  t.equal(await from(app, '192.0.2.1', '/own', ann), '200')
  t.strictSame(await times(3, ask), ['200', '200', tooMany])
  t.equal(await from(app, '192.0.2.1', '/login/bearer', ann), tooMany, 'whichever way it comes')
  t.equal(await from(app, '192.0.2.2', '/own', ann), '200')
  t.match(await app.users.authenticate(ann.email, ann.password), { email: ann.email }, 'without a request, the account alone counts')
})

t.test('a password that is not sent is no guess', async (t) => {
  const app = await appWith(t, { routes: everyRoute })
  const credential = await login(app, 'bearer')
  t.strictSame(await times(11, () => outcome(app, credential, 'PATCH', '/users/me', { password: aPassword('new') })), new Array(11).fill('400 USER_BAD_CURRENT_PASSWORD'))
  t.equal(await outcome(app, credential, 'PATCH', '/users/me', { password: aPassword('new'), currentPassword: ann.password }), '200')
})

t.test('where attempts are counted', async (t) => {
  const lines: string[] = []
  const { limits: own, ...without } = memory()
  t.ok(own)
  const started = async (given: Partial<FastifyUsersOptions>): Promise<string> => {
    lines.length = 0
    const app = Fastify({ logger: { level: 'info', stream: { write: (line: string) => { lines.push(line) } } } })
    await app.register(fastifyUsers, options(given))
    await app.close()
    return lines.map((line) => JSON.parse(line) as { level: number, msg: string }).filter(({ msg }) => msg.includes('attempts are counted')).map(({ level }) => String(level)).join()
  }
  t.equal(await started({}), '', 'in the user store')
  t.equal(await started({ users: without }), '30', 'in this process, which is said')
  t.equal(await started({ users: without, limits: memoryRateLimits() }), '')
  t.equal(await started({ users: without, throttle: false }), '', 'nowhere')
  const environment = process.env.NODE_ENV
  t.after(() => { if (environment === undefined) delete process.env.NODE_ENV; else process.env.NODE_ENV = environment })
  process.env.NODE_ENV = 'production'
  t.equal(await started({ users: { ...without, ephemeral: false }, passwords: {} }), '40', 'in production it is a warning')
})

t.test('the store is closed with the app, and swept', async (t) => {
  let closed = 0
  const purged: number[] = []
  const limits: RateLimitStore = { ...memoryRateLimits(), purge: (now) => { purged.push(now); return 0 }, close: () => { closed++ } }
  const app = Fastify()
  await app.register(fastifyUsers, options({ limits }))
  await app.close()
  t.equal(closed, 1)

  const settings = resolveOptions(options({ clock: () => 10_000_000 }))
  await sweepOnce(startAccounts(settings, { log: app.log, origin: () => null, deadline: (promise) => promise, sessions: [], buckets: limits }))
  t.strictSame(purged, [10_000_000 - 3_600_000])
})

t.test('the document says which routes may refuse', async (t) => {
  const documented = async (throttle: FastifyUsersOptions['throttle']): Promise<string[]> => {
    const app = Fastify()
    t.after(() => app.close())
    await app.register(swagger, { openapi: {} })
    await app.register(fastifyUsers, options({ routes: everyRoute, confirmEmailChange: true, strategy: jwt({ secret, sessions: true }), backends: [bearer({ refresh: true })], throttle }))
    await app.ready()
    const { paths } = app.swagger() as unknown as { paths: Record<string, Record<string, { responses: object }>> }
    return Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).filter(([, { responses }]) => '429' in responses).map(([method]) => `${method} ${path}`)).sort()
  }
  const all = ['delete /users/me', 'patch /users/me', 'post /change-email', 'post /confirm', 'post /forgot-password', 'post /login/bearer', 'post /refresh/bearer', 'post /register', 'post /request-verify-token', 'post /reset-password', 'post /verify']
  t.strictSame(await documented({}), all)
  t.strictSame(await documented(false), [])
  t.strictSame(await documented({ forgotPassword: { perClient: false }, currentPassword: { inARow: false }, login: { perClient: false, perAccount: false } }), all.filter((route) => route !== 'post /forgot-password'))
})

t.test('no address is in a store of limits', async (t) => {
  const keys = new Set<string>()
  const inner = memoryRateLimits()
  const app = await appWith(t, { limits: { ...inner, take: (key, ...rest) => { keys.add(key); return inner.take(key, ...rest) } } })
  await from(app, '192.0.2.1', '/login/bearer', wrong)
  await from(app, '192.0.2.1', '/login/bearer', { email: ` ${ann.email.toUpperCase()}`, password: 'x' })
  t.equal(keys.size, 3, 'of a client, and of an account in whatever spelling')
  for (const key of keys) t.match(key, /^[\w-]{43}$/)
})
