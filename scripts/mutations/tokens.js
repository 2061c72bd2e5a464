/* eslint no-template-curly-in-string: off -- the texts are of the source */
/** What a token is, how it travels, and how long it holds. */
export const tokens = [
  {
    file: 'lib/transports/bearer.ts',
    tests: ['transports/bearer', 'http/guard'],
    mutations: [
      { what: 'of two Authorization headers one counts', from: "if (isRepeated(rawHeaders, 'authorization')) throw new AmbiguousCredentialsError()", to: '' },
      { what: 'another scheme is a token', from: '/^bearer +(\\S.*)$/is', to: '/^\\w+ +(\\S.*)$/is' },
      { what: 'blanks are part of a token', from: ' && value.charCodeAt(7) > space) return', to: ') return' },
      { what: 'a broken header is no credential', from: "(/^bearer\\b/i.test(value) ? '' : null)", to: 'null' },
      { what: 'what is no text is a refresh token', from: "return typeof value === 'string' ? value : null", to: 'return value as string' },
      { what: 'a realm ends the header\'s text', from: ' && !/["\\\\]/.test(text)', to: '' }
    ]
  },
  {
    file: 'lib/transports/cookie.ts',
    tests: ['transports/cookie', 'http/login'],
    mutations: [
      { what: 'browsers send the cookie, and nobody asks for whom', from: 'ambient: true', to: 'ambient: false', tests: ['security/cross-site', 'transports/cookie'] },
      { what: 'scripts read the cookie', from: 'httpOnly: attributes.cookieHttpOnly', to: 'httpOnly: false' },
      { what: 'the cookie goes over plain http', from: 'secure: attributes.cookieSecure', to: 'secure: false' },
      { what: 'the cookie goes with requests of other sites', from: 'sameSite: attributes.cookieSameSite', to: "sameSite: 'none'" },
      { what: 'a cookie that browsers drop is sent', from: 'if (isTooLarge(cookieName, token) || (refresh !== undefined && isTooLarge(refreshName, refresh.token))) throw', to: 'if (false) throw' },
      { what: 'the cookie outlives the browser though nobody asked', from: 'persistent ? lifetimeSeconds : undefined', to: 'lifetimeSeconds' },
      { what: 'the refresh token goes everywhere', from: 'refreshPath === undefined || isHostOnly ? fixed.path', to: 'true ? fixed.path', tests: ['transports/cookie', 'http/refresh'] },
      { what: 'logging out leaves the cookie', from: "setCookie(reply, cookieName, '', 0)", to: '' },
      { what: 'logging out leaves the refresh token', from: "if (refreshPath !== undefined) setCookie(reply, refreshName, '', 0, refreshPath)", to: '', tests: ['transports/cookie', 'http/refresh'] },
      { what: 'of two cookies of the name the first one counts', from: 'if (end !== -1 && find(header, name, end) !== -1) throw new AmbiguousCredentialsError()', to: '' },
      { what: 'the end of another cookie\'s name is ours', from: ' && beginsPair(header, at)) return', to: ') return' },
      { what: 'the encoder of the app writes our cookie', from: 'signed: false,\n    encode: encodeURIComponent', to: 'signed: false', tests: ['transports/cookie'] },
      { what: 'the app signs our cookie, and cannot read it', from: 'signed: false,', to: '', tests: ['transports/cookie'] }
    ]
  },
  {
    file: 'lib/transports/cookie-attributes.ts',
    tests: ['transports/cookie'],
    mutations: [
      { what: 'a name that ends the cookie', from: "expect(typeof cookieName === 'string' && token.test(cookieName)", to: 'expect(true' },
      { what: 'a path that ends the attribute', from: "expect(typeof cookiePath === 'string' && pathValue.test(cookiePath)", to: 'expect(true' },
      { what: 'a path of the refresh token that ends the attribute', from: "expect(refreshCookiePath === undefined || (typeof refreshCookiePath === 'string' && pathValue.test(refreshCookiePath))", to: 'expect(true', tests: ['transports/cookie', 'refresh-options'] },
      { what: 'a domain that ends the attribute', from: "expect(cookieDomain === undefined || (typeof cookieDomain === 'string' && domainValue.test(cookieDomain))", to: 'expect(true' },
      { what: 'a top-level domain', from: '(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]', to: '(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)*[a-z]' },
      { what: 'SameSite=None without Secure', from: "expect(cookieSameSite !== 'none' || cookieSecure === true", to: 'expect(true' },
      { what: 'Partitioned without Secure', from: 'expect(cookiePartitioned !== true || cookieSecure === true', to: 'expect(true' },
      { what: '__Host- without Secure', from: 'expect(prefix === undefined || cookieSecure === true', to: 'expect(true' },
      { what: '__Host- with a domain', from: "expect(prefix !== 'host' || cookieDomain === undefined", to: 'expect(true' },
      { what: '__Host- with a path', from: "expect(prefix !== 'host' || cookiePath === '/'", to: 'expect(true' },
      { what: '__Host- with a path of the refresh token', from: "expect(prefix !== 'host' || refreshCookiePath === undefined", to: 'expect(true', tests: ['transports/cookie', 'refresh-options'] },
      { what: '__host- in small letters', from: '/^__(host|secure)-/i', to: '/^__(host|secure)-/' }
    ]
  },
  {
    file: 'lib/strategies/jwt.ts',
    tests: ['strategies/jwt', 'security/jwt-forgery'],
    mutations: [
      { what: 'a subject of any kind', from: 'return isId(sub) && isId(jti)', to: 'return isId(jti)' },
      { what: 'a token without an id, that cannot be ended', from: 'return isId(sub) && isId(jti)', to: 'return isId(sub)' },
      { what: 'a token with a session where none are kept, and the reverse', from: '(hasSession ? isId(sid) : sid === undefined) &&', to: '' },
      { what: 'a token of tomorrow', from: 'isTime(iat) && iat <= now + leewaySeconds &&', to: 'isTime(iat) &&' },
      { what: 'a token that has expired', from: 'isTime(exp) && exp > now &&', to: 'isTime(exp) &&' },
      { what: 'a token that lives for ever', from: ' && exp - iat <= (backends.get(backend) ?? 0)', to: '' },
      { what: 'an end that is no time', from: 'isTime(exp) && exp > now', to: '(exp as number) > now' },
      { what: 'nbf is overlooked', from: '(nbf === undefined || (isTime(nbf) && nbf <= now + leewaySeconds)) &&', to: '' },
      { what: 'a token of another backend', from: '(audience === undefined ? aud === backend : Array.isArray(aud) && aud.length === 2 && aud[0] === audience && aud[1] === backend) &&', to: '' },
      { what: 'an audience among others', from: ' && aud.length === 2', to: '' },
      { what: 'the issuer is overlooked', from: 'iss === issuer &&', to: '' },
      { what: 'a token without an epoch', from: 'Number.isSafeInteger(epoch)\n', to: 'true\n' },
      { what: 'a token of any length is looked at', from: 'if (token.length > maxTokenLength) return null', to: '', tests: ['security/jwt-forgery'] },
      { what: 'claims are not looked at', from: 'if (claims === null || !holds(claims, backend)) return null', to: 'if (claims === null) return null' },
      { what: 'an ended token is good', from: 'if (isRevoked) return null', to: '' },
      { what: 'an odd answer of the revocations is a no', from: "if (!isBoolean(isRevoked)) throw new StoreAnswerError('isRevoked')", to: '' },
      { what: 'a token that was verified for one backend is good at another', from: 'if (known.backend !== backend) return null', to: '' },
      { what: 'a token that was verified never expires', from: 'if (known.session.expiresAt > clock()) return known', to: 'if (known.session.expiresAt > 0) return known' },
      { what: 'logging out ends nothing', from: 'revoke: (session) => revocations.revoke(session.id, session.expiresAt, clock())', to: 'revoke: () => {}' },
      { what: 'a token of somebody else\'s session', from: 'return userId === session.userId && data.epoch === session.epoch', to: 'return data.epoch === session.epoch' },
      { what: 'a token of another epoch of the session', from: 'return userId === session.userId && data.epoch === session.epoch', to: 'return userId === session.userId' },
      { what: 'a leeway of hours', from: 'leewaySeconds >= 0 && leewaySeconds <= 60', to: 'leewaySeconds >= 0' }
    ]
  },
  {
    file: 'lib/strategies/jwt-keys.ts',
    tests: ['strategies/jwt', 'security/jwt-forgery'],
    mutations: [
      { what: 'no signature is checked', from: ' || !key.isSigned(token.slice(0, end), token.slice(end + 1))) return null', to: ') return null' },
      { what: 'a signature may be spelled in several ways', from: 'return bytes.toString(\'base64url\') === signature && verify(', to: 'return verify(' },
      { what: 'any signature of the right length holds', from: 'return timingSafeEqual(given, expected)', to: 'return true' },
      { what: 'what is behind a signature is overlooked', from: 'signature.length !== length || ', to: '' },
      { what: 'what is left of the last signature completes this one', from: ' || given.write(signature) !== length) return false', to: ') return false\n    given.write(signature)' },
      { what: 'RSA-PSS is checked as the older RSA', from: 'const padding = isPss ?', to: 'const padding = false ?' },
      { what: 'ECDSA as DER', from: ', dsaEncoding: \'ieee-p1363\' as const', to: '' },
      { what: 'a header that is not ours is verified by the first key', from: 'const key = open.find(({ start }) => token.startsWith(start))', to: 'const key = open.find(({ start }) => token.startsWith(start)) ?? { ...open[0], start: token.slice(0, token.indexOf(\'.\') + 1) } as typeof open[0]' },
      { what: 'two keys of one name', from: 'if (new Set(kids).size < kids.length) problems.push', to: 'if (false) problems.push' },
      { what: 'an algorithm that is none', from: 'if (!Object.hasOwn(algorithms, algorithm)) return', to: 'if (false) return' },
      { what: 'a short secret', from: 'if (needs.bytes !== undefined) return secretProblem(secret, needs.bytes)', to: 'if (needs.bytes !== undefined) return null', tests: ['strategies/jwt'] },
      { what: 'a key of another kind', from: 'if (key.asymmetricKeyType !== needs.type || (needs.curve !== undefined && namedCurve !== needs.curve)) return', to: 'if (false) return' },
      { what: 'a key of another curve', from: ' || (needs.curve !== undefined && namedCurve !== needs.curve)', to: '' },
      { what: 'a short RSA key', from: 'return modulusLength < 2048 ?', to: 'return false ?' },
      { what: 'a message quotes the key', from: 'return `${option} must be a PEM text with a key of type ${kind}`', to: 'return `${option} must be a PEM text with a key of type ${kind}: ${String(pem)}`' },
      { what: 'a token for another purpose', from: "const tokenType = 'access+jwt'", to: "const tokenType = 'JWT'" }
    ]
  },
  {
    file: 'lib/strategies/opaque.ts',
    tests: ['strategies/opaque', 'http/refresh'],
    mutations: [
      { what: 'an access token never expires', from: ' && data.accessExpiresAt > context.clock()', to: '', tests: ['strategies/opaque', 'http/refresh', 'http/login-matrix'] },
      { what: 'any token of the session is the newest one', from: 'data.accessDigest === digest && ', to: '', tests: ['strategies/opaque', 'http/refresh', 'security/refresh-reuse'] },
      { what: 'a session whose tokens were signed has an opaque one', from: 'data.accessDigest === digest && ', to: '(data.accessDigest === null || data.accessDigest === digest) && ' },
      { what: 'what was made up costs a look-up', from: 'if (handle === null) return null', to: 'if (handle === null) return keeper.see(digestOf(token), backend, () => false, null)' },
      { what: 'a session that is in use ends', from: 'idleSeconds >= leastIdle)) problems', to: 'idleSeconds >= 1)) problems', tests: ['refresh-options', 'strategies/opaque'] }
    ]
  },
  {
    file: 'lib/sessions/keeper.ts',
    tests: ['sessions/keeper', 'strategies/opaque', 'security/refresh-reuse'],
    mutations: [
      { what: 'the token itself is stored', from: 'accessDigest: access.areOpaque ? digestOf(token) : null,\n      refresh', to: 'accessDigest: access.areOpaque ? token : null,\n      refresh' },
      { what: 'the refresh token itself is stored', from: '{ digest: digestOf(refreshToken), usedDigest: null', to: '{ digest: refreshToken, usedDigest: null' },
      { what: 'the handle is the id', from: 'const id = digestOf(handle)\n    const endsAt', to: 'const id = handle\n    const endsAt' },
      { what: 'an access token outlives its session', from: 'const expiresAt = Math.min(now + lifetimeSeconds * 1000, endsAt)', to: 'const expiresAt = now + lifetimeSeconds * 1000' },
      { what: 'a session holds whatever the strategy says', from: 'if (!holds(row, id, backend, now) || !isGood(row, expected)) return null', to: 'if (!holds(row, id, backend, now)) return null' },
      { what: 'a session of another id', from: '!isSession(row) || row.id !== id', to: '!isSession(row)' },
      { what: 'half a session', from: '!isSession(row) || row.id !== id', to: 'row.id !== id' },
      { what: 'a session holds everywhere and always', from: 'if (!holds(row, id, backend, now) || !isGood(row, expected)) return null', to: 'if (!isGood(row, expected)) return null' },
      { what: 'a refresh token holds everywhere and always', from: "if (!holds(row, id, backend, now) || row.data.refresh === null) return 'invalid'", to: "if (row === null || row.data.refresh === null) return 'invalid'" },
      { what: 'an old refresh token is as good as the newest', from: 'if (!hasDigest(token, digest)) {', to: 'if (!hasDigest(token, digest) && !hasDigest(token, usedDigest ?? digest)) {' },
      { what: 'a reuse ends nothing', from: 'onReuse(toSession(row))\n        await end(id)', to: 'onReuse(toSession(row))' },
      { what: 'a reuse is told to nobody', from: 'onReuse(toSession(row))', to: '' },
      { what: 'the user is not asked for', from: 'if (!await admits(toSession(row))) {', to: 'if (false) {' },
      { what: 'the user is not asked for within the grace', from: 'if (await admits(toSession(row))) return issued', to: 'return issued' },
      { what: 'a session whose user may not go on stays', from: "await end(id)\n        return 'invalid'", to: "return 'invalid'" },
      { what: 'an exchange that was not made is answered', from: 'const won = await store.replace(row, version) === true', to: 'const won = await store.replace(row, version) !== null' },
      { what: 'a grace without end', from: 'Math.abs(now - rotatedAt) < graceSeconds * 1000', to: 'true' },
      { what: 'a grace for whoever comes from the future', from: 'Math.abs(now - rotatedAt)', to: '(now - rotatedAt)' },
      { what: 'what is derived within the grace is not compared', from: 'if (hasDigest(issued.refreshToken, digest)) return', to: 'return' },
      { what: 'the store can make the next tokens without a grace', from: "salt: graceSeconds > 0 ? salt : ''", to: 'salt' },
      { what: 'new access tokens outlive the session', from: 'accessExpiresAt: Math.min(now + lifetimeSeconds * 1000, row.data.endsAt)', to: 'accessExpiresAt: now + lifetimeSeconds * 1000' },
      { what: 'logging out ends nothing', from: 'async function revoke ({ id }: Session): Promise<void> {\n    await end(id)', to: 'async function revoke ({ id }: Session): Promise<void> {\n    await store.find(id)' },
      { what: 'an odd answer tells that a session is over', from: 'if (!isBoolean(await store.remove(id))) throw', to: 'if (await store.remove(id) === null) throw' },
      { what: 'a session of another backend', from: 'row.data.backend === backend && ', to: '' },
      { what: 'a session that has been idle for too long', from: 'row.expiresAt > now && ', to: '' },
      { what: 'a session past its end', from: ' && row.data.endsAt > now', to: '' },
      { what: 'who uses a session keeps it for ever', from: 'Math.min(endsAt, now + idleMs)', to: 'now + idleMs' },
      { what: 'a refresh is a fresh proof', from: 'expiresAt: accessExpiresAt, authenticatedAt }', to: 'expiresAt: accessExpiresAt, authenticatedAt: refresh?.rotatedAt ?? authenticatedAt }' },
      { what: 'access and refresh tokens have one secret', from: 'update(`${salt}.${use}`)', to: 'update(salt)' }
    ]
  },
  {
    file: 'lib/sessions/rotations.ts',
    tests: ['sessions/keeper', 'security/refresh-reuse', 'http/refresh'],
    mutations: [
      { what: 'who reads slowly hides a theft', from: 'if (pending > 0) return cameAt < begunAt + longestReplyMs', to: 'if (pending > 0) return true' },
      { what: 'only the last failed exchange is remembered', from: 'if (salts.size > mostFailed)', to: 'if (salts.size > 1)' },
      { what: 'a failed exchange is given again and again', from: 'entry?.failedSalts.clear()\n', to: '' },
      { what: 'an exchange that was answered is given again', from: "if (outcome === 'failed') keep(entry.failedSalts, salt)", to: 'keep(entry.failedSalts, salt)' },
      { what: 'an exchange that was lost is given', from: 'entry.failedSalts.delete(salt)', to: '' },
      { what: 'memory without end', from: 'if (entries.size > capacity) entries.delete(entries.keys().next().value as string)', to: '', tests: ['sessions/keeper'] }
    ]
  },
  {
    file: 'lib/sessions/is-session-store.ts',
    tests: ['sessions/keeper', 'refresh-options'],
    mutations: [
      { what: 'half a store is one', from: 'return methods.every(', to: 'return methods.some(' }
    ]
  },
  {
    file: 'lib/crypto/opaque-token.ts',
    tests: ['strategies/opaque', 'security/reset-tokens', 'sessions/keeper'],
    mutations: [
      { what: 'a token of another kind', from: 'head !== kind || ', to: '' },
      { what: 'a checksum that is wrong costs a look-up', from: 'return token.slice(end + 1) === checksum(body) ? Buffer', to: 'return true ? Buffer' },
      { what: 'a token of any length', from: "if (typeof token !== 'string' || token.length > maxLength) return null", to: "if (typeof token !== 'string') return null" },
      { what: 'a secret of any length', from: 'secret?.length !== 43', to: 'secret === undefined' },
      { what: 'any digest is the right one', from: 'return one.length === other.length && timingSafeEqual(one, other)', to: 'return one.length === other.length' },
      { what: 'the first half of a digest is enough', from: 'return one.length === other.length && timingSafeEqual(one, other)', to: 'return one.subarray(0, 1).equals(other.subarray(0, 1))', tests: ['security/reset-tokens', 'sessions/keeper', 'strategies/opaque', 'security/refresh-reuse'] },
      { what: 'a secret of no random bits', from: 'secret: Buffer = randomBytes(32)', to: 'secret: Buffer = Buffer.alloc(32)' }
    ]
  },
  {
    file: 'lib/crypto/password.ts',
    tests: ['accounts/users', 'crypto/imported-hashes', 'security/plugin-misuse'],
    mutations: [
      { what: 'a hash costs what it wants', from: '&& m <= maxMemory && m * t <= maxWork', to: '' },
      { what: 'a hash starts threads without end', from: ' && (p === 1 || t * p <= maxLanePasses)', to: '' },
      { what: 'a hash of many lanes', from: 'p >= 1 && p <= maxLanes', to: 'p >= 1' },
      { what: 'another kind of argon2', from: 'type: argon2.argon2id', to: 'type: argon2.argon2i', tests: ['accounts/users', 'crypto/imported-hashes', 'security/leaks'] },
      { what: 'a text that is no hash is a failure of the store', from: '.catch(() => false) === true', to: ' === true' },
      { what: 'a weak hash stays', from: "return kind !== 'id' || m * t < memoryCost * timeCost", to: 'return false' }
    ]
  },
  {
    file: 'lib/crypto/passwords.ts',
    tests: ['accounts/users', 'crypto/imported-hashes', 'http/login'],
    mutations: [
      { what: 'nobody costs no hash', from: 'const target = hash ?? decoy', to: 'if (hash === null) return false\n      const target = hash ?? decoy', tests: ['accounts/users', 'security/enumeration'] },
      { what: 'the password of the decoy is everybody\'s', from: 'return matches === true && hash !== null', to: 'return matches === true', tests: ['crypto/imported-hashes'] },
      { what: 'an odd answer of the hasher is a yes', from: 'return matches === true && hash !== null', to: 'return Boolean(matches) && hash !== null' },
      { what: 'what looks the same is two passwords', from: "return password.normalize('NFC')", to: 'return password' },
      { what: 'what only resembles is one password', from: "return password.normalize('NFC')", to: "return password.normalize('NFKC')", tests: ['crypto/imported-hashes'] },
      { what: 'an imported hash stays', from: 'needsRehash: (hash) => isImportedHash(hash) || hasher', to: 'needsRehash: (hash) => hasher', tests: ['crypto/imported-hashes'] }
    ]
  },
  {
    file: 'lib/crypto/imported-hashes.ts',
    tests: ['crypto/imported-hashes'],
    mutations: [
      { what: 'bcrypt looks at 72 bytes', from: ' && Buffer.byteLength(password) <= bcryptMaxBytes', to: '' },
      { what: 'bcrypt stops at a NUL', from: " && !password.includes('\\0')", to: '' },
      { what: 'any password is right', from: 'return timingSafeEqual(await deriveKey(password, salt, key.length, cost), key)', to: 'return (await deriveKey(password, salt, key.length, cost)).length === key.length' },
      { what: 'a hash costs what it wants', from: 'memory <= scryptMaxMemory && ', to: '' },
      { what: 'a hash of many lanes', from: 'Number(p) <= scryptMaxLanes && ', to: '', tests: ['security/plugin-misuse'] }
    ]
  }
]
