/* eslint no-template-curly-in-string: off -- the texts are of the source */
/** What stores promise: one winner, nothing but what was asked for, and nobody who cannot be undone. */
export const stores = [
  {
    file: 'lib/stores/memory.ts',
    tests: ['stores/memory', 'accounts/users'],
    mutations: [
      { what: 'two users of one address', from: 'if (byId.has(user.id) || byEmail.has(user.emailKey)) return false', to: 'if (byId.has(user.id)) return false' },
      { what: 'two users of one id', from: 'byId.has(user.id) || ', to: '' },
      { what: 'a change overwrites another one', from: 'if (current?.version !== version) return false', to: 'if (current === undefined) return false' },
      { what: 'a change takes somebody\'s address', from: "if ((byEmail.get(user.emailKey) ?? current) !== current) return 'taken'", to: '' },
      { what: 'a removal overtakes a change', from: 'if (user?.version !== version) return false', to: 'if (user === undefined) return false' },
      { what: 'an old address still finds the user', from: 'byEmail.delete(current.emailKey)', to: '' },
      { what: 'the last superuser goes', from: "if (![...byId.values()].some((user) => user.id !== id && user.isSuperuser && user.isActive)) return 'last'", to: '' },
      { what: 'an inactive superuser counts', from: 'user.isSuperuser && user.isActive', to: 'user.isSuperuser' },
      { what: 'an ended token comes back', from: 'if (expiresAt <= now - purgeMarginMs) expiryOf.delete(id)', to: 'expiryOf.delete(id)' },
      { what: 'an ended token is not remembered', from: 'if (!expiryOf.has(id)) expiryOf.set(id, expiresAt)', to: '' },
      { what: 'a row can be changed from outside', from: 'const copy = frozenJson(user)', to: 'const copy = user' }
    ]
  },
  {
    file: 'lib/stores/memory-sessions.ts',
    tests: ['stores/memory'],
    mutations: [
      { what: 'an exchange overwrites another one', from: 'if (byId.get(session.id)?.version !== version) return false', to: 'if (!byId.has(session.id)) return false' },
      { what: 'the end of all others ends this one', from: 'if (id !== exceptId) byId.delete(id)', to: 'byId.delete(id)' },
      { what: 'everybody\'s sessions are one\'s own', from: '.filter((session) => session.userId === userId)', to: '' },
      { what: 'a sweep takes the living', from: 'if (expiresAt <= now && byId.delete(id)) count++', to: 'if (byId.delete(id)) count++' }
    ]
  },
  {
    file: 'lib/stores/sql/user-store.ts',
    tests: ['stores/sql'],
    mutations: [
      { what: 'a change overwrites another one', from: "join(', ')} where id = ? and version = ?`\n  const deleteOne", to: "join(', ')} where id = ? and version <> -?`\n  const deleteOne" },
      { what: 'a removal overtakes a change', from: 'const deleteOne = `delete from ${table} where id = ? and version = ?`', to: 'const deleteOne = `delete from ${table} where id = ? and version <> -?`' },
      { what: 'the last superuser goes', from: 'if (other === undefined) return andThen', to: 'if (false) return andThen' },
      { what: 'an inactive superuser counts', from: 'where is_superuser = 1 and is_active = 1 and id <> ? limit 1', to: 'where is_superuser = 1 and id <> ? limit 1' },
      { what: 'oneself counts as another superuser', from: 'and is_active = 1 and id <> ? limit 1', to: 'and is_active = 1 and (id <> ? or 1 = 1) limit 1' },
      { what: 'a change that touched nothing is a success', from: '() => andThen(database.execute(statement, values), (count) => count === 1)', to: '() => andThen(database.execute(statement, values), () => true)' },
      { what: 'an address that is taken is an error of the store', from: 'if (client.isDuplicate(error)) return whenDuplicate', to: '' },
      { what: 'a failure of the store is a duplicate', from: 'if (client.isDuplicate(error)) return whenDuplicate\n        throw error', to: 'return whenDuplicate' },
      { what: 'a key with a NUL is asked for', from: 'if (hasNul(key)) return null', to: '', servers: true }
    ]
  },
  {
    file: 'lib/stores/sql/user-row.ts',
    tests: ['stores/sql'],
    mutations: [
      { what: 'a flag is true if it is there', from: 'return Number(value) === 1', to: 'return value !== null' },
      { what: 'whoever is active is a superuser', from: 'isSuperuser: isTrue(isSuperuser)', to: 'isSuperuser: isTrue(isActive)' },
      { what: 'to a guard whoever is verified is a superuser', from: 'isSuperuser: isTrue(row[4])', to: 'isSuperuser: isTrue(row[3])' },
      { what: 'to a guard an epoch is another column', from: 'sessionEpoch: Number(row[7])', to: 'sessionEpoch: Number(row[6])' },
      { what: 'no password is the text null', from: 'passwordHash: passwordHash === null ? null : String(passwordHash)', to: 'passwordHash: String(passwordHash)' }
    ]
  },
  {
    file: 'lib/stores/sql/json-column.ts',
    tests: ['stores/sql'],
    mutations: [
      { what: 'a damaged column is an empty one', from: 'throw new TypeError(`The ${what} ${String(id)} are no JSON object.`)', to: 'return {}' }
    ]
  },
  {
    file: 'lib/stores/sql/sessions.ts',
    tests: ['stores/sql'],
    mutations: [
      { what: 'an exchange overwrites another one', from: 'data = ? where id = ? and version = ?`', to: 'data = ? where id = ? and version <> -?`' },
      { what: 'an exchange that touched nothing is a success', from: 'const updated = write(update, [lastSeenAt, expiresAt, next, JSON.stringify(data), id, version])\n      return andThen(updated, (count) => count === 1)', to: 'const updated = write(update, [lastSeenAt, expiresAt, next, JSON.stringify(data), id, version])\n      return andThen(updated, () => true)' },
      { what: 'whoever removes second has removed it, too', from: 'return andThen(write(deleteOne, [id]), (count) => count === 1)', to: 'return andThen(write(deleteOne, [id]), () => true)' },
      { what: 'the end of all others ends this one', from: ': write(deleteOthers, [userId, exceptId])', to: ': write(deleteAll, [userId])' },
      { what: 'the next page has everybody\'s sessions', from: 'const selectNextPage = `${select} where user_id = ? and', to: 'const selectNextPage = `${select} where user_id <> \'\' || ? and' },
      { what: 'a sweep takes the living', from: 'const deleteExpired = `delete from ${table} where expires_at <= ?`', to: 'const deleteExpired = `delete from ${table} where expires_at > ? - 1e15`' }
    ]
  },
  {
    file: 'lib/stores/sql/revocations.ts',
    tests: ['stores/sql'],
    mutations: [
      { what: 'no token is ended', from: '(row) => row !== undefined', to: '() => false' },
      { what: 'a token that was ended twice is an error', from: 'if (!client.isDuplicate(error)) throw error', to: 'throw error' },
      { what: 'a failure of the store is an end', from: 'if (!client.isDuplicate(error)) throw error', to: '' },
      { what: 'an ended token comes back before its time', from: '[now - purgeMarginMs]', to: '[now + purgeMarginMs]' }
    ]
  },
  {
    file: 'lib/stores/sql/joined.ts',
    tests: ['stores/sql'],
    mutations: [
      { what: 'no token is ended', from: 'isRevoked: Number(row[seenColumns.length]) !== 0', to: 'isRevoked: Number(row[seenColumns.length]) > 1' },
      { what: 'any token is ended, or none', from: 'from ${revocations} where id = ?)', to: "from ${revocations} where id <> '' || ?)" },
      { what: 'a user who is gone is somebody', from: '${sessions} s join ${users} u', to: '${sessions} s left join ${users} u' },
      { what: 'a session is somebody else\'s', from: 'on u.id = s.user_id where s.id', to: 'on u.id <> s.user_id where s.id' },
      { what: 'another session is taken for the one that was asked for', from: 'where s.id = ?', to: 'where s.id >= ?' }
    ]
  },
  {
    file: 'lib/stores/sql/open.ts',
    tests: ['stores/sql'],
    mutations: [
      { what: 'a prefix is put into SQL as it comes', from: "if (typeof tablePrefix !== 'string' || !/^[a-z][a-z0-9_]{0,40}$/.test(tablePrefix)) {", to: 'if (false) {' }
    ]
  },
  {
    file: 'lib/stores/sql/sqlite.ts',
    tests: ['stores/sql'],
    mutations: [
      { what: 'two superusers leave at once', from: "database.prepare('begin immediate').run()", to: "database.prepare('begin deferred').run()" },
      { what: 'everybody on the machine reads the file', from: "openSync(path, 'wx', 0o600)", to: "openSync(path, 'wx', 0o644)" },
      { what: 'a duplicate is an error', from: 'isDuplicate: (error) => duplicates', to: 'isDuplicate: (error) => error === null && duplicates' }
    ]
  },
  {
    file: 'lib/stores/sql/postgres.ts',
    tests: ['stores/sql'],
    servers: true,
    mutations: [
      { what: 'two superusers leave at once', from: "await executor.query('select pg_advisory_xact_lock(?)', [lockKey(name)])", to: '' },
      { what: 'a transaction that failed goes back to the pool', from: 'connection.release(true)', to: 'connection.release()' }
    ]
  },
  {
    file: 'lib/stores/sql/mysql.ts',
    tests: ['stores/sql'],
    servers: true,
    mutations: [
      { what: 'two superusers leave at once', from: 'await lock(own, name)', to: '' },
      { what: 'a lock that was not had is had', from: 'if (Number(row?.[0]) === 1) return', to: 'return' },
      { what: 'addresses that differ in case or blanks are one', from: "'utf8mb4_nopad_bin'", to: "'utf8mb4_general_ci'" }
    ]
  },
  {
    file: 'lib/stores/redis/sessions.ts',
    tests: ['stores/redis'],
    servers: true,
    mutations: [
      { what: 'any text is an id', from: 'return /^[\\w-]{43}$/.test(id)', to: 'return true' },
      { what: 'an exchange that was not made is a success', from: 'String(keepMs))) === 1', to: 'String(keepMs))) >= 0' },
      { what: 'whoever removes second has removed it, too', from: 'if (text === null) return false\n      const session', to: 'if (text === null) return true\n      const session' },
      { what: 'the end of all others ends this one', from: 'entries.filter((entry) => idOf(entry) !== exceptId)', to: 'entries.filter((entry) => idOf(entry) !== null)' },
      { what: 'a session without end', from: ", 'PX', String(keepMs))", to: ')' },
      { what: 'the id of a user is part of a key', from: 'const indexOf = (userId: string): string => `${prefix}user:{${digestOf(userId)}}`', to: 'const indexOf = (userId: string): string => `${prefix}user:{${userId}}`' }
    ]
  },
  {
    file: 'lib/stores/redis/scripts.ts',
    tests: ['stores/redis'],
    servers: true,
    mutations: [
      { what: 'an exchange overwrites another one', from: "if not current or string.match(current, '^%d+') ~= ARGV[1] then return 0 end", to: 'if not current then return 0 end' },
      { what: 'an exchange brings an ended session back', from: "if not current or string.match(current, '^%d+') ~= ARGV[1] then return 0 end", to: "if current and string.match(current, '^%d+') ~= ARGV[1] then return 0 end" },
      { what: 'an exchange whose reply was lost is lost', from: 'if current == ARGV[2] then return 1 end', to: '' }
    ]
  },
  {
    file: 'lib/stores/redis/session-text.ts',
    tests: ['stores/redis'],
    servers: true,
    mutations: [
      { what: 'a damaged session is quoted', from: "throw new TypeError('Redis: a session is damaged.')", to: 'throw new TypeError(`Redis: a session is damaged: ${text}`)' }
    ]
  },
  {
    file: 'lib/sealed.ts',
    tests: ['deadline', 'accounts/users', 'http/session-faults'],
    mutations: [
      { what: 'the words of a store that fails are told', from: '.then(checked, failed)', to: '.then(checked)' },
      { what: 'a store that hangs is waited for', from: 'return deadline(Promise.resolve(answer).finally(done))', to: 'return Promise.resolve(answer).finally(done)' },
      { what: 'the words of a store that throws are told', from: '} catch (error) {\n      return failed(error)', to: '} catch (error) {\n      throw error' },
      { what: 'a change whose answer is late is not told', from: 'deadline(Promise.resolve(answer).finally(done))', to: 'deadline(Promise.resolve(answer))', tests: ['deadline', 'http/cache'] },
      { what: 'whatever a store answers at once counts', from: 'return checked(answer)', to: 'return answer' },
      { what: 'whatever a store answers later counts', from: '.then(checked, failed)', to: '.catch(failed)' },
      { what: 'a cause quotes what the store was given', from: 'throw unavailable(error, values)', to: 'throw unavailable(error)' }
    ]
  },
  {
    file: 'lib/foreign-error.ts',
    tests: ['foreign-error'],
    mutations: [
      { what: 'the text of an error quotes', from: 'new Error(hush(text)', to: 'new Error(text' },
      { what: 'the stack of an error quotes', from: 'hush(stack)', to: 'stack' },
      { what: 'the cause of an error quotes', from: 'retell(cause, told, depth - 1)', to: 'retell(cause, null, depth - 1)' },
      { what: 'causes without end', from: 'cause === undefined || depth === 0', to: 'cause === undefined || depth === -9' }
    ]
  },
  {
    file: 'lib/answers.ts',
    tests: ['answers'],
    mutations: [
      { what: 'another user by id', from: ' && answer.id === id),\n  findByEmail', to: '),\n  findByEmail' },
      { what: 'another user by address', from: ' && answer.emailKey === emailKey', to: '' },
      { what: 'any list of users', from: 'list: (answer: unknown) => Array.isArray(answer) && answer.every(isUser)', to: 'list: (answer: unknown) => Array.isArray(answer)' },
      { what: 'sessions of another user', from: 'isSession(row) && row.userId === userId', to: 'isSession(row)' },
      { what: 'an odd yes', from: "return typeof answer === 'boolean'", to: 'return true' }
    ]
  },
  {
    file: 'lib/queue.ts',
    tests: ['queue', 'background', 'http/login'],
    mutations: [
      { what: 'any number at once', from: 'if (running < concurrency) running++', to: 'if (running < Infinity) running++' },
      { what: 'any number in the queue', from: 'waiting >= limit)', to: 'waiting >= Infinity)' },
      { what: 'one owner may have all of it', from: 'countOf(owner) >= share', to: 'countOf(owner) >= Infinity' },
      { what: 'what has ended takes a place for ever', from: 'count(owner, -1)', to: '' },
      { what: 'whoever has waited too long still runs', from: 'now - first.since >= waitMs', to: 'false' },
      { what: 'whoever has gone still runs', from: 'const onAbort = (): void => { place.leave(signal?.reason) }', to: 'const onAbort = (): void => {}' }
    ]
  },
  {
    file: 'lib/email.ts',
    tests: ['accounts/users', 'security/plugin-misuse'],
    mutations: [
      { what: 'addresses of another case are two', from: '.toLowerCase().normalize', to: '.normalize' },
      { what: 'addresses of another form are two', from: "email.trim().normalize('NFC').toLowerCase().normalize('NFC')", to: 'email.trim().toLowerCase()' },
      { what: 'addresses of any length', from: 'email.length <= 254 && ', to: '' },
      { what: 'what its one spelling makes no address is one', from: ' && isEmail(emailKey(email))', to: '' }
    ]
  },
  {
    file: 'lib/stores/sql/insist.ts',
    tests: ['stores/sql'],
    servers: true,
    mutations: [
      { what: 'a deadlock is an error at once', from: 'if (tries === 1 || !isDeadlock(error)) throw error', to: 'throw error' }
    ]
  }
]
