import type { FastifyInstance, InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { memory, type UserStore } from '../../lib/index.js'
import { aPassword, everyRoute, outcome, postOffice, send, stranger, type PostOffice } from '../helpers/accounts.js'
import { ann, appWith, login } from '../helpers/app.js'

const root = { email: 'root@example.com', password: aPassword('root') }
const deputy = { email: 'deputy@example.com', password: aPassword('deputy') }

interface Scene {
  readonly app: FastifyInstance
  readonly post: PostOffice
  readonly users: UserStore
  readonly ids: { readonly ann: string, readonly root: string }
}

async function setScene (t: Test): Promise<Scene> {
  const users = memory()
  const post = postOffice()
  const app = await appWith(t, { users, routes: everyRoute, ...post.options })
  const { id } = await app.users.create({ ...root, isSuperuser: true })
  const { id: annId } = await app.users.getByEmail(ann.email) as { id: string }
  return { app, post, users, ids: { ann: annId, root: id } }
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** Every route for superusers, about Ann. */
const powers = ({ ids }: Scene): ReadonlyArray<readonly [Method, string, unknown?]> => [
  ['GET', '/users'],
  ['POST', '/users', { email: 'made@example.com' }],
  ['GET', `/users/${ids.ann}`],
  ['PATCH', `/users/${ids.ann}`, { isSuperuser: true }],
  ['POST', `/users/${ids.ann}/forgot-password`],
  ['DELETE', `/users/${ids.ann}`]
]

/** Ways to lose one's power by a request; route-matrix.test.ts has all others. */
const falls: Readonly<Record<string, (scene: Scene, admin: InjectOptions, id: string) => Promise<unknown>>> = {
  'demoted by another superuser': async ({ app }, admin, id) => await send(app, admin, 'PATCH', `/users/${id}`, { isSuperuser: false }),
  'deactivated by another superuser': async ({ app }, admin, id) => await send(app, admin, 'PATCH', `/users/${id}`, { isActive: false }),
  'deleted by another superuser': async ({ app }, admin, id) => await send(app, admin, 'DELETE', `/users/${id}`)
}

for (const [title, fall] of Object.entries(falls)) {
  t.test(`a superuser who was ${title} can do nothing more with a live token`, async (t) => {
    const scene = await setScene(t)
    const { app } = scene
    const { id } = await app.users.create({ ...deputy, isSuperuser: true })
    const admin = await login(app, 'bearer', root)
    const sessions = [await login(app, 'bearer', deputy), await login(app, 'cookie', deputy)]
    for (const session of sessions) t.equal(await outcome(app, session, 'GET', '/users'), '200')
    await fall(scene, admin, id)
    const before = JSON.stringify((await app.users.list()).items)

    for (const session of sessions) {
      for (const [method, url, body] of powers(scene)) t.equal(await outcome(app, session, method, url, body), '401 UNAUTHORIZED', `${method} ${url}`)
    }
    t.equal(JSON.stringify((await app.users.list()).items), before, 'nothing has changed')
    await app.close()
    t.same(scene.post.mails.untaken, [])
  })
}

t.test('the last superuser stays one', async (t) => {
  const scene = await setScene(t)
  const { app, users, ids } = scene
  const session = await login(app, 'bearer', root)
  const url = `/users/${ids.root}`
  // Neither of them is one who could take over.
  await app.users.create({ ...deputy, isSuperuser: true, isActive: false })
  await app.users.update(ids.ann, { isVerified: true })
  const before = await users.findById(ids.root)
  const currentPassword = root.password

  for (const body of [{ isSuperuser: false }, { isActive: false }, { isSuperuser: false, isActive: false }, { isSuperuser: false, email: 'other@example.com' }]) {
    t.equal(await outcome(app, session, 'PATCH', url, body), '409 LAST_SUPERUSER', JSON.stringify(body))
    await t.rejects(app.users.update(ids.root, body), { code: 'LAST_SUPERUSER' })
  }
  t.equal(await outcome(app, session, 'DELETE', url), '409 LAST_SUPERUSER')
  t.equal(await outcome(app, session, 'DELETE', '/users/me', { currentPassword }), '409 LAST_SUPERUSER')
  await t.rejects(app.users.remove(ids.root), { code: 'LAST_SUPERUSER' })
  t.strictSame(await users.findById(ids.root), before)
  t.equal(await outcome(app, session, 'GET', '/users'), '200', 'and is not even logged out')
  await app.close()
  t.same(scene.post.mails.untaken, [], 'nobody is told of what did not happen')
})

t.test('the last superuser may change, and go when another one is there', async (t) => {
  const { app, ids } = await setScene(t)
  const session = await login(app, 'bearer', root)
  t.equal(await outcome(app, session, 'PATCH', `/users/${ids.root}`, { isSuperuser: true, isActive: true, isVerified: true }), '200')
  t.equal(await outcome(app, session, 'PATCH', `/users/${ids.ann}`, { isSuperuser: true }), '200')
  t.equal(await outcome(app, session, 'PATCH', `/users/${ids.root}`, { isSuperuser: false }), '200')
  t.equal(await outcome(app, session, 'GET', '/users'), '401 UNAUTHORIZED')
  const successor = await login(app, 'bearer')
  t.equal(await outcome(app, successor, 'DELETE', `/users/${ids.ann}`), '409 LAST_SUPERUSER')
  t.equal(await outcome(app, successor, 'DELETE', `/users/${ids.root}`), '204')
})

t.test('a superuser neither chooses nor sees a password', async (t) => {
  const { app, users, ids } = await setScene(t)
  const admin = await login(app, 'bearer', root)
  const session = await login(app, 'bearer')
  const url = `/users/${ids.ann}`
  const hash = (await users.findById(ids.ann))?.passwordHash as string

  for (const body of [{ password: aPassword('chosen') }, { password: null }, { password: '' }, { password: 7 }, { nickname: 'x', password: aPassword('chosen'), currentPassword: root.password }, { password: aPassword('chosen'), currentPassword: ann.password }]) {
    const reply = await send(app, admin, 'PATCH', url, body)
    t.match(reply.json(), { statusCode: 400, code: 'FST_ERR_VALIDATION', message: 'body must not have a password: a superuser sends a link to set one' }, JSON.stringify(body))
  }
  for (const body of [{ passwordHash: hash }, { hashedPassword: hash }, { Password: 'x' }, { currentPassword: 'x' }]) t.equal(await outcome(app, admin, 'PATCH', url, body), '200')
  t.equal((await users.findById(ids.ann))?.passwordHash, hash)
  t.equal(await outcome(app, session, 'GET', '/users/me'), '200', 'and Ann stays logged in')

  for (const [method, path, body] of [['GET', url], ['GET', '/users'], ['PATCH', url, { isVerified: true }], ['GET', '/users/me'], ['POST', '/users', { email: 'made@example.com', password: aPassword('made') }]] as const) {
    const reply = await send(app, admin, method, path, body)
    t.ok(reply.statusCode < 300)
    for (const secret of ['password', 'argon2', 'digest', 'emailKey', 'sessionEpoch', 'version', aPassword('made')]) t.notOk(reply.body.toLowerCase().includes(secret.toLowerCase()), `${method} ${path}: ${secret}`)
  }
})

t.test('a superuser sends a link to choose another password', async (t) => {
  const { app, post, ids } = await setScene(t)
  const admin = await login(app, 'bearer', root)
  const session = await login(app, 'bearer')
  const url = `/users/${ids.ann}/forgot-password`

  const sent = await send(app, admin, 'POST', url)
  t.same([sent.statusCode, sent.json()], [202, {}], 'the superuser is not told the token')
  t.match(await post.event('forgot-password'), { outcome: 'success', userId: ids.ann, actorId: ids.root })
  const token = await post.token('reset-password', ann.email)
  t.equal(await outcome(app, session, 'GET', '/users/me'), '200')
  t.equal(await outcome(app, stranger, 'POST', '/reset-password', { token, password: aPassword('new') }), '200')
  t.equal(await outcome(app, session, 'GET', '/users/me'), '401 UNAUTHORIZED')
  await login(app, 'bearer', { ...ann, password: aPassword('new') })

  await app.users.update(ids.ann, { isActive: false })
  t.equal(await outcome(app, admin, 'POST', url), '202')
  t.equal(await outcome(app, admin, 'POST', '/users/nobody/forgot-password'), '404 USER_NOT_FOUND')
  await app.close()
  t.same(post.mails.untaken.filter(({ subject }) => subject === 'reset-password'), [], 'who is locked out gets no key')
})

t.test('a user who was added without a password is mailed a link to choose one', async (t) => {
  const { app, post } = await setScene(t)
  const admin = await login(app, 'bearer', root)
  const made = { email: 'made@example.com', password: aPassword('made') }
  t.equal(await outcome(app, admin, 'POST', '/users', { email: made.email }), '201')
  const token = await post.token('set-password', made.email)
  for (const password of ['null', 'undefined', aPassword('made')]) t.equal(await outcome(app, stranger, 'POST', '/login/bearer', { ...made, password }), '400 LOGIN_BAD_CREDENTIALS')
  t.equal(await outcome(app, stranger, 'POST', '/reset-password', { token, password: 'short' }), '400 RESET_PASSWORD_INVALID_PASSWORD')
  t.equal(await outcome(app, stranger, 'POST', '/reset-password', { token, password: made.password }), '200')
  t.equal(await outcome(app, stranger, 'POST', '/reset-password', { token, password: made.password }), '400 RESET_PASSWORD_BAD_TOKEN')
  t.match((await send(app, await login(app, 'bearer', made), 'GET', '/users/me')).json(), { email: made.email, isSuperuser: false })
  await post.mail('password-changed', made.email)

  t.equal(await outcome(app, admin, 'POST', '/users', { email: 'locked@example.com', isActive: false }), '201')
  t.equal(await outcome(app, admin, 'POST', '/users', { email: 'chosen@example.com', password: aPassword('chosen') }), '201')
  await app.close()
  t.same(post.mails.untaken, [], 'one who is locked, or has a password, is not')
})

t.test('who changes an account is told apart from who merely knows its session', async (t) => {
  const { app, ids, users } = await setScene(t)
  const stolen = await login(app, 'bearer')
  const before = await users.findById(ids.ann)
  for (const body of [{ email: 'thief@example.com' }, { password: aPassword('thief') }, { email: 'thief@example.com', currentPassword: aPassword('guess') }, { password: aPassword('thief'), currentPassword: '' }]) {
    t.equal(await outcome(app, stolen, 'PATCH', '/users/me', body), '400 USER_BAD_CURRENT_PASSWORD', JSON.stringify(body))
  }
  t.equal(await outcome(app, stolen, 'DELETE', '/users/me', { currentPassword: aPassword('guess') }), '400 USER_BAD_CURRENT_PASSWORD')
  t.strictSame(await users.findById(ids.ann), before)

  const passwordless = await app.users.create({ email: 'none@example.com', password: aPassword('none') })
  const session = await login(app, 'bearer', { email: 'none@example.com', password: aPassword('none') })
  const user = await users.findById(passwordless.id)
  if (user !== null) await users.replace({ ...user, passwordHash: null, version: user.version + 1 }, user.version)
  for (const currentPassword of ['', 'null', 'undefined', aPassword('none')]) {
    t.equal(await outcome(app, session, 'PATCH', '/users/me', { password: aPassword('thief'), currentPassword }), '400 USER_BAD_CURRENT_PASSWORD', 'who has no password has to set one by a link')
    t.equal(await outcome(app, session, 'DELETE', '/users/me', { currentPassword }), '400 USER_BAD_CURRENT_PASSWORD')
  }
})
