/* eslint no-template-curly-in-string: off -- the texts are of the source */
/** Who gets through: what counts as logged in, what a guard asks, and what another site may do. */
export const access = [
  {
    file: 'lib/authenticator.ts',
    tests: ['http/guard', 'http/login-matrix', 'security/plugin-misuse', 'security/cross-site'],
    mutations: [
      { what: 'a credential that browsers send counts, whoever made the request', from: 'if (transport.ambient && isCrossSite(request)) return', to: 'if (false) return', tests: ['security/cross-site'] },
      { what: 'a bearer token is asked where it comes from', from: 'if (transport.ambient && isCrossSite(request)) return', to: 'if (isCrossSite(request)) return', tests: ['security/cross-site'] },
      { what: 'a removed user is a failure of the store', from: 'user !== null && user !== undefined && typeof user.id', to: 'typeof user!.id' },
      { what: 'a user of another id is let in', from: "typeof user.id === 'string' && user.id === session.userId &&", to: '' },
      { what: 'an id that is missing on both sides is a match', from: "typeof user.id === 'string' && ", to: '' },
      { what: 'an inactive user is let in', from: 'user.isActive === true && Number', to: 'Number' },
      { what: 'a session of an earlier epoch is let in', from: ' && user.sessionEpoch === session.epoch', to: '' },
      { what: 'an epoch that is missing on both sides is a match', from: 'Number.isSafeInteger(user.sessionEpoch) && ', to: '' },
      { what: 'a backend for verified users asks nobody', from: ' || (backend.requireVerified && known.user.isVerified !== true)', to: '' },
      { what: 'a credential that does not hold is none', from: 'if (known === null || (backend.requireVerified', to: 'if (known === null) return nothingSent\n  if ((backend.requireVerified' },
      { what: 'an empty token is none', from: 'if (token === \'\') return { reason: \'invalid\', backend }', to: 'if (token === \'\') return nothingSent' },
      { what: 'the user that the strategy brings is not looked at', from: 'if (user !== undefined) return toKnown(session, user)', to: 'if (user !== undefined && user !== null) return { session, user }' },
      { what: 'a strategy that forgets to say whose session is believed', from: "if (session === undefined) throw new StoreAnswerError('verify')", to: '', tests: ['http/cache'] },
      { what: 'the least telling reason wins', from: 'rank[other.reason] > rank[one.reason]', to: 'rank[other.reason] < rank[one.reason]' }
    ]
  },
  {
    file: 'lib/backend.ts',
    tests: ['transports/cookie', 'transports/bearer', 'http/guard'],
    mutations: [
      { what: 'remember me is offered where it is not', from: 'remember && rememberSeconds !== undefined ? rememberSeconds', to: 'remember ? rememberSeconds ?? 10 * backend.lifetimeSeconds', tests: ['transports/cookie', 'http/login'] }
    ]
  },
  {
    file: 'lib/http/guard.ts',
    tests: ['http/guard', 'security/plugin-misuse', 'http/confirm'],
    mutations: [
      { what: 'a misspelt option is overlooked', from: 'if (problem !== undefined) throw new BadOptionsError(', to: 'if (false) throw new BadOptionsError(' },
      { what: 'a guard is taken for a hook that is given a payload', from: 'if (!isFunction(done)) throw', to: 'if (false) throw' },
      { what: 'whoever is refused passes', from: 'return isOpenTo(guard, request) ? undefined : error', to: 'return undefined' },
      { what: 'an open route is open to the guard of the very route', from: 'return isOpenTo(guard, request) ? undefined : error', to: 'return isOpen(request.routeOptions.config) ? undefined : error', tests: ['security/plugin-misuse', 'http/openapi', 'http/login'] },
      { what: 'guards in a row need not agree', from: 'if (before.user.id !== outcome.user.id && !isOpenTo(guard, request)) return', to: 'if (false) return' },
      { what: 'at our routes the guard of the app says whose request it is', from: 'if (before !== null && !isOwnGuard(guard, request)) {', to: 'if (before !== null) {', tests: ['security/plugin-misuse'] },
      { what: 'what another plugin has left is a user', from: 'request.user = null as unknown as User', to: '' },
      { what: 'optional lets a bad credential pass', from: 'if (optional && outcome.reason === \'none\') return undefined', to: 'if (optional) return undefined' },
      { what: 'verified asks nobody', from: 'if (verified && outcome.user.isVerified !== true) return', to: 'if (false) return' },
      { what: 'superuser asks nobody', from: 'if (superuser && outcome.user.isSuperuser !== true) return', to: 'if (false) return' },
      { what: 'fresh asks nobody', from: 'if (fresh !== Infinity && !isFresh(outcome.session, fresh)) return', to: 'if (false) return' },
      { what: 'a new token is a fresh proof', from: 'clock() - (authenticatedAt ?? issuedAt)', to: 'clock() - issuedAt', tests: ['http/confirm', 'http/refresh'] },
      { what: 'a proof without a time is fresh', from: 'return clock() - (authenticatedAt ?? issuedAt) <= seconds * 1000', to: 'return !(clock() - (authenticatedAt ?? issuedAt) > seconds * 1000)' },
      { what: 'a flag that is no boolean is taken', from: "if (options[name] !== undefined && typeof options[name] !== 'boolean') throw", to: 'if (false) throw' },
      { what: 'the hook itself is taken for options', from: "if ('raw' in options) throw", to: 'if (false) throw' },
      { what: 'no backends at all let everybody in', from: 'if (!Array.isArray(names) || names.length === 0) throw', to: 'if (false) throw' },
      { what: 'an unknown backend is overlooked', from: 'if (backend === undefined) throw new UnknownBackendError', to: 'if (false) throw new UnknownBackendError' },
      { what: 'a store that hangs is waited for', from: 'deadline(outcome).then((outcome) => { done(', to: 'outcome.then((outcome) => { done(', tests: ['http/session-faults', 'http/guard'] },
      { what: 'a store that fails is told in its words', from: '(cause: unknown) => { done(undecided(cause)) }', to: '(cause: Error) => { done(cause) }', tests: ['http/guard', 'http/login', 'http/session-faults'] },
      { what: 'a store that throws is told in its words', from: 'done(undecided(cause))\n        return', to: 'done(cause as Error)\n        return', tests: ['http/guard', 'http/login', 'own-backend'] }
    ]
  },
  {
    file: 'lib/http/cross-site.ts',
    tests: ['security/cross-site'],
    mutations: [
      { what: 'no origin is trusted', from: 'if (origin !== undefined && trusted.has(origin)) return false', to: '' },
      { what: 'every origin is trusted', from: 'trusted.has(origin)) return', to: 'true) return' },
      { what: 'a page of the same site, but another origin, is the user\'s own', from: "fetchSite !== 'same-origin' && fetchSite !== 'none'", to: "fetchSite !== 'same-origin' && fetchSite !== 'none' && fetchSite !== 'same-site'" },
      { what: 'Sec-Fetch-Site is overlooked', from: "if (fetchSite !== undefined) return fetchSite !== 'same-origin' && fetchSite !== 'none'", to: '' },
      { what: 'Origin is overlooked', from: 'const source = origin ?? referer', to: 'const source = referer' },
      { what: 'Referer is overlooked', from: 'const source = origin ?? referer', to: 'const source = origin' },
      { what: 'an app of a scheme of its own bears our name', from: 'if (protocol !== \'https:\' && protocol !== \'http:\') return false', to: '', tests: ['security/cross-site', 'properties/cross-site'] },
      { what: 'another host is one\'s own', from: 'if (source !== undefined) return !isOwnHost(source, request)', to: 'if (source !== undefined) return false' },
      { what: 'the origin "null" is one\'s own', from: 'if (!URL.canParse(source)) return false', to: 'if (!URL.canParse(source)) return true' },
      { what: 'a host that ends alike is one\'s own', from: 'new URL(own).host === host', to: 'host.endsWith(new URL(own).host)' },
      { what: 'a cookie without any sign of a page is trusted', from: 'return cookie !== undefined && requestedWith === undefined && !isJson(contentType)', to: 'return false' },
      { what: 'a form is as good as JSON', from: ' && !isJson(contentType)', to: ' && contentType === undefined' },
      { what: 'what only looks like JSON is JSON', from: '/^application\\/json\\s*(?:;|$)/i', to: '/application\\/json/i' },
      { what: 'a WebSocket is a GET like any other', from: 'return isHandshake(request) && isForeign(request)', to: 'return false' },
      { what: 'a trusted origin opens no WebSocket', from: ' && !trusted.has(origin) && ', to: ' && ' },
      { what: 'a handshake in capitals is none', from: '/websocket/i', to: '/websocket/' },
      { what: 'no program opens a WebSocket', from: 'return origin !== undefined && !trusted', to: 'return origin === undefined || !trusted' },
      { what: 'POST changes nothing', from: "new Set(['GET', ", to: "new Set(['POST', 'GET', " }
    ]
  },
  {
    file: 'lib/http/open-route.ts',
    tests: ['security/plugin-misuse', 'http/openapi', 'http/login', 'route-options'],
    mutations: [
      { what: 'a guard of the app at our very route has no say', from: ' && !heeded.has(request)', to: '' },
      { what: 'a guard of the very route has had its say for ever', from: 'const over = (): void => { heeded.delete(request) }', to: 'const over = (): void => {}' },
      { what: 'every route is open', from: 'return config !== undefined && Object.hasOwn(config, open)', to: 'return true' },
      { what: 'a hook\'s refusal is lost', from: 'done(error)', to: 'done()' }
    ]
  },
  {
    file: 'lib/http/body.ts',
    tests: ['http/login', 'http/accounts-input', 'security/cross-site'],
    mutations: [
      { what: 'the parsers of the app read our bodies', from: 'scope.removeAllContentTypeParsers()', to: "scope.removeContentTypeParser('application/json')" },
      { what: '__proto__ in a body is read', from: "scope.getDefaultJsonParser('error', 'error')", to: "scope.getDefaultJsonParser('ignore', 'ignore')", tests: ['http/login', 'http/accounts-input', 'security/mass-assignment'] },
      { what: 'a body of another charset is read as JSON', from: 'if (!isUtf8(request)) return done(new BadCharsetError())\n    parseJson', to: 'parseJson' },
      { what: 'a form of another charset is read', from: 'if (!isUtf8(request)) return done(new BadCharsetError())\n    const form', to: 'const form' },
      { what: 'of a field that is sent twice the last one counts', from: 'if (name in form) return null', to: '' },
      { what: 'a field of a form reaches the prototype', from: 'Object.create(null)', to: '{}' },
      { what: 'a body without end', from: 'export const bodyLimit = 16_384', to: 'export const bodyLimit = 16_384_000', tests: ['http/login', 'http/accounts-input', 'http/accounts-promises'] }
    ]
  },
  {
    file: 'lib/http/log-request.ts',
    tests: ['security/leaks'],
    mutations: [
      { what: 'the query string is logged', from: "url: url.split('?', 1)[0]", to: 'url' }
    ]
  },
  {
    file: 'lib/http/client.ts',
    tests: ['http/sessions'],
    mutations: [
      { what: 'a client\'s description is kept whole', from: '?.slice(0, longestUserAgent)', to: '' },
      { what: 'a client\'s address is kept whole', from: '?.slice(0, longestAddress) ?? null', to: ' ?? null' }
    ]
  },
  {
    file: 'lib/http/source.ts',
    tests: ['accounts/events', 'security/enumeration', 'http/accounts'],
    mutations: [
      { what: 'what differs for a known address happens before the reply', from: 'finished(reply.raw, () => {\n          hasLeft = true\n          background.run(work)\n        })', to: 'background.run(work)', tests: ['security/enumeration'] }
    ]
  },
  {
    file: 'lib/http/undecided.ts',
    tests: ['http/login', 'http/guard', 'http/session-faults'],
    mutations: [
      { what: 'a store that fails is told in its words', from: 'return unavailable(error)', to: 'return error as Error' },
      { what: 'two credentials are a failure of the store', from: "if (error instanceof AmbiguousCredentialsError) return withHeaders(error, { 'cache-control': 'no-store' })", to: '' },
      { what: 'too many hashes, or a client that has gone, are a failure of the store', from: 'if (error instanceof HashQueueFullError || error instanceof ClientGoneError) return error', to: '', tests: ['http/login', 'http/overload'] }
    ]
  },
  {
    file: 'lib/auth-cache.ts',
    tests: ['auth-cache', 'http/cache'],
    mutations: [
      { what: 'what was remembered for one backend counts at another', from: 'entry !== undefined && entry.backend === name && now', to: 'entry !== undefined && now' },
      { what: 'what was remembered counts for ever', from: ' && now < entry.until && holdsSince', to: ' && holdsSince' },
      { what: 'what was remembered counts again, when a clock is set back', from: 'if (now < latest) entries = createTokenCache()', to: '' },
      { what: 'what has changed here still counts', from: ' && holdsSince(entry.known, entry.since)) return', to: ') return' },
      { what: 'what has changed while it was looked up counts', from: 'if (!holdsSince(known, since)) return shared\n', to: '\n', survives: 'An entry keeps the count of changes from before its look-up, and is compared again when it is asked for: this saves memory.' },
      { what: 'whoever asks after a change joins a look-up of before', from: ' && other.since === since && ', to: ' && ' },
      { what: 'whoever asks at another backend joins a look-up', from: 'other !== undefined && other.backend === name && ', to: 'other !== undefined && ' },
      { what: 'whoever comes late joins a look-up that hangs', from: ' && Math.abs(now - other.from) < longestJoin', to: '' },
      { what: 'look-ups that hang are kept without end', from: 'if (loading.size >= maxLoading) loading.clear()', to: '' },
      { what: 'it outlives the session', from: 'Math.min(from + seconds * 1000, known.session.expiresAt)', to: 'from + seconds * 1000' },
      { what: 'what one request writes, others read', from: 'user: frozenJson(known.user) }', to: 'user: known.user }' },
      { what: 'what one request writes, those read that have joined its look-up', from: 'if (!holdsSince(known, since)) return shared', to: 'if (!holdsSince(known, since)) return known' },
      { what: 'a change of a session is no change', from: 'isUnchanged(session.id, since) && ', to: '' },
      { what: 'a change of a user is no change', from: ' && isUnchanged(user.id, since)', to: '' }
    ]
  },
  {
    file: 'lib/changes.ts',
    tests: ['auth-cache'],
    mutations: [
      { what: 'changes that are too many are none', from: 'allChangedAt = changes\n', to: '\n' },
      { what: 'a change is none', from: 'changedAt.set(id, changes)', to: '' }
    ]
  },
  {
    file: 'lib/noting.ts',
    tests: ['http/cache'],
    mutations: [
      { what: 'a session that has ended is remembered', from: '      noteChange(session.id)\n      try {\n        await strategy.revoke(session)\n      } finally {\n        noteChange(session.id)\n      }', to: '      await strategy.revoke(session)' },
      { what: 'a session that was renewed or stolen is remembered', from: '      met.push(session)\n      noteChange(session.id)\n', to: '' }
    ]
  },
  {
    file: 'lib/token-cache.ts',
    tests: ['token-cache'],
    mutations: [
      { what: 'a token that ends alike is the same', from: 'return entry.token === token ? entry.value : undefined', to: 'return entry.value' },
      { what: 'an older token that ends alike is the same', from: 'if (older === undefined || older.token !== token) return undefined', to: 'if (older === undefined) return undefined' },
      { what: 'entries without end', from: 'young.size >= limit / 2 || ', to: '' },
      { what: 'bytes without end', from: ' || bytes + entry.bytes > byteLimit / 2', to: '' },
      { what: 'a token of any length is kept', from: 'token.length > maxTokenLength || ', to: '' },
      { what: 'letters that are not Latin are taken for others', from: 'if (copy !== token) return', to: '' },
      { what: 'what was deleted is still there', from: 'old.delete(tail)\n    }', to: '}' }
    ]
  },
  {
    file: 'lib/look-ups.ts',
    tests: ['http/cache', 'strategies/opaque', 'strategies/jwt'],
    mutations: [
      { what: 'users of one database, for sessions of another', from: 'own !== undefined && sessions === own.of.sessions', to: 'own !== undefined' },
      { what: 'users of one database, for ended tokens of another', from: 'own !== undefined && revocations === own.of.revocations', to: 'own !== undefined' },
      { what: 'a replaced look-up of users is passed over', from: 'joined?.of.findById === findById ? joined : undefined', to: 'joined' }
    ]
  }
]
