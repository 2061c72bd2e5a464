import { inspect } from 'node:util'
import t from 'tap'
import { unavailable } from '../lib/errors.js'
import { retell } from '../lib/foreign-error.js'

const user = { id: '7', email: "o'neil@example.com", passwordHash: '$argon2id$v=19$m=8$c2FsdA$aGFzaA', pendingTokens: { reset: { digest: 'a digest of it' } }, fields: { plan: 'free' } }

t.test('what may be told of a driver\'s error', async (t) => {
  class DatabaseError extends Error {
    override readonly name = 'DatabaseError'
    readonly code = '23505'
    readonly detail = `Key (email_key)=(${user.email}) already exists.`
    readonly sql = `insert into users values ('${user.passwordHash}')`
    readonly statusCode = 400
  }
  const error = new DatabaseError('duplicate key value violates unique constraint "users_email"')
  const retold = retell(error)
  t.match(retold, { name: 'DatabaseError', code: '23505', message: error.message })
  t.ok(retold instanceof Error)
  t.equal(retold.stack, error.stack)
  t.strictSame(Object.keys(retold), ['code'])
  for (const secret of [user.email, user.passwordHash, 'statusCode']) t.notOk(inspect(retold, { showHidden: true, depth: 9 }).includes(secret))
  t.equal((retell(Object.assign(new Error('no'), { code: 1555 })) as Error & { code: unknown }).code, 1555, 'some have numbers')
})

t.test('what a call was given is not repeated', async (t) => {
  const quoting = new Error(`insert into users (email, password_hash) values ('o''neil@example.com', '${user.passwordHash}', "${user.pendingTokens.reset.digest}") - near 'free'`)
  const { message, stack, cause } = retell(new Error('it failed', { cause: quoting }), [user, 1]).cause as Error
  t.equal(message, "insert into users (email, password_hash) values ('o''…', '…', \"a … of it\") - near '…'")
  t.equal(cause, undefined)
  t.ok(stack?.startsWith(`Error: ${message}\n    at `))

  const cyclic: Record<string, unknown> = { email: user.email }
  cyclic.self = cyclic
  t.equal(retell(new Error('no neil@example.com'), cyclic).message, 'no …')
})

t.test('what is no error, or says little', async (t) => {
  for (const thrown of [undefined, null, 7, 'neil@example.com', {}, { message: 7, stack: 7 }]) t.equal(retell(thrown).message, 'something that is no error was thrown')
  t.equal(retell(Object.assign(new AggregateError([new Error('one address'), new Error('another')]), { code: 'ECONNREFUSED' })).message, 'ECONNREFUSED')

  const circle: { message: string, cause?: unknown } = { message: 'round' }
  circle.cause = circle
  let depth = 0
  for (let error: unknown = retell(circle); error instanceof Error; error = error.cause) depth++
  t.equal(depth, 6)
})

t.test('all of a 503 goes through it', async (t) => {
  const { cause } = unavailable(Object.assign(new Error('no such user: neil@example.com'), { detail: 'more' }), ['neil@example.com'])
  t.match(cause, { message: 'no such user: …' })
  t.notOk('detail' in (cause as object))
})
