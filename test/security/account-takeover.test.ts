import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { memory, type FastifyUsersOptions, type PasswordHasher, type UserStore } from '../../lib/index.js'
import { argon2Hasher } from '../../lib/crypto/password.js'
import { aPassword, everyRoute, outcome, postOffice, send, stranger, type PostOffice } from '../helpers/accounts.js'
import { ann, appWith, cheap, login } from '../helpers/app.js'
import { until } from '../helpers/smtp.js'
import { onEachStore } from '../helpers/stores.js'

const evil = 'mallory@example.com'

/** Runs what a test has put off, once. */
interface Meanwhile {
  do (work: () => Promise<unknown>): void
  happen (): Promise<void>
}

function meanwhile (): Meanwhile {
  let next: (() => Promise<unknown>) | undefined
  return {
    do (work) { next = work },
    async happen () {
      const work = next
      next = undefined
      await work?.()
    }
  }
}

interface Scene {
  readonly app: FastifyInstance
  readonly post: PostOffice
  readonly users: UserStore
  /** When a password has just been compared. */
  readonly whenProved: Meanwhile
  /** When a user has just been written. */
  readonly whenWritten: Meanwhile
  /** When an address has just been looked up. */
  readonly whenFound: Meanwhile
}

async function setScene (t: Test, given: Partial<FastifyUsersOptions> = {}): Promise<Scene> {
  const [whenProved, whenWritten, whenFound] = [meanwhile(), meanwhile(), meanwhile()]
  const users = memory()
  const post = postOffice()
  const own = argon2Hasher({ ...cheap, parallelism: 1 })
  const hasher: PasswordHasher = {
    ...own,
    async verify (hash, password) {
      const matches = await own.verify(hash, password)
      await whenProved.happen()
      return matches
    }
  }
  const watched: UserStore = {
    ...users,
    async replace (user, version) {
      const result = await users.replace(user, version)
      await whenWritten.happen()
      return result
    },
    async findByEmail (key) {
      const user = await users.findByEmail(key)
      await whenFound.happen()
      return user
    }
  }
  const fields = { type: 'object', properties: { nickname: { type: 'string' } } } as const
  const app = await appWith(t, { users: watched, passwords: { hasher }, fields, routes: everyRoute, confirmEmailChange: true, ...post.options, ...given })
  return { app, post, users, whenProved, whenWritten, whenFound }
}

/** The link that the owner has in hand. */
async function askForReset ({ app, post }: Scene): Promise<string> {
  await send(app, stranger, 'POST', '/forgot-password', { email: ann.email })
  return await post.token('reset-password', ann.email)
}

async function reset ({ app }: Scene, token: string): Promise<string> {
  return await outcome(app, stranger, 'POST', '/reset-password', { token, password: aPassword('new') })
}

async function annOf ({ app }: Scene): Promise<string> {
  return (await app.users.list({ email: ann.email })).items[0]?.id as string
}

async function pendingOf (scene: Scene): Promise<string[]> {
  return Object.keys((await scene.users.findById(await annOf(scene)))?.pendingTokens ?? {})
}

/** What the owner, or somebody for them, does against whoever knows the old password. */
const rescues: Readonly<Record<string, (scene: Scene) => Promise<() => Promise<unknown>>>> = {
  'the owner resets the password': async (scene) => {
    const token = await askForReset(scene)
    return async () => await reset(scene, token)
  },
  'the application sets another password': async (scene) => {
    const id = await annOf(scene)
    return async () => await scene.app.users.update(id, { password: aPassword('new') })
  },
  'another password is written past the library': async ({ users }) => async () => {
    const user = await users.findByEmail(ann.email)
    if (user !== null) await users.replace({ ...user, passwordHash: null, version: user.version + 1 }, user.version)
  },
  'all sessions are ended': async (scene) => {
    const id = await annOf(scene)
    return async () => await scene.app.users.revokeSessions(id)
  }
}

const moments = [
  { title: 'the old password has just been proved', when: 'whenProved', body: {}, type: 'request-email-change' },
  { title: 'the old password has just been proved, for more than the address', when: 'whenProved', body: { nickname: 'x' }, type: 'update' },
  { title: 'another field has just been written', when: 'whenWritten', body: { nickname: 'x' }, type: 'request-email-change' }
] as const

for (const [rescue, prepare] of Object.entries(rescues)) {
  for (const { title, when, body, type } of moments) {
    t.test(`whoever knows the old password gets no link to another address: ${rescue} when ${title}`, async (t) => {
      const scene = await setScene(t)
      const { app, post } = scene
      const thief = await login(app, 'bearer')
      scene[when].do(await prepare(scene))
      t.equal(await outcome(app, thief, 'PATCH', '/users/me', { ...body, email: evil, currentPassword: ann.password }), '400 USER_BAD_CURRENT_PASSWORD')
      t.match(await post.events.take((event) => event.type === type && event.outcome === 'failure', type), { reason: 'USER_BAD_CURRENT_PASSWORD' })
      t.notOk((await pendingOf(scene)).includes('email-change'))
      await app.close()
      t.notOk(post.mails.untaken.some(({ to }) => to === evil))
    })
  }
}

t.test('whoever changes the password and asks for another address in one gets the link', async (t) => {
  const scene = await setScene(t)
  const { app, post } = scene
  const session = await login(app, 'cookie')
  t.equal(await outcome(app, session, 'PATCH', '/users/me', { email: 'new@example.com', password: aPassword('new'), currentPassword: ann.password }), '200')
  t.equal(await outcome(app, stranger, 'POST', '/change-email', { token: await post.token('confirm-email-change', 'new@example.com') }), '200')
})

t.test('nor is an address changed at once by a password that has just been replaced', async (t) => {
  for (const changes of [{ email: evil }, { password: aPassword('mallory') }]) {
    const scene = await setScene(t, { confirmEmailChange: false })
    const thief = await login(scene.app, 'bearer')
    const token = await askForReset(scene)
    scene.whenProved.do(async () => { t.equal(await reset(scene, token), '200') })
    t.equal(await outcome(scene.app, thief, 'PATCH', '/users/me', { ...changes, currentPassword: ann.password }), '400 USER_BAD_CURRENT_PASSWORD')
    await login(scene.app, 'bearer', { ...ann, password: aPassword('new') })
  }
})

t.test('a reply that is held back holds no link back: it is made before, and the reset ends it', async (t) => {
  const scene = await setScene(t)
  const { app, post } = scene
  let release = (): void => {}
  // The app is up already, so the request that takes its time is one of the plugin's: its address is looked up, and looked up.
  const held = new Promise<void>((resolve) => { release = resolve })
  t.after(() => { release() })
  const thief = await login(app, 'bearer')
  const token = await askForReset(scene)
  await app.listen({ port: 0, host: '127.0.0.1' })

  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => { socket.destroy() })
  let received = ''
  socket.on('data', (chunk: Buffer) => { received += chunk.toString() })
  const request = (method: string, url: string, body: object): string => {
    const payload = JSON.stringify(body)
    return `${method} ${url} HTTP/1.1\r\nHost: app.example\r\nAuthorization: ${String(thief.headers?.authorization)}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(payload)}\r\n\r\n${payload}`
  }
  scene.whenFound.do(async () => { await held })
  socket.write(request('POST', '/forgot-password', { email: 'nobody@example.com' }) + request('PATCH', '/users/me', { email: evil, currentPassword: ann.password }))

  const link = await post.token('confirm-email-change', evil)
  t.equal(received, '', 'no reply has left')
  t.equal(await reset(scene, token), '200')
  release()
  await until(() => received.split('HTTP/1.1 ').length === 3)
  socket.end()
  await once(socket, 'close')
  await app.close()
  t.strictSame(await pendingOf(scene), [])
  t.notOk(post.mails.untaken.some(({ to }) => to === evil), 'nothing is mailed afterwards')

  const again = await appWith(t, { users: scene.users, routes: everyRoute, confirmEmailChange: true, ...post.options }, { seed: false })
  t.equal(await outcome(again, stranger, 'POST', '/change-email', { token: link }), '400 CHANGE_EMAIL_BAD_TOKEN')
})

t.test('an account that is locked gets no link that was asked for before, nor when it is unlocked', async (t) => {
  for (const [url, type] of [['/forgot-password', 'forgot-password'], ['/request-verify-token', 'request-verify']] as const) {
    const scene = await setScene(t)
    const { app, post } = scene
    const id = await annOf(scene)
    scene.whenFound.do(async () => await app.users.update(id, { isActive: false }))
    t.equal(await outcome(app, stranger, 'POST', url, { email: ann.email }), '202')
    t.match(await post.event(type), { outcome: 'failure', reason: 'USER_NOT_FOUND', userId: null })
    t.strictSame(await pendingOf(scene), [])
    await app.users.update(id, { isActive: true })
    t.strictSame(await pendingOf(scene), [])
    await app.close()
    t.strictSame(post.mails.untaken, [])
  }
})

t.test('an account is not removed by a password that was replaced meanwhile', async (t) => {
  const scene = await setScene(t, { hooks: { onBeforeDelete: async ({ id }) => await scene.app.users.update(id, { password: aPassword('new') }) } })
  const { app, post } = scene
  const thief = await login(app, 'bearer')
  t.equal(await outcome(app, thief, 'DELETE', '/users/me', { currentPassword: ann.password }), '400 USER_BAD_CURRENT_PASSWORD')
  t.match(await post.event('delete'), { outcome: 'failure', reason: 'USER_BAD_CURRENT_PASSWORD' })
  t.match(await app.users.authenticate(ann.email, aPassword('new')), { email: ann.email })
  t.equal(await app.users.authenticate(ann.email, ann.password), null)
})

t.test('a link to an address that differs in case alone is good once', async (t) => {
  const scene = await setScene(t)
  const { app, post } = scene
  const [first, second] = ['Ann@Example.com', 'ANN@example.com']
  const ask = async (email: string): Promise<string> => {
    t.equal(await outcome(app, await login(app, 'bearer'), 'PATCH', '/users/me', { email, currentPassword: ann.password }), '200')
    return await post.token('confirm-email-change', email)
  }
  const token = await ask(first)
  t.match((await send(app, stranger, 'POST', '/change-email', { token })).json(), { email: first, isVerified: true })
  t.strictSame(await pendingOf(scene), [])
  await app.users.update(await annOf(scene), { email: second, isVerified: false })
  t.equal(await outcome(app, stranger, 'POST', '/change-email', { token }), '400 CHANGE_EMAIL_BAD_TOKEN')
  t.match(await app.users.getByEmail(first), { email: second, isVerified: false })
})

t.test('whatever is no text is nobody\'s password, and costs what a wrong one costs', async (t) => {
  let count = 0
  const users = memory()
  const own = argon2Hasher({ ...cheap, parallelism: 1 })
  const hasher: PasswordHasher = { ...own, verify: async (hash, password) => { count++; return await own.verify(hash, password) } }
  const app = await appWith(t, { users, passwords: { hasher } })
  const { id } = await app.users.create({ email: 'blank@example.com' })
  const blank = await users.findById(id)
  // As another system may have left it there: the hash of no text at all.
  if (blank !== null) await users.replace({ ...blank, version: 2, passwordHash: await own.hash('') }, 1)
  await app.users.authenticate(ann.email, 'the first one of all costs one more')

  for (const email of [ann.email, 'blank@example.com', 'nobody@example.com']) {
    for (const password of [undefined, null, 12345678, [ann.password], [], {}, true, Buffer.from(ann.password), Symbol('x')] as unknown as string[]) {
      count = 0
      t.equal(await app.users.authenticate(email, password), null)
      t.equal(count, 1)
    }
  }
  t.match(await app.users.authenticate(ann.email, ann.password), { email: ann.email })
})

t.test('whatever is no text is no token', async (t) => {
  const scene = await setScene(t)
  const { users } = scene.app
  const token = await askForReset(scene)
  for (const other of [undefined, null, 7, [token], { token }, true, Buffer.from(token)] as unknown as string[]) {
    await t.rejects(users.verify(other), { code: 'VERIFY_USER_BAD_TOKEN' })
    await t.rejects(users.resetPassword(other, aPassword('new')), { code: 'RESET_PASSWORD_BAD_TOKEN' })
    await t.rejects(users.confirmEmailChange(other), { code: 'CHANGE_EMAIL_BAD_TOKEN' })
  }
  t.equal(await reset(scene, token), '200')
})

onEachStore(t, async (t, open) => {
  t.test('a password that is none resets nothing, and uses no link up', async (t) => {
    const { users, dump } = await open(t)
    const post = postOffice()
    const app = await appWith(t, { users, ...post.options })
    await app.users.forgotPassword(ann.email)
    const token = await post.token('reset-password', ann.email)
    const before = await dump()
    for (const password of [undefined, null, 12345678, ['x'.repeat(20)], {}, true] as unknown as string[]) {
      await t.rejects(app.users.resetPassword(token, password), { code: 'FST_USERS_INVALID_USER', statusCode: 400 })
      t.match(await post.event('reset-password'), { outcome: 'failure', reason: 'FST_USERS_INVALID_USER', userId: null })
    }
    t.equal(await dump(), before, 'nothing was written')
    t.ok(await app.users.authenticate(ann.email, ann.password))
    t.match(await app.users.resetPassword(token, aPassword('new')), { email: ann.email })
    t.ok(await app.users.authenticate(ann.email, aPassword('new')))
  })
})
