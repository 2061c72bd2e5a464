import type { FastifyInstance, InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { aPassword, credentialOf, everyRoute, fields, outcome, postOffice, send, stranger, type PostOffice } from '../helpers/accounts.js'
import { appWith, login } from '../helpers/app.js'
import { onEachStore, type OpenStore } from '../helpers/stores.js'

const bob = { email: 'Bob@example.com', password: aPassword('first'), nickname: 'Bob' }
const root = { email: 'root@example.com', password: aPassword('root'), isSuperuser: true }
const newAddress = 'robert@example.com'

/** An account, as its owner's browser knows it. */
interface Owner {
  readonly id: string
  readonly email: string
  readonly password: string
}

interface Scene {
  readonly app: FastifyInstance
  readonly post: PostOffice
  readonly backend: string
}

onEachStore(t, async (t, open) => {
  for (const backend of ['cookie', 'bearer']) {
    t.test(`the life of an account, by ${backend}`, async (t) => {
      const scene = await setScene(t, open, backend)
      const owner = await joins(t, scene)
      const moved = await changesAccount(t, scene, owner)
      const back = await forgetsPassword(t, scene, moved)
      await isLookedAfter(t, scene, back)
      await leaves(t, scene)
    })

    t.test(`a new address that is confirmed first, by ${backend}`, async (t) => {
      const { app, post } = await setScene(t, open, backend, true)
      await confirmsAddress(t, { app, post, backend })
    })
  }
})

async function setScene (t: Test, open: OpenStore, backend: string, confirmEmailChange = false): Promise<Scene> {
  const { users } = await open(t)
  const post = postOffice()
  const app = await appWith(t, { users, fields, routes: everyRoute, confirmEmailChange, ...post.options }, { seed: false })
  return { app, post, backend }
}

/** Whether a credential is that of a session. */
async function lives (app: FastifyInstance, credential: InjectOptions): Promise<boolean> {
  const { statusCode } = await send(app, credential, 'GET', '/users/me')
  if (statusCode !== 200 && statusCode !== 401) throw new Error(`${statusCode}`)
  return statusCode === 200
}

async function joins (t: Test, { app, post, backend }: Scene): Promise<Owner> {
  const joined = await send(app, stranger, 'POST', '/register', bob)
  t.equal(joined.statusCode, 201)
  t.equal(joined.headers['set-cookie'], undefined, 'who registers is not logged in by that')
  t.equal(joined.headers['cache-control'], 'no-store')
  const user = joined.json<Owner & { createdAt: string, updatedAt: string }>()
  t.strictSame(user, {
    nickname: 'Bob',
    plan: 'free',
    id: user.id,
    email: bob.email,
    isActive: true,
    isVerified: false,
    isSuperuser: false,
    createdAt: user.createdAt,
    updatedAt: user.createdAt
  })

  const token = await post.token('verify-address', bob.email)
  const verified = await send(app, stranger, 'POST', '/verify', { token })
  t.match(verified.json(), { id: user.id, isVerified: true })
  t.equal(verified.statusCode, 200)
  t.equal(verified.headers['set-cookie'], undefined)

  t.equal(await outcome(app, stranger, 'GET', '/users/me'), '401 UNAUTHORIZED')
  const me = await send(app, await login(app, backend, bob), 'GET', '/users/me')
  t.strictSame(me.json(), verified.json())
  return { id: user.id, ...bob }
}

async function changesAccount (t: Test, { app, post, backend }: Scene, owner: Owner): Promise<Owner> {
  const elsewhere = await login(app, backend, owner)
  const here = await login(app, backend, owner)
  const own = await send(app, here, 'PATCH', '/users/me', { nickname: 'Bobby' })
  t.match(own.json(), { id: owner.id, nickname: 'Bobby', isVerified: true })
  t.same([own.statusCode, own.cookies, own.json().access_token], [200, [], undefined], 'a field of one\'s own ends no session, so nothing is renewed')
  t.ok(await lives(app, here))

  t.equal(await outcome(app, here, 'PATCH', '/users/me', { email: newAddress }), '400 USER_BAD_CURRENT_PASSWORD')
  t.equal(await outcome(app, here, 'PATCH', '/users/me', { email: newAddress, currentPassword: aPassword('wrong') }), '400 USER_BAD_CURRENT_PASSWORD')
  t.ok(await lives(app, here), 'a wrong current password changes nothing')

  const moved = await send(app, here, 'PATCH', '/users/me', { email: newAddress, currentPassword: owner.password })
  t.match(moved.json(), { id: owner.id, email: newAddress, isVerified: false, nickname: 'Bobby' })
  const renewed = credentialOf(moved)
  t.strictSame(await Promise.all([elsewhere, here, renewed].map((credential) => lives(app, credential))), [false, false, true], 'a new address ends all sessions but the renewed one')
  await post.mail('email-changed', owner.email)
  const token = await post.token('verify-address', newAddress)
  t.match((await send(app, stranger, 'POST', '/verify', { token })).json(), { email: newAddress, isVerified: true })
  t.equal(await outcome(app, stranger, 'POST', `/login/${backend}`, { email: owner.email, password: owner.password }), '400 LOGIN_BAD_CREDENTIALS', 'the old address is nobody\'s')

  const password = aPassword('second')
  const other = await login(app, backend, { email: newAddress, password: owner.password })
  t.equal(await outcome(app, renewed, 'PATCH', '/users/me', { password }), '400 USER_BAD_CURRENT_PASSWORD')
  const changed = await send(app, renewed, 'PATCH', '/users/me', { password, currentPassword: owner.password })
  t.match(changed.json(), { id: owner.id, isVerified: true })
  t.notOk('password' in changed.json(), 'nobody is told a password')
  t.strictSame(await Promise.all([other, renewed, credentialOf(changed)].map((credential) => lives(app, credential))), [false, false, true], 'so does a new password')
  await post.mail('password-changed', newAddress)
  t.equal(await outcome(app, stranger, 'POST', `/login/${backend}`, { email: newAddress, password: owner.password }), '400 LOGIN_BAD_CREDENTIALS')
  return { id: owner.id, email: newAddress, password }
}

async function forgetsPassword (t: Test, { app, post, backend }: Scene, owner: Owner): Promise<Owner> {
  const sessions = [await login(app, backend, owner), await login(app, backend, owner)]
  const asked = await send(app, stranger, 'POST', '/forgot-password', { email: newAddress.toUpperCase() })
  t.same([asked.statusCode, asked.json()], [202, {}])
  const token = await post.token('reset-password', newAddress)
  t.ok(await lives(app, sessions[0] as InjectOptions), 'that somebody asks for a link ends nothing')

  const password = aPassword('third')
  const reset = await send(app, stranger, 'POST', '/reset-password', { token, password })
  t.same([reset.statusCode, reset.json(), reset.cookies], [200, {}, []], 'and nobody is logged in by it')
  t.strictSame(await Promise.all(sessions.map((credential) => lives(app, credential))), [false, false])
  await post.mail('password-changed', newAddress)
  t.equal(await outcome(app, stranger, 'POST', `/login/${backend}`, { email: newAddress, password: owner.password }), '400 LOGIN_BAD_CREDENTIALS')
  await login(app, backend, { email: newAddress, password })
  t.equal(await outcome(app, stranger, 'POST', '/reset-password', { token, password: aPassword('fourth') }), '400 RESET_PASSWORD_BAD_TOKEN')
  return { ...owner, password }
}

async function isLookedAfter (t: Test, { app, backend }: Scene, owner: Owner): Promise<void> {
  const { id } = await app.users.create(root)
  const admin = await login(app, backend, root)
  const url = `/users/${owner.id}`
  let session = await login(app, backend, owner)

  t.match((await send(app, admin, 'GET', url)).json(), { id: owner.id, email: newAddress, isActive: true })
  const first = (await send(app, admin, 'GET', '/users?limit=1')).json()
  t.match(first, { items: [{ id: owner.id }], nextCursor: owner.id }, 'the oldest first')
  t.match((await send(app, admin, 'GET', `/users?limit=1&cursor=${String(first.nextCursor)}`)).json(), { items: [{ id }], nextCursor: null })
  t.match((await send(app, admin, 'GET', '/users?email=ROBERT@')).json(), { items: [{ id: owner.id }], nextCursor: null })
  t.strictSame((await send(app, admin, 'GET', '/users?email=nobody')).json(), { items: [], nextCursor: null })
  t.match((await send(app, admin, 'PATCH', url, { nickname: 'Rob', plan: 'paid' })).json(), { nickname: 'Rob', plan: 'paid' })
  t.ok(await lives(app, session))

  t.match((await send(app, admin, 'PATCH', url, { isActive: false })).json(), { isActive: false })
  t.notOk(await lives(app, session), 'on the very next request')
  t.equal(await outcome(app, stranger, 'POST', `/login/${backend}`, owner), '400 LOGIN_BAD_CREDENTIALS')
  t.match((await send(app, admin, 'PATCH', url, { isActive: true })).json(), { isActive: true })
  t.notOk(await lives(app, session), 'what has ended does not come back')

  session = await login(app, backend, owner)
  t.equal(await outcome(app, session, 'GET', '/users'), '403 FORBIDDEN')
  t.match((await send(app, admin, 'PATCH', url, { isSuperuser: true })).json(), { isSuperuser: true })
  t.equal(await outcome(app, session, 'GET', '/users'), '200', 'rights are looked up at each request')
  t.match((await send(app, admin, 'PATCH', url, { isSuperuser: false })).json(), { isSuperuser: false })
  t.equal(await outcome(app, session, 'GET', '/users'), '401 UNAUTHORIZED')
  session = await login(app, backend, owner)
  t.equal(await outcome(app, session, 'GET', '/users'), '403 FORBIDDEN')

  const gone = await send(app, admin, 'DELETE', url)
  t.same([gone.statusCode, gone.body], [204, ''])
  t.notOk(await lives(app, session))
  t.equal(await outcome(app, admin, 'GET', url), '404 USER_NOT_FOUND')
  t.equal(await outcome(app, admin, 'DELETE', url), '404 USER_NOT_FOUND')
  t.equal(await outcome(app, stranger, 'POST', `/login/${backend}`, owner), '400 LOGIN_BAD_CREDENTIALS')

  const again = await send(app, stranger, 'POST', '/register', { email: newAddress, password: owner.password })
  t.equal(again.statusCode, 201, 'the address is free')
  t.not(again.json().id, owner.id)
  t.notOk(await lives(app, session), 'and the new account is not the old one\'s')
}

async function leaves (t: Test, { app, post, backend }: Scene): Promise<void> {
  const carol = { email: 'carol@example.com', password: aPassword('carol') }
  await send(app, stranger, 'POST', '/register', carol)
  const token = await post.token('verify-address', carol.email)
  const [here, elsewhere] = [await login(app, backend, carol), await login(app, backend, carol)]
  t.equal(await outcome(app, stranger, 'DELETE', '/users/me', { currentPassword: carol.password }), '401 UNAUTHORIZED')
  t.equal(await outcome(app, here, 'DELETE', '/users/me', {}), '400 FST_ERR_VALIDATION')
  t.equal(await outcome(app, here, 'DELETE', '/users/me', { currentPassword: aPassword('wrong') }), '400 USER_BAD_CURRENT_PASSWORD')
  t.ok(await lives(app, here))

  const gone = await send(app, here, 'DELETE', '/users/me', { currentPassword: carol.password })
  t.same([gone.statusCode, gone.body], [204, ''])
  if (backend === 'cookie') t.match(gone.headers['set-cookie'], /^fastifyusersauth=; Max-Age=0; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  t.strictSame([await lives(app, here), await lives(app, elsewhere)], [false, false])
  t.equal(await outcome(app, stranger, 'POST', `/login/${backend}`, carol), '400 LOGIN_BAD_CREDENTIALS')
  t.equal(await outcome(app, stranger, 'POST', '/verify', { token }), '400 VERIFY_USER_BAD_TOKEN')
}

async function confirmsAddress (t: Test, { app, post, backend }: Scene): Promise<void> {
  await app.users.create(bob)
  const here = await login(app, backend, bob)
  t.equal(await outcome(app, here, 'PATCH', '/users/me', { email: newAddress }), '400 USER_BAD_CURRENT_PASSWORD')
  const asked = await send(app, here, 'PATCH', '/users/me', { email: newAddress, nickname: 'Rob', currentPassword: bob.password })
  t.match(asked.json(), { email: bob.email, nickname: 'Rob' }, 'the old address counts until then')
  t.same([asked.cookies, asked.json().access_token], [[], undefined])

  const token = await post.token('confirm-email-change', newAddress)
  t.ok(await lives(app, here))
  const moved = await send(app, stranger, 'POST', '/change-email', { token })
  t.match(moved.json(), { email: newAddress, isVerified: true, nickname: 'Rob' })
  t.equal(moved.statusCode, 200)
  t.same(moved.cookies, [])
  t.notOk(await lives(app, here))
  await post.mail('email-changed', bob.email)
  await login(app, backend, { ...bob, email: newAddress })
  t.equal(await outcome(app, stranger, 'POST', '/change-email', { token }), '400 CHANGE_EMAIL_BAD_TOKEN')
}
