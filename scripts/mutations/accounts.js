/* eslint no-template-curly-in-string: off -- the texts are of the source */
/** What the use cases look at: who somebody is, which tokens hold, and what a change ends. */
export const accounts = [
  {
    file: 'lib/accounts/authenticate.ts',
    tests: ['accounts/users', 'http/login', 'security/account-takeover'],
    mutations: [
      { what: 'an account without a password is told as one with another one', from: "if (user.passwordHash === null) return { user, failure: 'no-password' }", to: "if (user.passwordHash === null) return { user, failure: 'wrong-password' }", tests: ['accounts/events'] },
      { what: 'any password is right', from: "if (matches !== true) return { user, failure: 'wrong-password' }", to: '' },
      { what: 'an inactive user logs in', from: "if (user.isActive !== true) return { user, failure: 'inactive' }", to: '' },
      { what: 'what is no text is compared as the empty one', from: "isText ? password : '', turnOf(source)) && isText", to: "isText ? password : '', turnOf(source))", tests: ['security/account-takeover', 'accounts/users'] },
      { what: 'an unknown address costs no hash', from: 'const matches = await accounts.passwords.verify', to: 'const matches = user !== null && await accounts.passwords.verify', tests: ['accounts/users', 'security/enumeration'] },
      { what: 'a stronger hash overwrites a password that was changed meanwhile', from: 'const upgraded = { ...user, passwordHash: await accounts.passwords.hash(password, turnOf({ request })), version: user.version + 1 }', to: 'const passwordHash = await accounts.passwords.hash(password)\n    user = await accounts.store.findById(user.id) as StoredUser\n    const upgraded = { ...user, passwordHash, version: user.version + 1 }', tests: ['crypto/imported-hashes'] }
    ]
  },
  {
    file: 'lib/accounts/change.ts',
    tests: ['accounts/users', 'http/login-matrix', 'security/reset-tokens'],
    mutations: [
      { what: 'a change ends no session', from: 'sessionEpoch: endsSessions(before, wanted) ? before.sessionEpoch + 1 : wanted.sessionEpoch', to: 'sessionEpoch: wanted.sessionEpoch' },
      { what: 'a change ends no mailed token', from: 'pendingTokens: endsTokens(before, wanted) ? {} : wanted.pendingTokens', to: 'pendingTokens: wanted.pendingTokens', tests: ['security/reset-tokens', 'security/account-takeover'] },
      { what: 'the last superuser is no exception', from: 'const result = isReigning(before) && !isReigning(after)', to: 'const result = false', tests: ['accounts/users', 'security/privilege'] },
      { what: 'the last superuser can be removed', from: 'const result = isReigning(user) ? await store.retire(id, user.version, null) : await store.remove(id, user.version)', to: 'const result: boolean | string = await store.remove(id, user.version)', tests: ['accounts/users', 'security/privilege'] },
      { what: 'a removal is not asked whether it is still allowed', from: 'allow(user)', to: '', tests: ['security/account-takeover'] },
      { what: 'a removal leaves the sessions in the store', from: 'await forgetSessions(accounts, id)', to: '', tests: ['http/sessions', 'strategies/opaque', 'http/refresh'] },
      { what: 'an answer of the store that is no yes is taken for one', from: 'if (result === true) return { before, after }', to: 'if (result !== false) return { before, after }', tests: ['accounts/users'], survives: 'lib/answers.ts lets no odd answer come so far.' },
      { what: 'a new password ends no session', from: 'before.passwordHash !== after.passwordHash ||\n    before.emailKey !== after.emailKey ||\n    (before.isActive && !after.isActive) ||\n    (before.isSuperuser', to: 'before.emailKey !== after.emailKey ||\n    (before.isActive && !after.isActive) ||\n    (before.isSuperuser' },
      { what: 'a new address ends no session', from: 'before.emailKey !== after.emailKey ||\n    (before.isActive && !after.isActive) ||\n    (before.isSuperuser', to: '(before.isActive && !after.isActive) ||\n    (before.isSuperuser' },
      { what: 'deactivation ends no session', from: '(before.isActive && !after.isActive) ||\n    (before.isSuperuser', to: '(before.isSuperuser' },
      { what: 'a lost superuser flag ends no session', from: '||\n    (before.isSuperuser && !after.isSuperuser)', to: '' },
      { what: 'a new password ends no mailed token', from: 'before.passwordHash !== after.passwordHash ||\n    before.emailKey !== after.emailKey ||\n    (before.isActive && !after.isActive) ||\n    (before.isVerified', to: 'before.emailKey !== after.emailKey ||\n    (before.isActive && !after.isActive) ||\n    (before.isVerified', tests: ['security/reset-tokens', 'security/account-takeover'] },
      { what: 'a new address ends no mailed token', from: 'before.emailKey !== after.emailKey ||\n    (before.isActive && !after.isActive) ||\n    (before.isVerified', to: '(before.isActive && !after.isActive) ||\n    (before.isVerified', tests: ['security/reset-tokens', 'security/account-takeover'] },
      { what: 'deactivation ends no mailed token', from: '(before.isActive && !after.isActive) ||\n    (before.isVerified', to: '(before.isVerified', tests: ['security/reset-tokens', 'security/account-takeover'] },
      { what: 'who is no longer verified keeps mailed tokens', from: '||\n    (before.isVerified && !after.isVerified)', to: '', tests: ['security/reset-tokens', 'security/account-takeover', 'accounts/users'] }
    ]
  },
  {
    file: 'lib/accounts/purpose-token.ts',
    tests: ['security/reset-tokens', 'security/account-takeover', 'http/accounts-promises'],
    mutations: [
      { what: 'a mailed token never expires', from: 'pending.expiresAt > clock() && ', to: '' },
      { what: 'a mailed token holds to the second too long', from: 'pending.expiresAt > clock()', to: 'pending.expiresAt >= clock()' },
      { what: 'any token of the user is the one that was mailed', from: ' && hasDigest(token, pending.digest)', to: '' },
      { what: 'an inactive user redeems a mailed token', from: 'return user.isActive === true && pending', to: 'return pending' },
      { what: 'the token is not looked at again as it is redeemed', from: 'if (!holds(accounts, purpose, token, user)) throw refuse()\n', to: '' },
      { what: 'a token is not looked at before a password is hashed', from: 'return user !== null && holds(accounts, purpose, token, user) ? user : null', to: 'return user', tests: ['security/reset-tokens'] },
      { what: 'an inactive user is given a token', from: 'if (current.isActive !== true) throw new UserNotFoundError()', to: '', tests: ['security/account-takeover', 'accounts/users', 'security/reset-tokens'] },
      { what: 'whoever asks for a token is not asked again whether they may', from: 'allow(current)', to: '', tests: ['security/account-takeover'] },
      { what: 'the token itself is stored', from: 'digest: digestOf(token)', to: 'digest: token', tests: ['security/reset-tokens'] },
      { what: 'a token to verify resets the password', from: 'reset: \'fu-reset\'', to: 'reset: \'fu-verify\'' }
    ]
  },
  {
    file: 'lib/accounts/reset-password.ts',
    tests: ['security/reset-tokens', 'security/account-takeover'],
    mutations: [
      { what: 'a bad token costs a hash', from: 'if (user === null) throw refuse()\n', to: "if (user === null) await accounts.passwords.hash('x')\n    if (user === null) throw refuse()\n", tests: ['security/reset-tokens'] },
      { what: 'a password that is none resets', from: "if (typeof password !== 'string') throw new InvalidUserError('password must be a string')", to: '', tests: ['security/account-takeover'] },
      { what: 'the token is not used up', from: "const changed = await redeem(accounts, 'reset', token, refuse, (user) => ({ ...user, passwordHash, ...touched(accounts) }))", to: 'const changed = await change(accounts, user.id, (user) => ({ ...user, passwordHash, pendingTokens: user.pendingTokens, ...touched(accounts) })).catch(() => { throw refuse() })', tests: ['security/reset-tokens'] },
      { what: 'nobody is told of the new password', from: 'await announcePassword(accounts, changed, source)', to: '', tests: ['accounts/events', 'http/accounts'] }
    ]
  },
  {
    file: 'lib/accounts/verify.ts',
    tests: ['http/accounts-promises', 'http/accounts'],
    mutations: [
      { what: 'a verified user is verified again', from: 'if (user.isVerified) throw new AlreadyVerifiedError()', to: '' }
    ]
  },
  {
    file: 'lib/accounts/email-change.ts',
    tests: ['security/account-takeover', 'http/accounts', 'races/accounts'],
    mutations: [
      { what: 'a link to a new address is good twice', from: "const { 'email-change': _used, ...pendingTokens } = user.pendingTokens", to: 'const pendingTokens = user.pendingTokens' },
      { what: 'whoever asked for the change is not asked again', from: ', email, allow })', to: ', email })', tests: ['security/account-takeover'] },
      { what: 'the link goes to the old address', from: "accounts.mailRoom.post('confirm-email-change', toUser(user), email, token)", to: "accounts.mailRoom.post('confirm-email-change', toUser(user), user.email, token)" }
    ]
  },
  {
    file: 'lib/accounts/forgot-password.ts',
    tests: ['security/enumeration', 'security/reset-tokens', 'accounts/events'],
    mutations: [
      { what: 'an inactive user is mailed a link', from: "user.isActive !== true ? 'inactive' : ", to: '' },
      { what: 'the link goes to the address as it was typed', from: 'accounts.mailRoom.post(kind, toUser(user), user.email, token)', to: 'accounts.mailRoom.post(kind, toUser(user), user.emailKey, token)', tests: ['security/reset-tokens'] },
      { what: 'who asks waits for the mail', from: 'source.later(async () => {\n    const', to: 'await (async (work: () => Promise<void>) => { await work() })(async () => {\n    const', tests: ['security/enumeration'] }
    ]
  },
  {
    file: 'lib/accounts/request-verify.ts',
    tests: ['http/accounts-promises', 'security/enumeration', 'accounts/events'],
    mutations: [
      { what: 'an inactive user is mailed a link to verify', from: "user.isActive !== true ? 'inactive' : ", to: '' },
      { what: 'a verified user is mailed a link to verify', from: "user.isVerified ? 'verified' : null", to: 'null' }
    ]
  },
  {
    file: 'lib/accounts/register.ts',
    tests: ['security/enumeration', 'accounts/events', 'accounts/users', 'races/accounts'],
    mutations: [
      { what: 'a hook that refuses is not heeded', from: "if (typeof answer === 'string') throw withReason(new RegisterRefusedError(), answer)", to: '', tests: ['accounts/events'] },
      { what: 'an odd answer of the hook lets everybody in', from: "if (answer !== undefined) throw new TypeError('hooks.onBeforeRegister must return a reason to refuse, or undefined')", to: '', tests: ['accounts/events'] },
      { what: 'the owner is told, though the account is locked', from: 'if (owner?.isActive !== true) return', to: 'if (owner === null) return', tests: ['accounts/users'] },
      { what: 'the hook sees the password', from: 'onBeforeRegister?.(registration as unknown as Registration, source.request)', to: 'onBeforeRegister?.(input as unknown as Registration, source.request)', tests: ['accounts/events'] },
      { what: 'a store that fails is told as success, where accounts are concealed', from: 'await findByEmail(accounts.store, user.email)\n    return user', to: 'return user', tests: ['security/enumeration'] }
    ]
  },
  {
    file: 'lib/accounts/create.ts',
    tests: ['accounts/users', 'races/accounts', 'security/mass-assignment'],
    mutations: [
      { what: 'a second account of one address', from: 'if (await accounts.store.insert(user) !== true) throw new UserAlreadyExistsError()', to: 'await accounts.store.insert(user)' },
      { what: 'fields are not checked', from: 'checkFields(accounts, fields)\n', to: '\n' },
      { what: 'whoever registers is verified', from: 'isVerified: flags.isVerified ?? false', to: 'isVerified: flags.isVerified ?? true' },
      { what: 'whoever registers is a superuser', from: 'isSuperuser: flags.isSuperuser ?? false', to: 'isSuperuser: flags.isSuperuser ?? true' }
    ]
  },
  {
    file: 'lib/accounts/input.ts',
    tests: ['accounts/users', 'security/plugin-misuse', 'security/mass-assignment'],
    mutations: [
      { what: 'anything is an address', from: 'if (email !== undefined && !isAddress(email)) throw', to: 'if (false) throw' },
      { what: 'anything is a password', from: "if (password !== undefined && password !== null && typeof password !== 'string') throw", to: 'if (false) throw' },
      { what: 'anything is a hash', from: 'if (passwordHash !== undefined && !isHash(passwordHash)) throw', to: 'if (false) throw' },
      { what: 'password and hash at once', from: 'if (passwordHash !== undefined && password !== undefined) throw', to: 'if (false) throw' },
      { what: 'a flag is true if it looks so', from: "if (typeof value !== 'boolean') throw", to: 'if (value === null) throw' },
      { what: 'a field that breaks the schema is taken', from: 'refuse(checkFields(before) === null ? checkFields({ ...before, ...changes }) : checkEachField(changes))', to: '' },
      { what: 'no password is refused', from: 'if (reason !== undefined) throw withReason(refuse(), reason)', to: '', tests: ['accounts/password-rules', 'accounts/users', 'security/reset-tokens'] }
    ]
  },
  {
    file: 'lib/accounts/find.ts',
    tests: ['accounts/users', 'security/plugin-misuse', 'security/account-takeover'],
    mutations: [
      { what: 'an id that is no text is asked for', from: "return typeof id === 'string' && id !== '' && !id.includes('\\0')", to: 'return true' },
      { what: 'an address that is none is asked for', from: 'return isEmail(key) ? await store.findByEmail(key) ?? null : null', to: 'return await store.findByEmail(key) ?? null', tests: ['security/plugin-misuse'] },
      { what: 'an address that is no text is asked for', from: "if (typeof email !== 'string') return null", to: '' },
      { what: 'nobody is somebody', from: 'if (user === null) throw new UserNotFoundError()', to: '' }
    ]
  },
  {
    file: 'lib/accounts/password-rules.ts',
    tests: ['accounts/password-rules'],
    mutations: [
      { what: 'a lone surrogate is a password', from: ' || !password.isWellFormed()', to: '' },
      { what: 'the empty password', from: "if (password === '') return 'The password must not be empty.'", to: '' },
      { what: 'a password without end', from: 'if (count(password) > passwordRule.maxLength) return tooLong(passwordRule.maxLength)', to: '' },
      { what: 'an odd answer of the app lets the password pass', from: "if (reason !== undefined && typeof reason !== 'string') throw", to: 'if (false) throw' },
      { what: 'an empty reason lets the password pass', from: "return reason === '' ? 'The password is not allowed.' : reason", to: "return reason === '' ? undefined : reason as string" },
      { what: 'a short password', from: 'if (length < minLength) return', to: 'if (length < minLength - 1) return' },
      { what: 'a password that is longer than allowed', from: 'if (length > maxLength) return tooLong(maxLength)', to: '' },
      { what: 'the address as password', from: 'if (isAddress(password, email)) return', to: 'if (false) return' },
      { what: 'a common password', from: 'if (await isCommon(password)) return', to: 'if (false) return' },
      { what: 'a breached password', from: 'if (await isBreached(password)) return', to: 'if (false) return' },
      { what: 'length counts units of UTF-16', from: 'return [...text].length', to: 'return text.length' },
      { what: 'the form of the password is not the one that is hashed', from: "validatePassword(password.normalize('NFC'), about, rules)", to: 'validatePassword(password, about, rules)' }
    ]
  },
  {
    file: 'lib/accounts/common-passwords.ts',
    tests: ['accounts/password-rules'],
    mutations: [
      { what: 'a common password in capitals', from: 'password.toLowerCase()', to: 'password' },
      { what: 'repeated texts and rows of keys', from: 'if (repeated.test(key) || rows.some((row) => row.includes(key))) return true', to: '' },
      { what: 'the list', from: 'commonList.includes(`\\n${key}\\n`)', to: 'commonList === key' }
    ]
  },
  {
    file: 'lib/accounts/breached-passwords.ts',
    tests: ['accounts/password-rules'],
    mutations: [
      { what: 'the whole digest leaves the machine', from: 'url + hash.slice(0, 5)', to: 'url + hash' },
      { what: 'the range shows on the line', from: "headers: { 'Add-Padding': 'true' }, ", to: '' },
      { what: 'padding is taken for a breach', from: ' && !padding.test(entry)', to: '' },
      { what: 'a reply without end is read', from: 'if (length > longestReply) return null', to: '' },
      { what: 'a text without end is read', from: 'text.length > longestReply ? null : text', to: 'text' },
      { what: 'a page of errors is read', from: 'if (!lines.every((entry) => line.test(entry))) return', to: 'if (false) return' },
      { what: 'a failure of the service is not noticed', from: 'if (!reply.ok) return', to: 'if (false) return' }
    ]
  },
  {
    file: 'lib/accounts/update.ts',
    tests: ['accounts/users', 'http/accounts-promises', 'security/account-takeover'],
    mutations: [
      { what: 'a new address stays verified', from: '...(email !== undefined && emailKey(email) !== current.emailKey ? { isVerified: false } : {}),', to: '' },
      { what: 'a change is not asked whether it is still allowed', from: 'allow(current)\n', to: '\n', tests: ['security/account-takeover', 'races/accounts'] },
      { what: 'changed fields are not checked', from: 'checkChangedFields(accounts, current.fields, fields)', to: '' }
    ]
  },
  {
    file: 'lib/accounts/update-own.ts',
    tests: ['http/accounts-promises', 'security/account-takeover', 'security/privilege'],
    mutations: [
      { what: 'any number of new passwords', from: '...newPassword === undefined ?', to: '...true ?', tests: ['http/throttle'] },
      { what: 'many accounts send many mails to one address', from: '[id, emailKey(newEmail), ', to: '[id, ', tests: ['http/throttle'] },
      { what: 'an address in capitals is another one to mail to', from: '[id, emailKey(newEmail), ', to: '[id, newEmail, ', tests: ['http/throttle'] },
      { what: 'an account that is registered anew tells its address of changes for ever', from: ', `from ${oldKey}`]', to: ']', tests: ['http/throttle'] },
      { what: 'who names an address as their new one keeps its owner there', from: '`from ${oldKey}`', to: 'oldKey', tests: ['http/throttle'] },
      { what: 'a new address needs no password', from: 'if (newEmail === undefined && rest.password === undefined) return', to: 'if (rest.password === undefined && !accounts.policy.confirmEmailChange) return await update(accounts, id, changes, source)\n  if (newEmail === undefined && rest.password === undefined) return' },
      { what: 'a new password needs no old one', from: 'await proveSelf(accounts, user, currentPassword, source)\n  const allow', to: 'const allow' },
      { what: 'a password that was replaced meanwhile is proof', from: 'current.passwordHash !== passwordHash || ', to: '' },
      { what: 'a session that was ended meanwhile is proof', from: ' || current.sessionEpoch !== sessionEpoch', to: '', tests: ['security/account-takeover', 'races/accounts'] },
      { what: 'any password is proof', from: 'if (await accounts.passwords.verify(user.passwordHash, currentPassword, turnOf(source)) !== true) throw', to: 'if (false) throw' },
      { what: 'no password is proof', from: 'if (currentPassword === undefined) throw new BadCurrentPasswordError()', to: 'if (currentPassword === undefined) return' },
      { what: 'a new address is not confirmed, though the app asks for it', from: 'if (!accounts.policy.confirmEmailChange) return', to: 'if (true) return', tests: ['http/accounts', 'security/account-takeover'] }
    ]
  },
  {
    file: 'lib/accounts/remove.ts',
    tests: ['http/accounts-promises', 'security/account-takeover', 'accounts/events'],
    mutations: [
      { what: 'one\'s own end needs no password', from: 'await proveSelf(accounts, user, currentPassword, source)', to: '', tests: ['http/accounts'] },
      { what: 'the proof of one\'s own end is not looked at again', from: ', stillProved(user))', to: ')', tests: ['security/account-takeover'] },
      { what: 'a hook that stops a removal is not heeded', from: 'await accounts.hooks.onBeforeDelete?.(toUser(known), source.request)', to: 'await Promise.resolve(accounts.hooks.onBeforeDelete?.(toUser(known), source.request)).catch(() => {})', tests: ['accounts/events'] }
    ]
  },
  {
    file: 'lib/accounts/revoke-sessions.ts',
    tests: ['accounts/users', 'http/sessions'],
    mutations: [
      { what: 'revokeSessions ends nothing', from: 'sessionEpoch: user.sessionEpoch + 1', to: 'sessionEpoch: user.sessionEpoch' }
    ]
  },
  {
    file: 'lib/accounts/sessions.ts',
    tests: ['http/sessions', 'http/refresh'],
    mutations: [
      { what: 'whoever knows an id ends anybody\'s session', from: 'row?.userId === userId && ', to: '' },
      { what: 'the end of all others ends nothing', from: 'await store.removeAll(userId, exceptId)', to: 'await store.find(exceptId)' },
      { what: 'sessions that have ended are shown', from: 'return expiresAt > now && data.endsAt > now && data.epoch === user.sessionEpoch', to: 'return true' },
      { what: 'sessions of an earlier epoch are shown', from: ' && data.epoch === user.sessionEpoch', to: '' },
      { what: 'any text is a cursor', from: "if (createdAt === undefined) throw new InvalidUserError('cursor must be the nextCursor of another page')", to: '' }
    ]
  },
  {
    file: 'lib/accounts/list.ts',
    tests: ['accounts/users', 'http/accounts-promises'],
    mutations: [
      { what: 'pages of any size', from: 'if (!Number.isSafeInteger(limit) || limit < 1 || limit > 100) throw', to: 'if (false) throw' },
      { what: 'any text is a cursor', from: 'if (cursor !== undefined && !isId(cursor)) throw', to: 'if (false) throw' },
      { what: 'the password hashes are in the list', from: 'items: items.map(toUser)', to: 'items: items.map((user) => ({ ...user, ...toUser(user) }))' }
    ]
  },
  {
    file: 'lib/accounts/to-user.ts',
    tests: ['accounts/users', 'security/leaks', 'security/mass-assignment'],
    mutations: [
      { what: 'a user is shown with the password\'s hash', from: '\n  return { id, email', to: '\n  return { ...stored, id, email' },
      { what: 'a user with fields of the app is shown with the password\'s hash', from: 'return { ...fields, id, email', to: 'return { ...stored, ...fields, id, email' },
      { what: 'a field passes for a flag', from: 'return { ...fields, id, email, isActive, isVerified, isSuperuser, createdAt, updatedAt } as User', to: 'return { id, email, isActive, isVerified, isSuperuser, createdAt, updatedAt, ...fields } as User' }
    ]
  },
  {
    file: 'lib/accounts/record.ts',
    tests: ['accounts/events'],
    mutations: [
      { what: 'what somebody typed for an id is recorded', from: '!(error instanceof UserNotFoundError) && /^[\\w-]{1,64}$/.test(String(userId))', to: 'true', tests: ['accounts/users', 'accounts/events'] },
      { what: 'an address in the place of an id is recorded', from: ' && /^[\\w-]{1,64}$/.test(String(userId))', to: '', tests: ['accounts/users', 'accounts/events'] },
      { what: 'the words of an error are recorded', from: "return typeof code === 'string' && /^\\w{1,64}$/.test(code) ? code : 'ERROR'", to: 'return String((error as Error).message)' },
      { what: 'who did it is not recorded', from: 'actorId: request?.auth?.user.id ?? null', to: 'actorId: null' },
      { what: 'a success is recorded where nothing was done', from: "outcome: reason === undefined ? 'success' : 'failure'", to: "outcome: 'success'" }
    ]
  },
  {
    file: 'lib/accounts/announce.ts',
    tests: ['accounts/events', 'http/accounts'],
    mutations: [
      { what: 'the owner is not told of a new password', from: "accounts.mailRoom.post('password-changed', toUser(after), before.email)", to: '' },
      { what: 'the new address is told of itself, the old one is not', from: "accounts.mailRoom.post('email-changed', toUser(after), before.email)", to: "accounts.mailRoom.post('email-changed', toUser(after), after.email)" }
    ]
  },
  {
    file: 'lib/mail/mail-room.ts',
    tests: ['mail/mail-room', 'security/reset-tokens'],
    mutations: [
      { what: 'the token is in the query of the link', from: '#token=', to: '?token=' },
      { what: 'a subject has lines', from: "subject: subject.replace(/[\\r\\n]+/g, ' ')", to: 'subject' },
      { what: 'links are logged in production', from: 'if (settings.logLinks) logLetter', to: 'logLetter', tests: ['mail/mail-room', 'options', 'security/leaks'] }
    ]
  },
  {
    file: 'lib/mail/smtp.ts',
    tests: ['mail/smtp'],
    mutations: [
      { what: 'a mail to a list of people', from: "if (!isMailbox(to)) throw Object.assign(new Error('The address is none.'), { code: 'EENVELOPE', permanent: true })", to: '' },
      { what: 'the address is read as a list', from: "to: { name: '', address: to }", to: 'to', survives: 'isMailbox lets no address pass that nodemailer would take apart.' },
      { what: 'the transport logs', from: '...patience, ...transport, ...fixed', to: '...patience, ...fixed, ...transport' }
    ]
  },
  {
    file: 'lib/mail/smtp-options.ts',
    tests: ['mail/smtp'],
    mutations: [
      { what: 'a password goes in clear', from: 'requireTLS: auth !== undefined && secure !== true && !isLocal', to: 'requireTLS: false' }
    ]
  }
]
