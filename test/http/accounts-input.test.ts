import { createHash } from 'node:crypto'
import type { FastifyInstance, InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import type { PasswordHasher, StoredUser, UserStore } from '../../lib/index.js'
import { aPassword, everyRoute, fields as plainFields, outcome, send, stranger } from '../helpers/accounts.js'
import { ann, appWith, login } from '../helpers/app.js'
import { onEachStore } from '../helpers/stores.js'

const fields = { type: 'object', properties: { ...plainFields.properties, notes: { type: 'string' }, more: {} } } as const

/** Thousands of passwords are hashed here, and none of them is worth it. */
const hasher: PasswordHasher = {
  hash: async (password) => `sha256:${createHash('sha256').update(password).digest('hex')}`,
  verify: async (hash, password) => hash === await hasher.hash(password),
  needsRehash: () => false
}

/** What a member may be sent as, none of which the plugin expects. As JSON, so that all of it can be. */
const oddities = {
  null: 'null',
  true: 'true',
  false: 'false',
  'a number': '12345678',
  'a huge number': '1e308',
  'an empty text': '""',
  'a text': '"text of no kind"',
  'a long text': JSON.stringify('x'.repeat(15_000)),
  'a NUL': '"\\u0000"',
  'a text with a NUL': '"ann\\u0000@example.com"',
  'a lone surrogate': '"password \\ud800"',
  'an emoji': '"🦊🦊🦊🦊🦊🦊🦊"',
  'a quote': '"\' or 1=1; --"',
  'an empty list': '[]',
  'a list with an address': '["new@example.com"]',
  'a nested list': `${'['.repeat(500)}${']'.repeat(500)}`,
  'an empty object': '{}',
  'an operator': '{"$ne":null}'
} as const

const members = ['email', 'password', 'currentPassword', 'nickname', 'plan', 'notes', 'more', 'isActive', 'isVerified', 'isSuperuser', 'passwordHash', 'unknown']

onEachStore(t, async (t, open) => {
  t.test('every member, as anything', async (t) => {
    const { users } = await open(t)
    const app = await appWith(t, { users, fields, routes: { ...everyRoute, verify: false }, passwords: { hasher } })
    await app.users.create({ email: 'root@example.com', password: aPassword('root'), isSuperuser: true })
    const admin = await login(app, 'bearer', { email: 'root@example.com', password: aPassword('root') })
    let count = 0

    for (const member of members) {
      const refused: Record<string, string[]> = {}
      let target = await newUser(app, `first${count}@example.com`)
      for (const [oddity, json] of Object.entries(oddities)) {
        count++
        // The session of the last one may be over.
        if (['password', 'isActive', 'isSuperuser'].includes(member)) target = await newUser(app, `target${count}@example.com`)
        const fresh = `new${count}@example.com`
        const others = member === 'email' ? { password: aPassword('new') } : member === 'password' ? { email: fresh } : { email: fresh, password: aPassword('new') }
        const replies = {
          'DELETE /users/me': await send(app, target.session, 'DELETE', '/users/me', body(member, json, {})),
          'POST /register': await send(app, stranger, 'POST', '/register', body(member, json, others)),
          'POST /users': await send(app, admin, 'POST', '/users', body(member, json, { ...others, email: member === 'email' ? undefined : `made${count}@example.com` })),
          'PATCH /users/me': await send(app, target.session, 'PATCH', '/users/me', body(member, json, {})),
          'PATCH /users/me, with the password': await send(app, target.session, 'PATCH', '/users/me', body(member, json, member === 'currentPassword' ? { email: fresh } : { currentPassword: ann.password })),
          'PATCH /users/:id': await send(app, admin, 'PATCH', `/users/${target.id}`, body(member, json, {}))
        }
        for (const [route, reply] of Object.entries(replies)) {
          const { statusCode } = reply
          if (![200, 201, 400].includes(statusCode)) t.fail(`${route} ${member} as ${oddity}: ${statusCode} ${reply.body.slice(0, 200)}`)
          if (reply.body.includes('xxxxxxxx') && statusCode >= 400) t.fail(`${route} ${member} as ${oddity}: what was sent is quoted`)
          if (statusCode === 400) (refused[route] ??= []).push(oddity)
        }
      }
      t.same(refused, expected(member), member)
    }
    await allSound(t, users)
  })

  t.test('bodies that are no objects, and requests without one', async (t) => {
    const { users } = await open(t)
    const app = await appWith(t, { users, fields, routes: everyRoute })
    await app.users.update((await app.users.getByEmail(ann.email))?.id as string, { isSuperuser: true })
    const admin = await login(app, 'bearer')
    const before = JSON.stringify(await users.list({ after: null, limit: 100, emailPart: null }))

    for (const [method, url] of [['POST', '/register'], ['POST', '/forgot-password'], ['POST', '/request-verify-token'], ['POST', '/verify'], ['POST', '/reset-password'], ['PATCH', '/users/me'], ['DELETE', '/users/me'], ['POST', '/users'], ['PATCH', `/users/${(await me(app, admin)).id}`]] as const) {
      for (const payload of ['null', '[]', '"text"', '7', 'true', '[{"email":"ann@example.com"}]', '{', '', '{"email":"a@example.com"', '\u{feff}{}x', '{"__proto__":{"isSuperuser":true}}', '{"constructor":{"prototype":{"isSuperuser":true}}}', '['.repeat(8000)]) {
        t.match(await outcome(app, admin, method, url, payload), /^400 (?:FST_ERR_VALIDATION|FST_ERR_CTP_\w+)$/, `${method} ${url.slice(0, 16)} ${payload.slice(0, 20)}`)
      }
      t.match(await outcome(app, admin, method, url), /^400 /, `${method} ${url.slice(0, 16)} without a body`)
      t.match(await outcome(app, { headers: { ...admin.headers, 'content-type': 'application/x-www-form-urlencoded' } }, method, url, 'email=ann%40example.com'), /^415 /, 'a form')
    }
    t.equal(JSON.stringify(await users.list({ after: null, limit: 100, emailPart: null })), before)
    t.equal(({} as { isSuperuser?: boolean }).isSuperuser, undefined)
  })
})

/** A JSON body in which one member is the JSON given. */
function body (member: string, json: string, others: object): string {
  const rest = JSON.stringify(others).slice(1, -1)
  return `{${rest}${rest === '' ? '' : ','}${JSON.stringify(member)}:${json}}`
}

async function newUser (app: FastifyInstance, email: string): Promise<{ id: string, session: InjectOptions }> {
  const { id } = await app.users.create({ email, password: ann.password })
  return { id, session: await login(app, 'bearer', { email, password: ann.password }) }
}

async function me (app: FastifyInstance, session: InjectOptions): Promise<{ id: string }> {
  return (await send(app, session, 'GET', '/users/me')).json()
}

/** Which oddities each route refuses; it ignores, or takes, the others. */
function expected (member: string): Record<string, string[]> {
  const all = Object.keys(oddities)
  const but = (...fine: Array<keyof typeof oddities>): string[] => all.filter((oddity) => !fine.includes(oddity as keyof typeof oddities))
  const texts = ['an empty text', 'a text', 'a NUL', 'a text with a NUL', 'a lone surrogate', 'an emoji', 'a quote'] as const
  const routes = (of: (route: string) => string[]): Record<string, string[]> => Object.fromEntries(
    ['POST /register', 'POST /users', 'PATCH /users/me', 'PATCH /users/me, with the password', 'PATCH /users/:id', 'DELETE /users/me'].map((route) => [route, route === 'DELETE /users/me' ? all : of(route)] as const).filter(([, oddities]) => oddities.length > 0))
  const isForSuperusers = (route: string): boolean => route === 'POST /users' || route === 'PATCH /users/:id'

  switch (member) {
    case 'email': return routes(() => all)
    case 'password': return routes((route) => route === 'PATCH /users/:id' || route === 'PATCH /users/me' ? all : but('a text', 'a text with a NUL', 'a quote'))
    case 'currentPassword': return routes((route) => route === 'PATCH /users/me, with the password' ? all : route === 'PATCH /users/me' ? but(...texts.filter((text) => text !== 'a lone surrogate')) : [])
    case 'nickname': return routes(() => but(...texts))
    case 'plan': return routes((route) => isForSuperusers(route) ? all : [])
    case 'notes': return routes(() => but(...texts, 'a long text'))
    case 'isActive': case 'isVerified': case 'isSuperuser': return routes((route) => isForSuperusers(route) ? but('true', 'false') : [])
    default: return routes(() => [])
  }
}

/** Whatever was sent: what is stored is what it must be. */
async function allSound (t: Test, users: UserStore): Promise<void> {
  let after: string | null = null
  for (let page = 0; page < 100; page++) {
    const found: readonly StoredUser[] = await users.list({ after, limit: 100, emailPart: null })
    for (const user of found) {
      const { id, email, emailKey, passwordHash, version, sessionEpoch, fields, ...flags } = user
      const isSound = /^[\da-f-]{36}$/.test(id) && /^[a-z]+\d*@example\.com$/.test(email) && email === emailKey && (passwordHash === null || /^sha256:/.test(passwordHash)) &&
        Number.isSafeInteger(version) && Number.isSafeInteger(sessionEpoch) &&
        [flags.isActive, flags.isVerified, flags.isSuperuser].every((flag) => typeof flag === 'boolean') &&
        Object.keys(fields).every((name) => Object.hasOwn(plainFields.properties, name) || ['notes', 'more'].includes(name)) &&
        ['free', 'paid'].includes(fields.plan as string)
      if (!isSound) t.fail(JSON.stringify(user))
    }
    after = found.at(-1)?.id ?? null
    if (after === null) break
  }
  t.equal(after, null, 'all users were looked at')
}
