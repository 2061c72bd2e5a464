import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createPasswordRules } from '../../lib/accounts/password-rules.js'
import type { BreachOptions } from '../../lib/contracts/password-rule.js'
import { passwordProblems, resolvePasswords, type PasswordOptions } from '../../lib/password-options.js'

const about = { email: 'Annabelle.Lee@Example.com' }
const good = 'correct horse battery staple'

const tooShort = 'The password must have at least 8 characters.'
const tooLong = 'The password must have at most 128 characters.'
const noText = 'The password must be a text of Unicode characters.'
const isAddress = 'The password must not be your e-mail address, nor the part before its @.'
const isCommon = 'The password is one of the commonest, which are tried first. Choose another one.'
const isBreached = 'The password is known from a data breach, so it will be tried. Choose another one.'

/** The rules, with the options that the plugin would take, and what they log. */
function rulesWith (options: PasswordOptions = {}): { check: (password: unknown) => Promise<string | undefined>, lines: unknown[] } {
  const lines: unknown[] = []
  const log = { warn: (...line: unknown[]) => { lines.push(...line) } }
  const { check } = createPasswordRules(resolvePasswords(options), log)
  return { check: (password) => check(password, about), lines }
}

/** So many characters, none of them common or repeated. */
function text (length: number, from = 0x4e00): string {
  return Array.from({ length }, (_, index) => String.fromCodePoint(from + (index * 7919) % 5000)).join('')
}

t.test('lengths count code points of form NFC', async (t) => {
  const { check } = rulesWith()
  for (const [password, reason] of [
    ['tr0ub4d', tooShort],
    ['tr0ub4d&', undefined],
    [text(64), undefined],
    [text(128), undefined],
    [text(129), tooLong],
    [text(1024), tooLong],
    [text(1025), 'The password must have at most 1024 characters.'],
    ['🦊🐻🐼🦁🐯🐨🐸', tooShort],
    ['🦊🐻🐼🦁🐯🐨🐸🐙', undefined],
    [text(128, 0x20000), undefined],
    [text(129, 0x20000), tooLong],
    ['äöüéèàô'.normalize('NFD'), tooShort],
    ['äöüéèàôñ'.normalize('NFD'), undefined],
    ['é'.normalize('NFD') + text(127), undefined]
  ] as const) t.equal(await check(password), reason, `${password.length} units: ${password.slice(0, 20)}`)
})

t.test('the bounds move', async (t) => {
  const { check } = rulesWith({ minLength: 15, maxLength: 1024 })
  t.equal(await check('fourteen signs'), 'The password must have at least 15 characters.')
  t.equal(await check('fifteen signs !'), undefined)
  t.equal(await check(text(1024)), undefined)
  t.equal(await check(text(1025)), 'The password must have at most 1024 characters.')
  t.equal(await check('passwordpassword'), isCommon, 'what is long enough is still looked up')

  const narrow = rulesWith({ maxLength: 64 })
  t.equal(await narrow.check(text(64)), undefined)
  t.equal(await narrow.check(text(65)), 'The password must have at most 64 characters.')
})

t.test('only a text of well-formed Unicode is a password', async (t) => {
  const { check } = rulesWith()
  for (const password of [undefined, null, 12345678, true, ['correct horse'], { length: 8 }, Buffer.from(good), `${good}\ud83e`, `\udd8a${good}`]) t.equal(await check(password), noText)
  t.equal(await check(''), 'The password must not be empty.')
})

t.test('no mix of characters is asked for', async (t) => {
  const { check } = rulesWith()
  for (const password of [good, 'onlylowercaseletters', 'ONLYCAPITALSHERE', '8301947265', '  a  b   c', ' leading and trailing ', 'tab\tand\nline', 'bell\u0007inside', '密码很长的一句话呢', '\u202eבדיקה של סיסמה']) t.equal(await check(password), undefined, JSON.stringify(password))
})

t.test('the address and its local part are refused in any case', async (t) => {
  const { check } = rulesWith()
  for (const password of ['Annabelle.Lee@Example.com', 'annabelle.lee@example.com', 'ANNABELLE.LEE@EXAMPLE.COM', 'annabelle.lee', 'ANNABELLE.Lee', ' annabelle.lee ']) t.equal(await check(password), isAddress, password)
  for (const password of ['annabelle.lee@example.org', 'annabelle.lee sleeps', 'example.com', '@example.com']) t.equal(await check(password), undefined, password)

  const rules = createPasswordRules(resolvePasswords({}), { warn: () => {} })
  t.equal(await rules.check('Zoë.Müller'.normalize('NFD'), { email: 'zoë.müller@example.com' }), isAddress, 'however it was typed')
  t.equal(await rules.check('ann at the lake', { email: 'ann@example.com' }), undefined, 'a short local part is part of many a text')
})

t.test('the commonest are refused in any case', async (t) => {
  const { check } = rulesWith()
  for (const password of ['password', 'PASSWORD', 'PassWord', 'password1', 'passw0rd', 'iloveyou', 'trustno1', '12345678', '1234567890', 'qwertyuiop', '1qaz2wsx', 'Liverpool', 'STARWARS', 'Password123', '1Q2W3E4R5T']) t.equal(await check(password), isCommon, password)
  t.equal(await check('liverpool in the rain'), undefined)
  t.equal(await check('password\n12345678'), undefined, 'two of them are none')
})

t.test('and so are repeated texts and plain rows of keys', async (t) => {
  const { check } = rulesWith()
  for (const password of ['aaaaaaaa', '        ', '🦊'.repeat(8), '.'.repeat(128), 'abababab', 'xyzxyzxyz', '12341234', 'QwertyQwerty', 'tr0ub4d&tr0ub4d&', 'abcdefgh', 'HGFEDCBA', 'lmnopqrst', '87654321', '0987654321', '12345678901234567890', 'asdfghjkl', 'poiuytrewq', 'qwertzuiop', 'azertyuiop']) t.equal(await check(password), isCommon, password)
  for (const password of ['aaaaaaab', 'abcdefgj', '🦊🦊🦊🦊🦊🦊🦊🐻', 'two words two words']) t.equal(await check(password), undefined, password)
})

t.test('a rule of the app extends those of the package, or replaces them', async (t) => {
  const extending = rulesWith({ validatePassword: async (password, user, rules) => password.includes('acme') ? 'The password must not hold our name.' : await rules(password, user) })
  t.equal(await extending.check('acme for everybody'), 'The password must not hold our name.')
  t.equal(await extending.check('password'), isCommon)
  t.equal(await extending.check(about.email), isAddress)
  t.equal(await extending.check(good), undefined)

  const replacing = rulesWith({ validatePassword: (password) => password === 'no' ? 'No.' : undefined })
  t.equal(await replacing.check('no'), 'No.')
  for (const password of ['x', 'password', about.email, text(1024)]) t.equal(await replacing.check(password), undefined)
})

t.test('what it is given: form NFC, and what is known of the user', async (t) => {
  const seen: unknown[] = []
  const known = { email: 'ann@example.com', nickname: 'Ann' }
  const { check } = createPasswordRules(resolvePasswords({ validatePassword: (...given) => { seen.push(...given) } }), { warn: () => {} })
  t.equal(await check('ä'.normalize('NFD'), known), undefined)
  t.strictSame(seen.slice(0, 2), ['ä', known])
  t.type(seen[2], 'function')
})

t.test('some bounds hold whatever it says, and it is not asked', async (t) => {
  let asked = 0
  const { check } = rulesWith({ validatePassword: () => { asked++ } })
  for (const password of [undefined, null, 12345678, `${good}\ud83e`]) t.equal(await check(password), noText)
  t.equal(await check(''), 'The password must not be empty.')
  t.equal(await check(text(1025)), 'The password must have at most 1024 characters.')
  t.equal(await check('e\u0301'.repeat(513)), 'The password must have at most 1024 characters.', 'as a login counts it')
  t.equal(asked, 0)
})

t.test('an answer that is none refuses', async (t) => {
  t.equal(await rulesWith({ validatePassword: () => '' }).check(good), 'The password is not allowed.')
  for (const answer of [null, true, false, 0, {}, ['no'], new Error(good)]) {
    for (const validatePassword of [() => answer, async () => answer]) {
      const refused = await rulesWith({ validatePassword: validatePassword as never }).check(good).catch((error: unknown) => error)
      t.match(refused, { name: 'TypeError', message: 'options.passwords.validatePassword must answer with a string, which refuses, or with undefined' })
    }
  }
  const failing = rulesWith({ validatePassword: () => { throw new Error('the app is broken') } })
  await t.rejects(failing.check(good), { message: 'the app is broken' })
})

type Answer = (reply: ServerResponse, suffix: string) => unknown

/** The digits of the hash of the password that is tried in what follows. */
const digits = createHash('sha1').update(good).digest('hex').toUpperCase()

/** A service that speaks the range API. */
async function rangeService (t: Test, answer: Answer): Promise<{ breaches: BreachOptions, requests: IncomingMessage[], stop: () => void }> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, reply) => {
    requests.push(request)
    answer(reply, digits.slice(5))
  })
  const stop = (): void => {
    server.close()
    server.closeAllConnections()
  }
  t.after(stop)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { breaches: { fetch, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/range/`, timeoutMs: 10_000 }, requests, stop }
}

const other = '0018A45C4D1DEF81644B54AB7F969B88D65'

t.test('breached passwords are refused', async (t) => {
  for (const [name, answer, reason] of [
    ['seen', (reply, suffix) => reply.end(`${other}:3\r\n${suffix}:1`), isBreached],
    ['seen often', (reply, suffix) => reply.end(`${suffix}:52256179\r\n${other}:0\r\n`), isBreached],
    ['in lower case, with bare line feeds', (reply, suffix) => reply.end(`${other}:3\n${suffix.toLowerCase()}:10\n`), isBreached],
    ['not seen', (reply) => reply.end(`${other}:3\r\n${'F'.repeat(35)}:12`), undefined],
    ['padding', (reply, suffix) => reply.end(`${other}:3\r\n${suffix}:0`), undefined],
    ['nothing in this range', (reply) => reply.end(), undefined]
  ] satisfies Array<[string, Answer, string | undefined]>) {
    const { breaches } = await rangeService(t, answer)
    const { check, lines } = rulesWith({ breaches })
    t.equal(await check(good), reason, name)
    t.strictSame(lines, [], `${name}: nothing to complain about`)
  }
})

t.test('five digits are sent, and nothing else', async (t) => {
  const { breaches, requests } = await rangeService(t, (reply) => reply.end(`${other}:3`))
  t.equal(await rulesWith({ breaches }).check(good), undefined)
  t.equal(requests.length, 1)
  const [request] = requests as [IncomingMessage]
  t.equal(request.method, 'GET')
  t.equal(request.url, `/range/${digits.slice(0, 5)}`)
  t.equal(request.headers['add-padding'], 'true')
  t.notMatch(JSON.stringify(request.rawHeaders), digits.slice(5))
})

t.test('the service is asked last, and by the default rules alone', async (t) => {
  const { breaches, requests } = await rangeService(t, (reply, suffix) => reply.end(`${suffix}:9`))
  const { check } = rulesWith({ breaches })
  for (const password of [null, 'short', text(129), about.email, 'password', 'aaaaaaaa']) t.type(await check(password), 'string')
  t.equal(await rulesWith({ breaches, validatePassword: () => undefined }).check(good), undefined)
  t.equal(requests.length, 0)
  t.equal(await rulesWith({ breaches, validatePassword: (password, user, rules) => rules(password, user) }).check(good), isBreached)
  t.equal(requests.length, 1)
})

t.test('a service that cannot tell lets the password pass, and the log says so', async (t) => {
  const endless = (reply: ServerResponse): unknown => reply.end(`${other}:3\r\n`.repeat(27_000))
  // 25,000 of these lines are as much as is read: the cut leaves whole lines, and one of them is the password's.
  const cutBetweenLines = (reply: ServerResponse, suffix: string): unknown => reply.end(`${suffix}:123\n${`${other}:123\n`.repeat(25_000)}`)
  for (const [name, answer, options, why] of [
    ['fails', (reply) => reply.writeHead(503).end(), {}, 'the service answered with status 503'],
    ['knows no such range', (reply) => reply.writeHead(404).end('no'), {}, 'the service answered with status 404'],
    ['limits, with a body that goes on', (reply) => reply.writeHead(429).write('later'), {}, 'the service answered with status 429'],
    ['is a hotel', (reply) => reply.end('<html>Welcome</html>'), {}, 'the reply cannot be read'],
    ['mixes both', (reply, suffix) => reply.end(`${suffix}:3\r\n<html>`), {}, 'the reply cannot be read'],
    ['leaves counts out', (reply, suffix) => reply.end(suffix), {}, 'the reply cannot be read'],
    ['sends bytes', (reply) => reply.end(Buffer.from([0, 255, 254, 10, 13])), {}, 'the reply cannot be read'],
    ['sends a novel', endless, {}, 'the reply cannot be read'],
    ['sends a novel in good lines', cutBetweenLines, {}, 'the reply cannot be read'],
    ['sends a novel to a fetch without a body', () => {}, { fetch: async () => ({ ok: true, status: 200, text: async () => `${other}:123\n`.repeat(25_001) }) }, 'the reply cannot be read'],
    ['hangs up', (reply) => reply.destroy(), {}, 'the request failed'],
    ['hangs up halfway', (reply, suffix) => { reply.writeHead(200, { 'content-length': 1000 }).write(suffix, () => reply.destroy()) }, {}, 'the request failed'],
    ['never answers', () => {}, { timeoutMs: 50 }, 'no answer within 50 ms'],
    ['stops halfway', (reply, suffix) => reply.write(`${suffix}:3\r\n`), { timeoutMs: 50 }, 'no answer within 50 ms'],
    ['is asked by a fetch that ignores the signal', () => {}, { timeoutMs: 50, fetch: () => new Promise<never>(() => {}) }, 'no answer within 50 ms'],
    ['is asked by a fetch that throws', () => {}, { fetch: (url: string) => { throw new Error(url) } }, 'the request failed'],
    ['is asked by a fetch that gives nothing', () => {}, { fetch: async () => undefined as never }, 'the request failed']
  ] satisfies Array<[string, Answer, Partial<BreachOptions>, string]>) {
    const { breaches } = await rangeService(t, answer)
    const { check, lines } = rulesWith({ breaches: { ...breaches, ...options } })
    t.equal(await check(good), undefined, name)
    t.strictSame(lines, [`fastify-users: a new password could not be compared with breached ones: ${why}`], `${name}: one line, without password, hash, prefix or address`)
  }

  const { breaches, stop } = await rangeService(t, () => {})
  stop()
  const { check, lines } = rulesWith({ breaches })
  t.equal(await check(good), undefined, 'is not there')
  t.strictSame(lines, ['fastify-users: a new password could not be compared with breached ones: the request failed'])
})

t.test('a reply without an end is not received any further than it is of use', async (t) => {
  const chunk = `${other}:123\n`.repeat(1000)
  let sent = 0
  let closed: Promise<unknown> = Promise.resolve()
  const { breaches } = await rangeService(t, (reply) => {
    closed = once(reply, 'close')
    const more = (): void => { if (!reply.destroyed && sent < 2_000 * chunk.length) reply.write(chunk, () => { sent += chunk.length; setImmediate(more) }) }
    more()
  })
  const { check, lines } = rulesWith({ breaches })
  t.equal(await check(good), undefined)
  t.strictSame(lines, ['fastify-users: a new password could not be compared with breached ones: the reply cannot be read'])
  await closed
  t.ok(sent < 1_000 * chunk.length, `${sent} bytes were sent`)
})

t.test('a fetch of one\'s own that has nothing but a text, or a body of another kind', async (t) => {
  const suffix = digits.slice(5)
  for (const body of [undefined, null, 'x', {}]) {
    t.equal(await rulesWith({ breaches: { fetch: async () => ({ ok: true, status: 200, body, text: async () => `${suffix}:1` }) } }).check(good), isBreached)
  }
  async function * pieces (): AsyncGenerator<Uint8Array> {
    for (const byte of Buffer.from(`${suffix}:1`)) yield Buffer.of(byte)
  }
  t.equal(await rulesWith({ breaches: { fetch: async () => ({ ok: true, status: 200, body: pieces(), text: async () => '' }) } }).check(good), isBreached)
})

t.test('the options', async (t) => {
  const settings = resolvePasswords({})
  t.match(settings, { minLength: 8, maxLength: 128, validatePassword: undefined, breaches: undefined })
  t.strictSame([{}, { queueLimit: 4 }, { queueLimit: 9 }, { queuePerClient: 50 }].map((given) => resolvePasswords(given).queuePerClient), [25, 2, 3, 50], 'a share of the queue')
  t.strictSame(resolvePasswords({ breaches: { fetch } }).breaches, { fetch, url: 'https://api.pwnedpasswords.com/range/', timeoutMs: 2_000 })

  for (const production of [true, false]) {
    for (const options of [{ minLength: 8, maxLength: 64 }, { minLength: 64, maxLength: 1024 }, { minLength: undefined, maxLength: undefined, validatePassword: undefined, breaches: undefined }, { breaches: { fetch } }, { breaches: { fetch, url: 'http://127.0.0.1:8080/', timeoutMs: 30_000 } }, { breaches: { fetch, url: undefined, timeoutMs: undefined } }]) {
      t.strictSame(passwordProblems(options, production), [])
    }
    for (const minLength of [7, 65, 8.5, '8', null, Infinity, NaN]) t.strictSame(passwordProblems({ minLength } as never, production), ['options.passwords.minLength must be a whole number of characters from 8 to 64'])
    for (const maxLength of [63, 1025, 64.5, '64', null, Infinity]) t.strictSame(passwordProblems({ maxLength } as never, production), ['options.passwords.maxLength must be a whole number of characters from 64 to 1024'])
  }
  for (const validatePassword of [null, 'x', {}]) t.strictSame(passwordProblems({ validatePassword } as never, false), ['options.passwords.validatePassword must be a function'])
  for (const breaches of [null, true, 'https://example.com/']) t.strictSame(passwordProblems({ breaches } as never, false), ['options.passwords.breaches must be an object, such as { fetch }'])
  for (const url of ['', 'example.com/', 'https://example.com/range', 'ftp://example.com/', 'https://ann:secret@example.com/', 'https://example.com/?range=/', 'https://example.com/#/', 'https://:/', 5, null]) {
    t.strictSame(passwordProblems({ breaches: { fetch, url } } as never, false), ['options.passwords.breaches.url must be an http or https URL that ends with /, without a user name, a password or a query'], String(url))
  }
  for (const timeoutMs of [0, -1, 0.5, 30_001, Infinity, '2s', null]) t.strictSame(passwordProblems({ breaches: { fetch, timeoutMs } } as never, false), ['options.passwords.breaches.timeoutMs must be a whole number of milliseconds from 1 to 30000'])
  t.strictSame(passwordProblems({ breaches: { timeout: 5 }, minlength: 9 } as never, false), [
    'options.passwords.minlength is no option: did you mean minLength?',
    'options.passwords.breaches.timeout is no option: did you mean timeoutMs?',
    'options.passwords.breaches.fetch must be a function, such as the global fetch'
  ], 'all at once')
})
