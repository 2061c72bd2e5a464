/* eslint no-template-curly-in-string: off -- the texts are of the source */
/** What does not start. */
export const options = [
  {
    file: 'lib/options.ts',
    tests: ['options', 'refresh-options'],
    mutations: [
      { what: 'a store that forgets, in production', from: 'expect(!production || users?.ephemeral !== true', to: 'expect(true' },
      { what: 'sessions that are forgotten, in production', from: 'expect(!production || sessions?.ephemeral !== true', to: 'expect(true' },
      { what: 'anything is a clock', from: "expect(typeof clock === 'function'", to: 'expect(true' },
      { what: 'a clock that tells parts of a millisecond makes sessions that no store may answer', from: 'Math.floor(clock())', to: 'clock()' },
      { what: 'anything is an audit', from: "expect(typeof audit === 'function'", to: 'expect(true' },
      { what: 'concealing is true if it looks so', from: "expect(typeof concealAccounts === 'boolean'", to: 'expect(true' },
      { what: 'a fresh proof of nothing', from: 'expect(freshSeconds === false || (isWhole(freshSeconds) && freshSeconds > 0)', to: 'expect(true' },
      { what: 'a deadline of nothing', from: 'expect(isWhole(storeTimeoutMs) && storeTimeoutMs >= 1 && storeTimeoutMs <= 60_000', to: 'expect(true' },
      { what: 'what another process has ended counts for minutes', from: 'cacheSeconds >= 0 && cacheSeconds <= 60', to: 'cacheSeconds >= 0', tests: ['options', 'http/cache'] },
      { what: 'accounts are concealed where nobody could tell', from: 'expect(concealAccounts !== true || routes?.verify === true', to: 'expect(true' },
      { what: 'anything is an origin', from: 'expect(Array.isArray(trustedOrigins) && trustedOrigins.every(isOrigin)', to: 'expect(true' },
      { what: 'an origin with a path', from: ' && new URL(value).origin === value', to: '' },
      { what: 'links that nobody sends, in production', from: 'if (production && problems.length === 0) problems.push(...senderProblems(options))', to: '' },
      { what: 'problems do not keep it from starting', from: 'if (problems.length > 0) throw new BadOptionsError', to: 'if (false) throw new BadOptionsError' },
      { what: 'a prefix that is none', from: 'expect(typeof prefix === \'string\' && /^(?:\\/[\\w.~-]+)*$/.test(prefix)', to: 'expect(true' }
    ]
  },
  {
    file: 'lib/backend-options.ts',
    tests: ['options', 'refresh-options', 'own-backend'],
    mutations: [
      { what: 'two backends of one name', from: 'expect(names.indexOf(name) === index', to: 'expect(true' },
      { what: 'two backends in one cookie', from: 'expect(twin === -1', to: 'expect(true' },
      { what: 'a lifetime that is none', from: 'return value === undefined || (isWhole(value) && value >= 1 && value <= longestLifetime)', to: 'return true' },
      { what: 'a lifetime of years', from: ' && value <= longestLifetime', to: '' },
      { what: 'access tokens of a day beside refresh tokens', from: 'Math.min(strategy.lifetimeSeconds, shortLifetime, refresh.absoluteSeconds)', to: 'strategy.lifetimeSeconds', tests: ['refresh-options', 'http/refresh'] },
      { what: 'verified is true if it looks so', from: "expect(requireVerified === undefined || typeof requireVerified === 'boolean'", to: 'expect(true' },
      { what: 'remember me beside refresh tokens', from: 'expect(rememberSeconds === undefined || refresh === undefined || refresh === false', to: 'expect(true' },
      { what: 'what is no backend is one', from: 'if (!isBackend) return', to: 'if (false) return' }
    ]
  },
  {
    file: 'lib/refresh-options.ts',
    tests: ['refresh-options'],
    mutations: [
      { what: 'a grace of minutes', from: 'graceSeconds >= 0 && graceSeconds <= 10', to: 'graceSeconds >= 0' },
      { what: 'a session without end', from: ' && absoluteSeconds <= longestLifetime', to: '' },
      { what: 'idle for longer than it lives', from: ' && idleSeconds <= absoluteSeconds', to: '' }
    ]
  },
  {
    file: 'lib/field-options.ts',
    tests: ['security/plugin-misuse', 'security/mass-assignment', 'options'],
    mutations: [
      { what: 'a field passes for a flag', from: '.filter((name) => taken.includes(name))', to: '.filter(() => false)' },
      { what: 'a field passes for a member of a login\'s reply', from: 'const taken = [...reservedNames, ...tokenMembers]', to: 'const taken: string[] = [...reservedNames]' },
      { what: 'a readOnly inside a field protects nothing', from: 'const buried = Object.keys(properties).filter(', to: 'const buried = Object.keys({}).filter(' }
    ]
  },
  {
    file: 'lib/password-options.ts',
    tests: ['accounts/password-rules', 'options'],
    mutations: [
      { what: 'cheap hashes, in production', from: 'expect(!production || isObject(hasher) || memoryCost * timeCost >= owaspLeastWork', to: 'expect(true' },
      { what: 'passwords of a letter', from: 'minLength >= passwordRule.minLength && ', to: '' },
      { what: 'passwords that may not be long', from: 'maxLength >= longPassword.allowed && ', to: '' },
      { what: 'the digest of a password to anywhere', from: 'if (url !== undefined && !isRangeUrl(url)) problems.push', to: 'if (false) problems.push' },
      { what: 'half a hasher', from: "expect(hasher === undefined || isHasher(typeof hasher === 'function' ? hasher(owaspCost) : hasher)", to: 'expect(true' }
    ]
  },
  {
    file: 'lib/mail-options.ts',
    tests: ['mail/mail-options', 'options'],
    mutations: [
      { what: 'links lead where the Host header says', from: 'expect(baseUrl !== undefined || mailer === undefined || !production', to: 'expect(true' },
      { what: 'links over plain http, in production', from: "return production && protocol === 'http:' &&", to: 'return false &&' },
      { what: 'a base that is none', from: "if (typeof value !== 'string' || !URL.canParse(value) || !/^https?:\\/\\/[^\\s\\\\?#]+$/i.test(value)) return false", to: '' },
      { what: 'a name of lines in each subject', from: 'expect(appName === undefined || isPlainName(appName)', to: 'expect(true' },
      { what: 'a link that resets for a year', from: 'expect(isBetween(60, resetSeconds, 86_400)', to: 'expect(true' },
      { what: 'a link that verifies for a year', from: 'expect(isBetween(60, verifySeconds, 604_800)', to: 'expect(true' }
    ]
  },
  {
    file: 'lib/sender-options.ts',
    tests: ['options'],
    mutations: [
      { what: 'who has an account is told by nobody, though accounts are concealed', from: 'const concealed = options.concealAccounts === true ? ', to: 'const concealed = options.concealAccounts === undefined ? ' }
    ]
  },
  {
    file: 'lib/route-options.ts',
    tests: ['route-options', 'security/plugin-misuse', 'options'],
    mutations: [
      { what: 'hooks of the app run before ours', from: 'return [own, added].flat()', to: 'return [added, own].flat()' },
      { what: 'members of the app replace ours', from: 'properties: { ...body.properties, ...ownSchema?.body?.properties }', to: 'properties: { ...ownSchema?.body?.properties, ...body.properties }' },
      { what: 'a guard that the app adds to our route has no say', from: 'guardHooks.includes(name) ? heedAll(hook) : hook', to: 'hook', tests: ['security/plugin-misuse'] }
    ]
  },
  {
    file: 'lib/start-backends.ts',
    tests: ['refresh-options', 'options', 'strategies/jwt'],
    mutations: [
      { what: 'refresh tokens without sessions', from: 'if (refresh !== undefined && started.refresh === undefined) throw', to: 'if (false) throw' },
      { what: 'sessions that are forgotten, in production', from: 'if (settings.production && started.sessions?.ephemeral === true) throw', to: 'if (false) throw' },
      { what: 'what has ended is remembered as it was', from: 'noting(started)', to: 'started', tests: ['http/cache'] },
      { what: 'ended tokens that are forgotten, in production', from: 'if (production) throw new BadOptionsError(`options.users.revocations', to: 'if (false) throw new BadOptionsError(`options.users.revocations', tests: ['options', 'strategies/jwt'] }
    ]
  },
  {
    file: 'lib/plugin.ts',
    tests: ['security/plugin-misuse', 'options', 'refresh-options', 'http/guard', 'plugin'],
    mutations: [
      { what: 'the decorators of another plugin are overwritten', from: '  refuseTakenNames(fastify, settings)\n', to: '\n' },
      { what: 'sessions that nobody could end are listed', from: 'if (groups.sessions === true && without !== -1) throw', to: 'if (false) throw' },
      { what: 'the store is not closed', from: 'await one.close?.()', to: 'void one' },
      { what: 'that a store could not be closed is kept secret', from: 'if (errors.length === 1) throw errors[0]', to: '' }
    ]
  },
  {
    file: 'lib/start-accounts.ts',
    tests: ['accounts/users', 'security/mass-assignment', 'http/session-faults'],
    mutations: [
      { what: 'fields that nobody knows are stored', from: 'const check = compile({ ...fields, additionalProperties: false })', to: 'const check = compile(fields)', tests: ['accounts/users', 'security/mass-assignment'] },
      { what: 'what a store says is told', from: 'store: sealed(users, userAnswers, deadline, noteChanged)', to: 'store: users', tests: ['accounts/users', 'http/session-faults'] },
      { what: 'what has changed is remembered as it was', from: 'if (changing.has(method)) noteChange', to: 'if (false) noteChange', tests: ['http/cache'] }
    ]
  }
]
