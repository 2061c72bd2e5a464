import type { FastifyInstance, InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { aPassword, credentialOf, everyRoute, fields, outcome, postOffice, send, stranger, type PostOffice } from '../helpers/accounts.js'
import { ann, appWith, login } from '../helpers/app.js'
import { onEachStore, type OpenStore } from '../helpers/stores.js'

const root = { email: 'root@example.com', password: aPassword('root') }
const sleeper = { email: 'sleeper@example.com', password: aPassword('sleeper') }
const nobody = '/users/01900000-0000-7000-8000-000000000000'

/** An app with Ann, an inactive user and a superuser. */
interface Scene {
  readonly app: FastifyInstance
  readonly post: PostOffice
  /** Ann's credential. */
  readonly user: InjectOptions
  /** The superuser's. */
  readonly admin: InjectOptions
  readonly annId: string
}

async function setScene (t: Test, open: OpenStore): Promise<Scene> {
  const { users } = await open(t)
  const post = postOffice()
  const app = await appWith(t, { users, fields, routes: everyRoute, ...post.options })
  const { id } = await app.users.create(sleeper)
  await app.users.update(id, { isActive: false })
  await app.users.create({ ...root, isSuperuser: true })
  const user = await login(app, 'bearer')
  const me = (await send(app, user, 'GET', '/users/me')).json<{ id: string }>()
  return { app, post, user, admin: await login(app, 'bearer', root), annId: me.id }
}

onEachStore(t, async (t, open) => {
  t.test('register', async (t) => {
    const { app, post } = await setScene(t, open)
    const register = (payload: unknown): Promise<string> => outcome(app, stranger, 'POST', '/register', payload)
    const password = aPassword('new')

    for (const body of [{}, { email: 'new@example.com' }, { password }, { email: 'new', password }, { email: 'new@', password }, { email: ' new@example.com', password }, { email: '', password }, [], null, 'new@example.com']) {
      t.equal(await register(JSON.stringify(body)), '400 FST_ERR_VALIDATION', JSON.stringify(body))
    }
    for (const email of [ann.email, ann.email.toUpperCase(), sleeper.email]) {
      t.equal(await register({ email, password }), '400 REGISTER_USER_ALREADY_EXISTS', email)
    }
    for (const refused of ['', 'short', '1234567', 'password1', 'new@example.com', 'x'.repeat(129)]) {
      const reply = await send(app, stranger, 'POST', '/register', { email: 'new@example.com', password: refused })
      t.match(reply.json(), { statusCode: 400, code: 'REGISTER_INVALID_PASSWORD', reason: /^The password / }, `${refused.length} characters`)
    }
    t.equal(await register({ email: 'new@example.com', password, nickname: 'x'.repeat(21) }), '400 FST_ERR_VALIDATION', 'a field that does not fit its schema')
    t.equal(await app.users.getByEmail('new@example.com'), null, 'none of them is there')

    const reply = await send(app, stranger, 'POST', '/register', { email: 'New@Example.com', password, isSuperuser: true, isVerified: true, isActive: false, id: '7' })
    t.match(reply.json(), { email: 'New@Example.com', isSuperuser: false, isVerified: false, isActive: true, id: /-7/ }, 'flags are ignored')
    t.strictSame(await app.users.getByEmail('new@example.com'), reply.json())
    await post.mail('verify-address', 'New@Example.com')
    t.same(post.mails.untaken, [], 'nobody else is mailed')
  })

  t.test('forgot and reset', async (t) => {
    const { app, post } = await setScene(t, open)
    const forgot = (payload: unknown): Promise<string> => outcome(app, stranger, 'POST', '/forgot-password', payload)
    const reset = (payload: unknown): Promise<string> => outcome(app, stranger, 'POST', '/reset-password', payload)
    for (const body of [{}, { email: null }, { email: 7 }, { email: '' }, []]) t.equal(await forgot(body), '400 FST_ERR_VALIDATION', JSON.stringify(body))

    for (const [email, reason] of [['nobody@example.com', 'unknown-user'], ['no address', 'unknown-user'], [sleeper.email, 'inactive']] as const) {
      t.equal(await forgot({ email }), '202', email)
      t.match(await post.event('forgot-password'), { outcome: 'failure', reason })
    }
    t.same(post.mails.untaken, [], 'none of them is mailed')

    t.equal(await forgot({ email: ann.email }), '202')
    const token = await post.token('reset-password', ann.email)
    for (const body of [{}, { password: aPassword('new') }, { token: 'foo', password: aPassword('new') }]) {
      t.equal(await reset(body), '400 RESET_PASSWORD_BAD_TOKEN', JSON.stringify(body))
    }
    t.equal(await reset({ token }), '400 FST_ERR_VALIDATION')
    t.match((await send(app, stranger, 'POST', '/reset-password', { token, password: 'short' })).json(), { code: 'RESET_PASSWORD_INVALID_PASSWORD', reason: 'The password must have at least 8 characters.' })
    t.equal(await reset({ token, password: aPassword('new') }), '200')
    await login(app, 'bearer', { ...ann, password: aPassword('new') })
  })

  t.test('a link that was mailed before the account was deactivated is no good', async (t) => {
    const { app, post, admin, annId } = await setScene(t, open)
    await outcome(app, stranger, 'POST', '/forgot-password', { email: ann.email })
    await outcome(app, stranger, 'POST', '/request-verify-token', { email: ann.email })
    const [reset, verify] = [await post.token('reset-password', ann.email), await post.token('verify-address', ann.email)]
    await outcome(app, admin, 'PATCH', `/users/${annId}`, { isActive: false })
    t.equal(await outcome(app, stranger, 'POST', '/reset-password', { token: reset, password: aPassword('new') }), '400 RESET_PASSWORD_BAD_TOKEN')
    t.equal(await outcome(app, stranger, 'POST', '/verify', { token: verify }), '400 VERIFY_USER_BAD_TOKEN')
  })

  t.test('verify', async (t) => {
    const { app, post, admin, annId } = await setScene(t, open)
    const request = (payload: unknown): Promise<string> => outcome(app, stranger, 'POST', '/request-verify-token', payload)
    const verify = (payload: unknown): Promise<string> => outcome(app, stranger, 'POST', '/verify', payload)
    for (const body of [{}, { email: null }, { email: ['a@example.com'] }, []]) t.equal(await request(body), '400 FST_ERR_VALIDATION', JSON.stringify(body))
    for (const [email, reason] of [['nobody@example.com', 'unknown-user'], [sleeper.email, 'inactive']] as const) {
      t.equal(await request({ email }), '202', email)
      t.match(await post.event('request-verify'), { outcome: 'failure', reason })
    }
    t.same(post.mails.untaken, [])

    t.equal(await request({ email: ann.email }), '202')
    const token = await post.token('verify-address', ann.email)
    for (const body of [{}, { token: 'foo' }, { token: `${token}x` }]) t.equal(await verify(body), '400 VERIFY_USER_BAD_TOKEN', JSON.stringify(body).slice(0, 20))
    t.equal(await verify({ token }), '200')
    t.equal(await verify({ token }), '400 VERIFY_USER_ALREADY_VERIFIED')
    t.match(await post.event('request-verify'), { outcome: 'success', userId: annId })
    t.equal(await request({ email: ann.email }), '202')
    t.match(await post.event('request-verify'), { outcome: 'failure', reason: 'verified', userId: annId })
    t.same(post.mails.untaken, [], 'there is nothing left to verify')

    t.match((await send(app, admin, 'PATCH', `/users/${annId}`, { isVerified: false })).json(), { isVerified: false })
    t.equal(await verify({ token }), '400 VERIFY_USER_BAD_TOKEN', 'it was good for the first time alone')
  })

  t.test('who am I', async (t) => {
    const { app, user, admin, annId } = await setScene(t, open)
    t.equal(await outcome(app, stranger, 'GET', '/users/me'), '401 UNAUTHORIZED')
    const me = await send(app, user, 'GET', '/users/me')
    t.match(me.json(), { id: annId, email: ann.email })
    t.equal(me.headers['cache-control'], 'no-store')
    await outcome(app, admin, 'PATCH', `/users/${annId}`, { isActive: false })
    for (const method of ['GET', 'PATCH', 'DELETE'] as const) t.equal(await outcome(app, user, method, '/users/me', method === 'GET' ? undefined : {}), '401 UNAUTHORIZED', method)
  })

  t.test('what I may change', async (t) => {
    const { app, user, annId } = await setScene(t, open)
    const patch = (payload: unknown): Promise<string> => outcome(app, user, 'PATCH', '/users/me', payload)
    const known = await app.users.get(annId)
    const { password: currentPassword } = ann
    t.equal(await outcome(app, stranger, 'PATCH', '/users/me', {}), '401 UNAUTHORIZED')

    t.strictSame((await send(app, user, 'PATCH', '/users/me', {})).json(), known, 'nothing changes nothing')
    t.strictSame((await send(app, user, 'PATCH', '/users/me', { isSuperuser: true, isVerified: true, isActive: false, plan: 'paid' })).json(), known, 'nor do flags')
    t.strictSame((await send(app, user, 'PATCH', '/users/me', known)).json(), known, 'nor does what was got before')
    for (const email of [root.email, root.email.toUpperCase(), sleeper.email]) {
      t.equal(await patch({ email, currentPassword }), '400 UPDATE_USER_EMAIL_ALREADY_EXISTS', email)
    }
    t.match((await send(app, user, 'PATCH', '/users/me', { password: 'short', currentPassword })).json(), { code: 'UPDATE_USER_INVALID_PASSWORD', reason: 'The password must have at least 8 characters.' })
    t.equal(await patch({ email: 'no address', currentPassword }), '400 FST_ERR_VALIDATION')
    t.strictSame(await app.users.get(annId), known)

    await app.users.update(annId, { isVerified: true })
    t.match((await send(app, user, 'PATCH', '/users/me', { email: 'Ann@Example.com', currentPassword })).json(), { email: 'Ann@Example.com', isVerified: true }, 'another spelling is the same address')
    t.equal(await outcome(app, user, 'GET', '/users/me'), '200', 'and ends nothing')
    const both = await send(app, user, 'PATCH', '/users/me', { email: 'ann2@example.com', password: aPassword('new'), nickname: 'A', currentPassword })
    t.match(both.json(), { email: 'ann2@example.com', isVerified: false, nickname: 'A', token_type: 'bearer', expires_in: 3600 })
    t.equal(await outcome(app, credentialOf(both), 'GET', '/users/me'), '200')
    await login(app, 'bearer', { email: 'ann2@example.com', password: aPassword('new') })
  })

  t.test('the users of a superuser', async (t) => {
    const { app, admin, annId } = await setScene(t, open)
    const url = `/users/${annId}`
    const patch = (payload: unknown): Promise<string> => outcome(app, admin, 'PATCH', url, payload)
    const known = await app.users.get(annId)

    t.strictSame((await send(app, admin, 'GET', url)).json(), known)
    const { updatedAt: touched, ...others } = (await send(app, admin, 'PATCH', url, {})).json<Record<string, unknown>>()
    t.match(known, others, 'nothing changes nothing')
    t.type(touched, 'string')
    t.equal(await patch({ email: root.email.toUpperCase() }), '400 UPDATE_USER_EMAIL_ALREADY_EXISTS')
    t.equal(await patch({ password: aPassword('new') }), '400 FST_ERR_VALIDATION')
    t.match((await send(app, admin, 'PATCH', url, { isVerified: true, isSuperuser: true })).json(), { isVerified: true, isSuperuser: true })
    t.match((await send(app, admin, 'PATCH', url, { email: 'ann2@example.com' })).json(), { email: 'ann2@example.com', isVerified: false })
    t.match((await send(app, admin, 'PATCH', url, { email: 'ann3@example.com', isVerified: true })).json(), { email: 'ann3@example.com', isVerified: true }, 'a superuser may know that it is right')

    for (const body of [{}, { email: 'no address' }, { email: 'new@example.com', isActive: 1 }]) t.equal(await outcome(app, admin, 'POST', '/users', body), '400 FST_ERR_VALIDATION', JSON.stringify(body))
    t.equal(await outcome(app, admin, 'POST', '/users', { email: root.email, password: aPassword('new') }), '400 REGISTER_USER_ALREADY_EXISTS')
    t.match((await send(app, admin, 'POST', '/users', { email: 'new@example.com', password: 'short' })).json(), { code: 'REGISTER_INVALID_PASSWORD', reason: /8 characters/ })
    const made = await send(app, admin, 'POST', '/users', { email: 'new@example.com', password: aPassword('new'), isVerified: true, isSuperuser: true, plan: 'paid' })
    t.match(made.json(), { email: 'new@example.com', isVerified: true, isSuperuser: true, isActive: true, plan: 'paid' })
    t.equal(made.statusCode, 201)
    await login(app, 'bearer', { email: 'new@example.com', password: aPassword('new') })
  })

  t.test('pages of users', async (t) => {
    const { app, admin } = await setScene(t, open)
    for (let i = 0; i < 7; i++) await app.users.create({ email: `page${i}_100%@example.com` })
    const ids = (await send(app, admin, 'GET', '/users')).json().items.map(({ id }: { id: string }) => id)
    t.equal(ids.length, 10)
    t.strictSame([...ids].sort(), ids)

    const seen: string[] = []
    let cursor: string | null = ''
    for (let page = 0; page < 4 && cursor !== null; page++) {
      const { items, nextCursor }: { items: Array<{ id: string }>, nextCursor: string | null } = (await send(app, admin, 'GET', `/users?limit=3${cursor}`)).json()
      seen.push(...items.map(({ id }) => id))
      cursor = nextCursor === null ? null : `&cursor=${nextCursor}`
    }
    t.strictSame(seen, ids, 'each user once')
    t.equal(cursor, null)
    t.equal((await send(app, admin, 'GET', '/users?email=_100%25')).json().items.length, 7, 'a sign is just a sign')
    t.equal((await send(app, admin, 'GET', '/users?email=page__')).json().items.length, 0)

    for (const query of ['limit=0', 'limit=101', 'limit=-1', 'limit=1.5', 'limit=1e1', 'limit=', 'limit=01', 'limit=2&limit=3', 'cursor=', `cursor=${'x'.repeat(65)}`, 'cursor=%00', 'cursor=a&cursor=b', 'email=', 'email=%00', 'email=a&email=b', `email=${'x'.repeat(255)}`]) {
      t.match(await outcome(app, admin, 'GET', `/users?${query}`), /^400 FST_/, query)
    }
    for (const query of ['cursor=zzz', 'email=%F0%9F%A6%8A', 'email=\'%20or%201=1%20--', 'cursor=\'%20or%201=1%20--', 'email=%5C', 'email=%FF']) t.ok([200, 400].includes((await send(app, admin, 'GET', `/users?${query}`)).statusCode), query)
  })

  t.test('nobody of that id', async (t) => {
    const { app, admin } = await setScene(t, open)
    for (const id of [nobody, '/users/nobody', '/users/7', '/users/null', '/users/%00', '/users/\' or 1=1 --'.replaceAll(' ', '%20'), '/users/..%2f..%2fetc', `/users/${'x'.repeat(100)}`, '/users/%F0%9F%A6%8A', '/users/__proto__']) {
      for (const method of ['GET', 'PATCH', 'DELETE'] as const) t.equal(await outcome(app, admin, method, id, method === 'PATCH' ? { isActive: 'no' } : undefined), '404 USER_NOT_FOUND', `${method} ${id.slice(0, 40)}`)
      t.equal(await outcome(app, admin, 'POST', `${id}/forgot-password`), '404 USER_NOT_FOUND', id.slice(0, 40))
    }
  })

  t.test('the order of refusals', async (t) => {
    const { app, user, admin, annId } = await setScene(t, open)
    const url = `/users/${annId}`
    const routes = [['PATCH', '/users/me'], ['DELETE', '/users/me'], ['POST', '/users'], ['PATCH', url], ['PATCH', nobody], ['DELETE', url], ['POST', `${url}/forgot-password`]] as const

    for (const [method, path] of routes) {
      for (const who of [stranger, user, admin]) {
        t.match(await outcome(app, who, method, path, '{"email":'), /^400 FST_ERR_CTP/, `${method} ${path}: a body that cannot be read comes first`)
        t.equal(await outcome(app, who, method, path, JSON.stringify({ nickname: 'x'.repeat(20_000) })), '413 FST_ERR_CTP_BODY_TOO_LARGE')
        t.match(await outcome(app, { ...who, headers: { ...who.headers, 'content-type': 'text/plain' } }, method, path, 'x'), /^415 /)
      }
      const wrong = { email: 7, isActive: 'no', currentPassword: 7 }
      t.equal(await outcome(app, stranger, method, path, wrong), '401 UNAUTHORIZED', `${method} ${path}: then, who it is`)
      t.equal(await outcome(app, { headers: { authorization: 'Bearer x' } }, method, path, wrong), '401 UNAUTHORIZED')
      if (path !== '/users/me') t.equal(await outcome(app, user, method, path, wrong), '403 FORBIDDEN', 'then, what they may')
    }
    for (const path of ['/users', url, nobody]) {
      t.equal(await outcome(app, stranger, 'GET', path), '401 UNAUTHORIZED', path)
      t.equal(await outcome(app, user, 'GET', path), '403 FORBIDDEN', path)
    }
    t.equal(await outcome(app, user, 'GET', '/users?limit=0'), '403 FORBIDDEN')
    t.equal(await outcome(app, admin, 'PATCH', nobody, { email: 7 }), '404 USER_NOT_FOUND', 'then, whether it is there')
    t.equal(await outcome(app, admin, 'PATCH', url, { email: 7 }), '400 FST_ERR_VALIDATION', 'then, what is wrong with it')
    t.equal(await outcome(app, admin, 'PATCH', url, { email: root.email }), '400 UPDATE_USER_EMAIL_ALREADY_EXISTS', 'and at last what it would do')
    t.equal(await outcome(app, user, 'PATCH', '/users/me', { email: 7 }), '400 FST_ERR_VALIDATION')
    t.match(await app.users.get(annId), { email: ann.email, isActive: true })
  })
})
