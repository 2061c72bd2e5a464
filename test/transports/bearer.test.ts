import type { FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import { bearer, opaque, type Credential } from '../../lib/index.js'
import { transportContract } from '../../lib/testing/index.js'
import { ann, appWith, refusal } from '../helpers/app.js'

const present = (reply: { json: () => unknown }) => ({ headers: { authorization: `Bearer ${(reply.json() as { access_token: string }).access_token}` } })
for (const { name, run } of transportContract(() => bearer(), present)) t.test(name, run)

t.test('the header, in every spelling that RFC 6750 allows, and in no other', async (t) => {
  const app = await appWith(t, { strategy: opaque() })
  const token = (await app.inject({ method: 'POST', url: '/login/bearer', payload: ann })).json<{ access_token: string }>().access_token
  const status = async (authorization: string) => (await app.inject({ url: '/me', headers: { authorization } })).statusCode
  for (const good of [`Bearer ${token}`, `bearer ${token}`, `BEARER  ${token}`]) t.equal(await status(good), 200, good.slice(0, 8))
  for (const bad of [token, `Bearer${token}`, `Bearer\t${token}`, `Bearer ${token},x`, `Bearer ${token} x`, `Bearer "${token}"`, `Token ${token}`, 'Bearer', 'Bearer ', `Bearer=${token}`]) t.equal(await status(bad), 401, bad.replace(token, '…'))
})

t.test('the refresh token is read from the body, where it is a text', async (t) => {
  const { readRefresh } = bearer().transport
  const read = (body: unknown) => readRefresh?.({ body } as FastifyRequest)
  t.equal(read({ refresh_token: 'a' }), 'a')
  for (const body of [undefined, null, {}, [], 'refresh_token', { refresh_token: 1 }, { refresh_token: null }, { refresh_token: ['a'] }, { refreshToken: 'a' }]) t.equal(read(body), null, JSON.stringify(body))
})

t.test('what is given, with a refresh token and without', async (t) => {
  const { transport } = bearer({ refresh: true })
  const credential = { token: 'a', lifetimeSeconds: 60, persistent: true } as Credential
  const reply = {} as FastifyReply
  const plain = { access_token: 'a', token_type: 'bearer', expires_in: 60 }
  t.strictSame(transport.write(reply, credential), plain)
  t.strictSame(transport.write(reply, { ...credential, refresh: { token: 'b', lifetimeSeconds: 600, path: '/refresh/bearer' } }), { ...plain, refresh_token: 'b' })
  t.strictSame(transport.clear(reply, '/refresh/bearer'), {})

  const members = (hasRefresh?: boolean) => Object.keys((transport.loginSchema({}, hasRefresh) as { properties: object }).properties)
  t.strictSame(members(), Object.keys(plain))
  t.strictSame(members(true), [...Object.keys(plain), 'refresh_token'])
})

t.test('its options', async (t) => {
  for (const [given, message] of [[{ realm: '' }, 'realm must be printable ASCII without " and \\'], [{ realm: 'a"b' }, 'realm must be'], [{ realm: 'é' }, 'realm must be'], [{ realm: 1 }, 'realm must be'], [{ cookieName: 'a' }, 'cookieName is no option of bearer()'], [{ rememberSeconds: 60 }, 'rememberSeconds is no option of bearer()']] as const) {
    t.match(await refusal({ backends: [bearer(given as object)] }), `FST_USERS_BAD_OPTIONS: options.backends[0].${message}`)
  }
  const app = await appWith(t, { backends: [bearer({ realm: 'the shop' })] })
  t.equal((await app.inject('/me')).headers['www-authenticate'], 'Bearer realm="the shop"')
  t.equal((await app.inject({ url: '/me', headers: { authorization: 'Bearer x' } })).headers['www-authenticate'], 'Bearer realm="the shop", error="invalid_token"')
})
