/* eslint no-template-curly-in-string: off -- the texts are of the source */
/** What our own routes let through, answer and give back. */
export const routes = [
  {
    file: 'lib/http/routes/add-route.ts',
    tests: ['security/cross-site', 'http/login', 'http/accounts-promises'],
    mutations: [
      { what: 'another site logs its visitor in', from: 'onRequest: [onRequest, isAtRisk ? refuseCrossSite : []].flat()', to: 'onRequest: [onRequest].flat()', tests: ['security/cross-site'] },
      { what: 'another site is not refused', from: 'done(context.isCrossSite(request) ? new CrossSiteError() : undefined)', to: 'done()', tests: ['security/cross-site'] },
      { what: 'another site registers its visitor', from: '(loginOf === undefined ? context.backends : [loginOf])', to: '(loginOf === undefined ? [] : [loginOf])', tests: ['security/cross-site', 'http/openapi'] },
      { what: 'our routes have no guard', from: 'preValidation: [guard ?? [], preValidation].flat()', to: 'preValidation: [preValidation].flat()', tests: ['http/accounts-promises', 'http/login'] },
      { what: 'our bodies have the limit of the app', from: '    bodyLimit,\n', to: '', tests: ['http/login', 'http/accounts-input', 'http/accounts-promises'] }
    ]
  },
  {
    file: 'lib/http/routes/index.ts',
    tests: ['http/login', 'security/leaks', 'http/accounts-promises'],
    mutations: [
      { what: 'bodies are checked by the compilers of the app', from: 'scope.setValidatorCompiler(', to: 'void (', tests: ['http/login', 'http/openapi'] },
      { what: 'no body is refused', from: 'return error === null ? { value } : { error: error as unknown as Error }', to: 'return { value }' },
      { what: 'replies may be kept in a cache', from: "'cache-control': 'no-store', pragma", to: 'pragma', tests: ['http/login', 'security/route-matrix'] },
      { what: 'a reply is taken for what it is not', from: "'x-content-type-options': 'nosniff', ", to: '', tests: ['security/route-matrix'] },
      { what: 'other sites learn where one came from', from: ", 'referrer-policy': 'no-referrer'", to: '', tests: ['security/route-matrix'] },
      { what: 'failures of ours are told in their words', from: 'scope.setErrorHandler(tellNothing)', to: '', tests: ['http/login', 'http/session-faults', 'security/leaks', 'security/plugin-misuse'] },
      { what: 'an error of the app is told', from: 'throw isMeant ? error :', to: 'throw true ? error :', tests: ['http/login', 'http/session-faults', 'security/leaks', 'security/plugin-misuse'] },
      { what: 'any 503 is told in its words', from: "(statusCode === 503 && code?.startsWith('FST_USERS_') === true)", to: '(statusCode === 503)', tests: ['security/plugin-misuse'] },
      { what: 'an error is sent with all it has', from: 'return JSON.stringify({ statusCode, code, error, message, reason })', to: 'return JSON.stringify({ ...body, statusCode, code, error, message, reason })', tests: ['security/plugin-misuse'], survives: 'Fastify hands over an object whose own members are these alone: whatever else the error has stands in its prototype.' },
      { what: 'forms are read everywhere', from: 'acceptJson(scope)\n', to: 'acceptJson(scope)\n  acceptForms(scope)\n', tests: ['http/accounts-input', 'http/accounts-promises', 'http/login', 'security/cross-site'] }
    ]
  },
  {
    file: 'lib/http/routes/explain.ts',
    tests: ['security/plugin-misuse'],
    mutations: [
      { what: 'an error quotes names of the client\'s', from: "const [, member] = instancePath.split('/')", to: "const member = instancePath.split('/').slice(1).join('/') || undefined" }
    ]
  },
  {
    file: 'lib/http/routes/pick.ts',
    tests: ['security/mass-assignment'],
    mutations: [
      { what: 'whatever is sent is taken', from: 'Object.hasOwn(properties, name)', to: 'true' },
      { what: 'what every object has is taken for a field', from: 'Object.hasOwn(properties, name)', to: 'name in properties' }
    ]
  },
  {
    file: 'lib/http/routes/login.ts',
    tests: ['http/login', 'http/login-matrix', 'security/plugin-misuse'],
    mutations: [
      { what: 'a refused log-in logs in', from: 'if (failure !== null) return await refuse', to: 'if (user === null) return await refuse' },
      { what: 'an unverified user logs in where only verified ones may', from: 'if (backend.requireVerified && user.isVerified !== true) return await refuse', to: 'if (false) return await refuse' },
      { what: 'the session that the browser had lives on', from: 'if (planted !== null) await decide', to: 'if (false) await decide' },
      { what: 'each bearer ends the session of the request', from: 'return backend.transport.ambient ? (await', to: 'return true ? (await', tests: ['http/login', 'http/login-matrix', 'transports/bearer'] },
      { what: 'a log-in that failed half-way leaves a session', from: 'await decide(() => context.deadline(Promise.resolve(backend.strategy.revoke(session))))\n    throw error', to: 'throw error' },
      { what: 'a log-in that failed half-way leaves the cookie', from: 'if (written) backend.transport.clear(reply, backend.refresh?.path)', to: '' },
      { what: 'an unverified address is told though accounts are concealed', from: "reason === 'not-verified' && !context.accounts.policy.concealAccounts", to: "reason === 'not-verified'" },
      { what: 'a failed log-in is not recorded', from: "record(context.accounts, context.sourceOf(request, reply), { type: 'login', userId: user?.id ?? null, reason, backend: backend.name as BackendName })", to: '', tests: ['accounts/events'] }
    ]
  },
  {
    file: 'lib/http/routes/logout.ts',
    tests: ['http/login', 'http/login-matrix', 'transports/cookie'],
    mutations: [
      { what: 'the session lives on', from: 'await decide(() => context.deadline(Promise.resolve(backend.strategy.revoke(session))))', to: '' },
      { what: 'the cookie stays', from: 'const body = backend.transport.clear(reply, backend.refresh?.path)', to: 'const body = {}' },
      { what: 'a credential of another backend is taken', from: 'context.authenticate({ backends: [name] })', to: 'context.authenticate()', tests: ['http/login-matrix', 'security/route-matrix', 'security/token-kinds'] }
    ]
  },
  {
    file: 'lib/http/routes/refresh.ts',
    tests: ['http/refresh', 'security/refresh-reuse'],
    mutations: [
      { what: 'whoever is gone goes on', from: 'user !== null && user.isActive === true', to: 'user?.isActive !== false' },
      { what: 'an inactive user goes on', from: 'user.isActive === true && user.sessionEpoch', to: 'user.sessionEpoch' },
      { what: 'a session of an earlier epoch goes on', from: 'user.sessionEpoch === session.epoch && ', to: '' },
      { what: 'an unverified user goes on where only verified ones may', from: '(!requireVerified || user.isVerified === true)', to: 'true' },
      { what: 'a client that goes away is told nothing, and gets a second chance', from: "reply.raw.writableEnded && reply.statusCode >= 500 ? 'failed'", to: "!reply.raw.writableEnded || reply.statusCode >= 500 ? 'failed'" },
      { what: 'a reuse is not recorded', from: 'robbed = session.userId', to: '', tests: ['security/refresh-reuse', 'accounts/events', 'http/refresh'] },
      { what: 'a token is said to live longer than its session', from: 'lifetimeSeconds: Math.ceil(leftMs / 1000), ', to: '' }
    ]
  },
  {
    file: 'lib/http/routes/renew.ts',
    tests: ['http/login-matrix', 'http/confirm', 'own-backend'],
    mutations: [
      { what: 'the session before lives on', from: 'await deadline(Promise.resolve(backend.strategy.revoke(session)))', to: '', tests: ['http/confirm', 'http/login-matrix'] }
    ]
  },
  {
    file: 'lib/http/routes/me.ts',
    tests: ['http/accounts-promises', 'http/confirm', 'security/mass-assignment'],
    mutations: [
      { what: 'any member may be changed', from: 'pick<OwnChanges>(request.body, body)', to: 'request.body as OwnChanges', tests: ['security/mass-assignment'] },
      { what: 'a password is confirmed without one', from: 'await proveSelf(accounts, user, (request.body as { password: string }).password, sourceOf(request, reply))', to: '', tests: ['http/confirm'] },
      { what: 'one\'s own end leaves the cookie', from: 'transport.clear(reply, refresh?.path)', to: '', tests: ['http/accounts', 'http/accounts-promises', 'http/login-matrix'] }
    ]
  },
  {
    file: 'lib/http/routes/users.ts',
    tests: ['http/accounts-promises', 'security/privilege', 'http/confirm', 'security/mass-assignment'],
    mutations: [
      { what: 'anybody lists users', from: 'context.authenticate({ superuser: true })\n  const freshGuard = context.authenticate({ superuser: true, fresh: context.freshSeconds })\n  const body = newUserBody', to: 'context.authenticate()\n  const freshGuard = context.authenticate({ superuser: true, fresh: context.freshSeconds })\n  const body = newUserBody' },
      { what: 'anybody adds users', from: 'context.authenticate({ superuser: true, fresh: context.freshSeconds })\n  const body = newUserBody', to: 'context.authenticate({ fresh: context.freshSeconds })\n  const body = newUserBody' },
      { what: 'anybody looks at users', from: 'context.authenticate({ superuser: true })\n  const freshGuard = context.authenticate({ superuser: true, fresh: context.freshSeconds })\n  const body = changesBody', to: 'context.authenticate()\n  const freshGuard = context.authenticate({ superuser: true, fresh: context.freshSeconds })\n  const body = changesBody' },
      { what: 'anybody changes users', from: 'context.authenticate({ superuser: true, fresh: context.freshSeconds })\n  const body = changesBody', to: 'context.authenticate({ fresh: context.freshSeconds })\n  const body = changesBody' },
      { what: 'a session that was left open adds users', from: ', fresh: context.freshSeconds })\n  const body = newUserBody', to: ' })\n  const body = newUserBody', tests: ['http/confirm'] },
      { what: 'a session that was left open changes users', from: ', fresh: context.freshSeconds })\n  const body = changesBody', to: ' })\n  const body = changesBody', tests: ['http/confirm'] },
      { what: 'a superuser changes what no schema names', from: 'pick(request.body, body), sourceOf(request, reply))).after', to: 'request.body as object, sourceOf(request, reply))).after', tests: ['security/mass-assignment', 'security/privilege'] }
    ]
  },
  {
    file: 'lib/http/routes/sessions.ts',
    tests: ['http/sessions'],
    mutations: [
      { what: 'anybody sees the sessions of others', from: 'const guard = context.authenticate({ superuser: true })', to: 'const guard = context.authenticate()', tests: ['security/route-matrix'] },
      { what: 'anybody ends the sessions of others', from: 'context.authenticate({ superuser: true, fresh: context.freshSeconds })', to: 'context.authenticate({ fresh: context.freshSeconds })', tests: ['security/route-matrix'] },
      { what: 'a session that was left open ends those of others', from: '{ superuser: true, fresh: context.freshSeconds }', to: '{ superuser: true }', tests: ['http/sessions', 'http/confirm'] },
      { what: 'the end of one\'s own session leaves the cookie', from: 'if (id === session.id) backend.transport.clear(reply, backend.refresh?.path)', to: '' }
    ]
  },
  {
    file: 'lib/http/routes/mailed-tokens.ts',
    tests: ['security/reset-tokens', 'http/accounts-promises', 'http/accounts-input'],
    mutations: [
      { what: 'what cannot be a token is told apart from a wrong one', from: 'return isAboutToken ? refuse() : explain(errors, part)', to: 'return explain(errors, part)' }
    ]
  },
  {
    file: 'lib/http/routes/register.ts',
    tests: ['security/mass-assignment', 'security/enumeration'],
    mutations: [
      { what: 'whoever registers says what they are', from: 'pick<RegistrationInput>(request.body, body)', to: 'request.body as RegistrationInput' },
      { what: 'a new address is told apart by the status', from: 'reply.code(user === null ? 202 : 201)', to: 'reply.code(201)' }
    ]
  },
  {
    file: 'lib/schemas/account.ts',
    tests: ['security/mass-assignment', 'security/privilege', 'http/accounts-promises'],
    mutations: [
      { what: 'a field that is read-only is written by its owner', from: '.filter(([, schema]) => !isReadOnly(schema))', to: '' },
      { what: 'a superuser chooses a password', from: ', not: { required: [\'password\'] } }', to: ' }' },
      { what: 'whoever registers needs no password', from: "['email', 'password', ...requiredFields(fields, writable)]", to: "['email', ...requiredFields(fields, writable)]", tests: ['http/accounts-promises', 'http/accounts-input', 'accounts/events'] },
      { what: 'the owner ends the account without a password', from: "body({ currentPassword }, ['currentPassword'])", to: 'body({ currentPassword }, [])', tests: ['http/accounts'] },
      { what: 'flags are fields of whoever registers', from: 'body({ ...writable, email: address, password: newPassword }', to: 'body({ ...writable, email: address, password: newPassword, isVerified, isSuperuser }' },
      { what: 'flags are fields of one\'s own', from: 'body({ ...writableFields(fields), email: address, password: newPassword, currentPassword }', to: 'body({ ...writableFields(fields), email: address, password: newPassword, currentPassword, isVerified, isSuperuser }' }
    ]
  },
  {
    file: 'lib/schemas/compile.ts',
    tests: ['http/login', 'http/accounts-input', 'security/mass-assignment', 'accounts/users'],
    mutations: [
      { what: 'a number is a password', from: 'coerceTypes: false', to: 'coerceTypes: true' },
      { what: 'what counts as an address is said twice', from: "ajv.addFormat('email', { type: 'string', validate: isAddress })", to: '', tests: ['security/plugin-misuse'] },
      { what: 'a lone surrogate is a password', from: 'value.isWellFormed()', to: 'value !== null' }
    ]
  },
  {
    file: 'lib/schemas/login.ts',
    tests: ['http/login', 'http/accounts-input'],
    mutations: [
      { what: 'a password without end is hashed', from: 'maxLength: passwordRule.maxLength, ', to: '' },
      { what: 'an empty password is hashed', from: "password: { type: 'string', minLength: 1, ", to: "password: { type: 'string', " },
      { what: 'two names, of which one counts', from: "oneOf: [{ required: ['username'] }, { required: ['email'] }]", to: "anyOf: [{ required: ['username'] }, { required: ['email'] }]" }
    ]
  }
]
