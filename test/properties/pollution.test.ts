import fc from 'fast-check'
import t from 'tap'
import { memory, type StoredUser } from '../../lib/index.js'
import { aPassword, fields, postOffice, send, stranger } from '../helpers/accounts.js'
import { ann, appWith } from '../helpers/app.js'
import { holds } from '../helpers/properties.js'
import { everything } from '../helpers/route-table.js'
import { byBearer, logIn } from '../helpers/sessions.js'

/** No member of a body reaches the prototype of every object, or stands in a stored user under such a name. */

const evil = fc.constantFrom('__proto__', 'constructor', 'prototype', '__defineGetter__', '__lookupGetter__', 'toString', 'hasOwnProperty')
const plain = fc.constantFrom('nickname', 'settings', 'plan', 'email', 'polluted', 'a')
/** A member's name as JSON writes it, with or without escapes that a naive search does not see. */
const name = fc.tuple(fc.oneof({ weight: 2, arbitrary: evil }, plain), fc.nat(8), fc.boolean()).map(([name, at, escaped]) => {
  const index = at % name.length
  return escaped ? `"${name.slice(0, index)}\\u${name.charCodeAt(index).toString(16).padStart(4, '0')}${name.slice(index + 1)}"` : `"${name}"`
})
const leaf = fc.constantFrom('true', '"polluted"', '1', 'null', '{"polluted":true}', '{"isSuperuser":true,"isActive":true}')
const { value } = fc.letrec<{ value: string, object: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, leaf, tie('object'), fc.array(tie('value'), { maxLength: 2 }).map((items) => `[${items.join()}]`)),
  object: fc.array(fc.tuple(name, tie('value')), { minLength: 1, maxLength: 3 }).map((members) => `{${members.map((member) => member.join(':')).join()}}`)
}))
const members = fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 3 }).map((members) => members.map((member) => member.join(':')).join())

const form = fc.array(fc.tuple(fc.oneof(
  fc.tuple(evil, plain).map(([evil, plain]) => `${evil}[${plain}]`),
  fc.tuple(evil, evil, plain).map((parts) => parts.join('.')),
  fc.tuple(plain, evil, plain).map(([one, evil, other]) => `${one}[${evil}][${other}]`),
  evil
), fc.constantFrom('true', 'polluted', '1')), { minLength: 1, maxLength: 4 }).map((pairs) => new URLSearchParams(pairs).toString())

const own = (): string => JSON.stringify([Object.prototype, Array.prototype, Function.prototype].map((one) => Reflect.ownKeys(one).map(String)))
const before = own()

function isClean (): boolean {
  const bare = {} as Record<string, unknown>
  return own() === before && bare.polluted === undefined && bare.isSuperuser === undefined && ([] as unknown as typeof bare).polluted === undefined
}

/** Whether a user holds what only a schema or the server may put there, and nothing under a name that means something to an object. */
function isSound ({ fields: stored, isSuperuser, ...user }: StoredUser): boolean {
  const proto: unknown = Object.getPrototypeOf(stored)
  return (proto === Object.prototype || proto === null) && isSuperuser === (user.email === root.email) &&
    Object.keys(stored).every((name) => ['nickname', 'plan', 'settings'].includes(name)) &&
    !JSON.stringify({ ...user, stored }).includes('"__proto__"') && !/"constructor":\{[^}]*"prototype"/.test(JSON.stringify(stored))
}

const root = { email: 'root@example.com', password: aPassword('root') }

t.test('bodies', async (t) => {
  const users = memory()
  // A field that takes any object: what stands in it is the application's, and still harmless.
  const free = { ...fields, properties: { ...fields.properties, settings: { type: 'object' } } }
  const app = await appWith(t, { ...everything('opaque'), users, fields: free, ...postOffice().options })
  const { id } = await app.users.create({ email: 'target@example.com' })
  await app.users.create({ ...root, isVerified: true, isSuperuser: true })
  const actor = { email: 'actor@example.com', password: aPassword('actor') }
  await app.users.create({ ...actor, isVerified: true })
  const admin = byBearer.withAccess((await logIn(app, byBearer, root)).access)
  const me = byBearer.withAccess((await logIn(app, byBearer, actor)).access)
  let count = 0

  const places = [
    [stranger, 'POST', '/register', () => `"email":"new${count++}@example.com","password":"${aPassword('new')}"`],
    [stranger, 'POST', '/login/bearer', () => `"email":"${ann.email}","password":"x"`],
    [stranger, 'POST', '/verify', () => '"token":"x"'],
    [stranger, 'POST', '/forgot-password', () => '"email":"nobody@example.com"'],
    [me, 'PATCH', '/users/me', () => '"nickname":"x"'],
    [me, 'POST', '/confirm', () => '"password":"x"'],
    [admin, 'PATCH', `/users/${id}`, () => '"nickname":"x","isSuperuser":false,"email":"target@example.com"'],
    [admin, 'POST', '/users', () => `"email":"made${count++}@example.com","isSuperuser":false`]
  ] as const

  holds(t, 'pollution by JSON', 2500, fc.asyncProperty(fc.nat(places.length - 1), members, fc.boolean(), async (index, members, isFirst) => {
    const [who, method, url, needed] = places[index] as typeof places[number]
    const body = isFirst ? `{${members},${needed()}}` : `{${needed()},${members}}`
    const reply = await send(app, who, method, url, body)
    return reply.statusCode < 500 && isClean()
  }))

  holds(t, 'pollution by a form', 500, fc.asyncProperty(form, fc.constantFrom('/login/bearer', '/login/cookie', '/logout/bearer', '/refresh/bearer'), async (form, url) => {
    const reply = await app.inject({ method: 'POST', url, payload: `${form}&email=nobody%40example.com&password=x&refresh_token=x`, headers: { ...me.headers, 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded', authorization: 'Bearer x' } })
    return [400, 401].includes(reply.statusCode) && isClean()
  }))

  holds(t, 'pollution by the query', 500, fc.asyncProperty(form, fc.constantFrom('/users', '/sessions', '/users/me'), async (query, url) => {
    return (await send(app, admin, 'GET', `${url}?${query}`)).statusCode < 500 && isClean()
  }))

  t.test('and all users are sound', async (t) => {
    let sound = 0
    for (let after: string | null = null, page: readonly StoredUser[]; (page = await users.list({ after, limit: 100, emailPart: null })).length > 0; after = (page.at(-1) as StoredUser).id) {
      for (const user of page) {
        if (!isSound(user)) t.fail(JSON.stringify(user))
        sound++
      }
    }
    t.ok(sound > 100, 'and there are some')
  })
})
