import { readFile } from 'node:fs/promises'
import t from 'tap'
import { passwordHint } from '../../examples/web/browser/password-hint.js'
import { explain } from '../../examples/web/browser/problems.js'
import { createPasswordRules } from '../../lib/accounts/password-rules.js'
import { resolvePasswords } from '../../lib/password-options.js'

t.test('each code that a client may be told has words of its own', async (t) => {
  const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const [told = ''] = /## Told to clients[^]*?(?=\n## )/.exec(page) ?? []
  const codes = [...told.matchAll(/^\| `(\w+)`/gm)].map(([, code = '']) => code)
  t.ok(codes.length > 30, `${codes.length} codes`)
  // The client has gone by then.
  for (const code of codes.filter((code) => code !== 'FST_USERS_CLIENT_GONE')) t.not(explain(code).text, explain('NO_SUCH_CODE').text, code)
})

t.test('a reason of the server is told, and when to come again', async (t) => {
  t.strictSame(explain('REGISTER_INVALID_PASSWORD', 'Too short.'), { text: 'Too short.', field: 'password' })
  for (const [seconds, words] of [[1, '1 second'], [59, '59 seconds'], [60, '1 minute'], [61, '2 minutes'], [7200, '2 hours'], [315_360, '4 days']] as const) {
    t.equal(explain('TOO_MANY_REQUESTS', undefined, seconds).text, `Too many attempts. Try again in ${words}.`)
  }
  t.equal(explain('FST_USERS_BUSY').text, 'Many people log in just now. Try again in 5 seconds.')
})

t.test('the hint says no where the server does, and yes but for what it cannot know', async (t) => {
  const email = 'Annabelle.Lee@Example.com'
  const { check } = createPasswordRules(resolvePasswords({}), { warn () {} })
  const common = 'The password is one of the commonest, which are tried first. Choose another one.'

  for (const [password, level] of [
    ['', 0],
    ['1234567', 1],
    ['tr0ub4d', 1],
    ['🦊🐻🐼🦁🐯🐨🐸', 1],
    ['🦊🐻🐼🦁🐯🐨🐸🐙', 2],
    ['annabelle.lee@example.COM', 1],
    ['Annabelle.Lee', 1],
    ['abcABCabc', 1],
    ['        ', 1],
    ['äöüéèàôñ'.normalize('NFD'), 2],
    ['tr0ub4d&', 2],
    ['tr0ub4d&4321', 3],
    ['correct horse battery staple', 4],
    ['x-'.repeat(64) + 'y', 1]
  ] as const) {
    t.equal(passwordHint(password, email).level, level, password)
    const refused = await check(password, { email }) !== undefined
    t.equal(level < 2, refused, password)
  }
  t.equal(passwordHint('password123').level, 2)
  t.equal(await check('password123', { email }), common, 'which is why the hint says "unless"')
  t.match(passwordHint('1234567').text, 'One character more.')
  t.match(passwordHint('12345').text, '3 characters more.')
})
