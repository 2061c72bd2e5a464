import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import Libsql from 'libsql'
import t, { type Test } from 'tap'
import { createUser, type CreateUserOptions } from '../../lib/cli/create-user.js'
import { withStore, type DatabaseOptions } from '../../lib/cli/database.js'
import { listUsers, type ListUsersOptions } from '../../lib/cli/list-users.js'
import { migrate } from '../../lib/cli/migrate.js'
import { revokeSessions } from '../../lib/cli/revoke-sessions.js'
import { run, type Streams } from '../../lib/cli/run.js'
import { secret } from '../../lib/cli/secret.js'
import { unlock } from '../../lib/cli/unlock.js'
import { argon2Hasher, owaspCost } from '../../lib/crypto/password.js'
import { keyOf } from '../../lib/rate-limiter.js'
import { secretProblem } from '../../lib/strategies/weak-secrets.js'
import { mariadbServer, noMariadb, noPostgres, postgresServer } from '../helpers/servers.js'

type Outcome = [code: number, stdout: string, stderr: string]
type Command = (streams: Streams) => Promise<void>

const ann = 'ann@example.com'
const password = 'correct horse battery staple'
const { verify } = argon2Hasher(owaspCost)
const { env } = process

/** Runs a command in this process, with all of stdin there at once. */
async function outcome (command: Command, input: string | Buffer = ''): Promise<Outcome> {
  const stdin = new PassThrough()
  stdin.end(input)
  return await finished(command, { stdin, stdout: new PassThrough(), stderr: new PassThrough() })
}

async function finished (command: Command, streams: Streams & { stdout: PassThrough, stderr: PassThrough }): Promise<Outcome> {
  const said = Promise.all([text(streams.stdout), text(streams.stderr)])
  const ended = async (): Promise<[string, string]> => {
    streams.stdout.end()
    streams.stderr.end()
    return await said
  }
  try {
    return [await run(() => command(streams), streams), ...await ended()]
  } catch (error) {
    await ended()
    throw error
  }
}

/** Somebody at a terminal, who types the next entry whenever asked. */
async function typed (command: Command, entries: ReadonlyArray<string | (() => Promise<string>)>): Promise<Outcome> {
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  const stderr = new PassThrough()
  const left = [...entries]
  stderr.on('data', (chunk) => {
    if (!String(chunk).endsWith(': ')) return
    const next = left.shift()
    if (typeof next === 'string') stdin.write(next)
    else if (next !== undefined) next().then((entry) => stdin.write(entry), (error: Error) => stdin.destroy(error))
  })
  return await finished(command, { stdin, stdout: new PassThrough(), stderr })
}

const create = (options: CreateUserOptions): Command => (streams) => createUser(options, streams)
const list = (options: ListUsersOptions): Command => (streams) => listUsers(options, streams)

t.test('secret: a fit secret and nothing else', async (t) => {
  const [code, stdout, stderr] = await outcome((streams) => secret({ bytes: 48 }, streams))
  t.strictSame([code, stderr], [0, ''])
  t.match(stdout, /^[\w-]{64}\n$/)
  t.equal(secretProblem(stdout.trim(), 32), null)
  t.not((await outcome((streams) => secret({ bytes: 48 }, streams)))[1], stdout)
  t.match((await outcome((streams) => secret({ bytes: 1024 }, streams)))[1], /^[\w-]{1366}\n$/)
  for (const bytes of [31, 1025, 40.5, NaN]) {
    t.strictSame(await outcome((streams) => secret({ bytes }, streams)), [1, '', 'fastify-users: --bytes must be a whole number from 32 to 1024.\n'])
  }
})

t.test('SQLite', async (t) => {
  await commonTests(t, { database: `sqlite:${join(t.testdir({ 'users.db': '' }), 'users.db')}`, tablePrefix: 'cli_users' })
})

t.test('PostgreSQL', async (t) => {
  const pool = await postgresServer()
  if (pool === null) return skipped(t, noPostgres)
  t.after(() => pool.end())
  const { host, port, user, database } = pool.options
  const url = `${host}:${port}/${database}?application_name=`
  const tablePrefix = freshPrefix()
  t.after(() => pool.query(dropTables(tablePrefix)))
  await commonTests(t, { database: `postgres://${user}@${url}cli`, tablePrefix })

  await t.test('a connection that is lost while the password is typed', async (t) => {
    const options = { database: `postgresql://${user}@${url}${tablePrefix}`, tablePrefix, email: 'late@example.com' }
    const [code, , stderr] = await typed(create(options), [`${password}\r`, async () => {
      const { rows } = await pool.query('select pg_terminate_backend(pid, 5000) as done from pg_stat_activity where application_name = $1', [tablePrefix])
      t.strictSame(rows, [{ done: true }])
      return `${password}\r`
    }])
    t.strictSame([code, stderr], [0, 'Password: \nThe same again: \n'])
  })

  await t.test('what the server refuses is said without the password', async (t) => {
    const [code, , stderr] = await outcome(list({ database: `postgres://${user}:hunter2hunter2@${host}:${port}/cli_no_such_database` }))
    t.equal(code, 1)
    t.equal(stderr, 'fastify-users: The database failed: 3D000: database "cli_no_such_database" does not exist\n')
  })
})

t.test('MariaDB', async (t) => {
  const pool = await mariadbServer()
  if (pool === null) return skipped(t, noMariadb)
  t.after(() => pool.end())
  const server = `${encodeURIComponent(env.MYSQL_USER ?? 'root')}:${encodeURIComponent(env.MYSQL_PWD ?? '')}@${env.MYSQL_HOST ?? '127.0.0.1'}:${env.MYSQL_TCP_PORT ?? 3306}`
  const tablePrefix = freshPrefix()
  t.after(() => pool.query(dropTables(tablePrefix)))
  await commonTests(t, { database: `mysql://${server}/fastify_users_test`, tablePrefix })

  await t.test('its other name', async (t) => {
    t.strictSame(await outcome((streams) => migrate({ database: `mariadb://${server}/fastify_users_test`, tablePrefix }, streams)), [0, 'The tables are up to date.\n', ''])
  })

  await t.test('what the server refuses is said without the password', async (t) => {
    const [code, , stderr] = await outcome(list({ database: `mysql://cli_nobody:hunter2hunter2@${server.split('@')[1]}/fastify_users_test` }))
    t.equal(code, 1)
    t.match(stderr, /^fastify-users: The database failed: ER_ACCESS_DENIED\w*: .*cli_nobody.*\n$/)
    t.notMatch(stderr, 'hunter2')
  })
})

/** What holds on every database. It begins without tables. */
async function commonTests (t: Test, options: Required<Pick<DatabaseOptions, 'database' | 'tablePrefix'>>): Promise<void> {
  await t.test('migrate says what it did', async (t) => {
    const stale = 'fastify-users: The tables have version 0, this release needs 1: run fastify-users migrate, or update the package.\n'
    t.strictSame(await outcome(create({ ...options, email: ann, migrate: false })), [1, '', stale])
    t.strictSame(await outcome((streams) => migrate(options, streams)), [0, 'The tables were migrated from version 0 to version 1.\n', ''])
    t.strictSame(await outcome((streams) => migrate(options, streams)), [0, 'The tables are up to date.\n', ''])
    t.strictSame(await outcome(list({ ...options, migrate: false, json: true })), [0, '', ''])
  })

  await t.test('create-user makes the user that was asked for', async (t) => {
    const [code, id, stderr] = await outcome(create({ ...options, email: 'Ann@example.com', superuser: true, fields: '{"nickname":"A","tags":[1]}' }), `${password}\r\nnot this\n`)
    t.strictSame([code, stderr], [0, ''])
    const user = await stored(options, ann)
    t.match(user, { id: id.trim(), email: 'Ann@example.com', isSuperuser: true, isVerified: true, isActive: true, fields: { nickname: 'A', tags: [1] } })
    t.equal(await verify(user?.passwordHash ?? '', password), true)

    t.equal((await outcome(create({ ...options, email: 'bob@example.com', inactive: true, verified: true, password: false }), 'not read'))[0], 0)
    t.match(await stored(options, 'bob@example.com'), { passwordHash: null, isSuperuser: false, isVerified: true, isActive: false, fields: {} })

    t.equal((await outcome(create({ ...options, email: 'cleo@example.com', migrate: false }), password))[0], 0)
    t.match(await stored(options, 'cleo@example.com'), { isSuperuser: false, isVerified: false, isActive: true })
  })

  await t.test('create-user refuses in a line', async (t) => {
    const refused = async (given: Partial<CreateUserOptions>, input: string | Buffer = password): Promise<string> => {
      const [code, stdout, stderr] = await outcome(create({ ...options, email: 'dan@example.com', ...given }), input)
      t.strictSame([code, stdout], [1, ''])
      return stderr
    }
    t.equal(await refused({ email: 'ANN@example.com' }, ''), 'fastify-users: Another account has this e-mail address.\n')
    t.equal(await refused({ email: 'dan' }), 'fastify-users: EMAIL must be an e-mail address.\n')
    t.equal(await refused({}, 'short\n'), 'fastify-users: Choose another password. The password must have at least 8 characters.\n')
    t.equal(await refused({}, ''), 'fastify-users: Choose another password. The password must not be empty.\n')
    t.equal(await refused({}, Buffer.from([0x63, 0xff, 0x0a])), 'fastify-users: The password on stdin is not in UTF-8.\n')
    for (const fields of ['', '[1]', 'null', '7', '{"secret":']) {
      t.equal(await refused({ fields }), 'fastify-users: --fields must be a JSON object, such as \'{"nickname":"Ann"}\'.\n')
    }
    for (const name of ['isSuperuser', 'passwordHash', 'sessionEpoch', '__proto__']) {
      t.equal(await refused({ fields: `{"nickname":"D","${name}":true}` }), `fastify-users: --fields is for fields of the application: ${name} is none.\n`)
    }
    t.equal(await stored(options, 'dan@example.com'), null)
  })

  await t.test('list-users prints a table, or JSON', async (t) => {
    const [, table] = await outcome(list(options))
    t.match(table, new RegExp([
      '^id {36}created {19}active {2}verified {2}superuser {2}email',
      '[0-9a-f-]{36}  20\\S{22} {2}yes {5}yes {7}yes {8}Ann@example\\.com',
      '[0-9a-f-]{36}  20\\S{22} {2}no {6}yes {7}no {9}bob@example\\.com',
      '[0-9a-f-]{36}  20\\S{22} {2}yes {5}no {8}no {9}cleo@example\\.com\n$'
    ].join('\n')))
    const emails = async (query: Partial<ListUsersOptions>): Promise<string[]> => {
      const [code, stdout, stderr] = await outcome(list({ ...options, ...query, json: true }))
      t.strictSame([code, stderr], [0, ''])
      return stdout.split('\n').slice(0, -1).map((line) => (JSON.parse(line) as { email: string }).email)
    }
    t.strictSame(await emails({}), ['Ann@example.com', 'bob@example.com', 'cleo@example.com'])
    t.strictSame(await emails({ email: 'B@EX' }), ['bob@example.com'])
    t.strictSame(await emails({ superusers: true }), ['Ann@example.com'])
    t.strictSame(await emails({ limit: 2 }), ['Ann@example.com', 'bob@example.com'])
    const [, line] = await outcome(list({ ...options, json: true, limit: 1 }))
    t.match(JSON.parse(line), { nickname: 'A', tags: [1], isSuperuser: true })
    t.notMatch(line, /hash|argon2/i)
  })

  await t.test('unlock ends what guesses have begun', async (t) => {
    const user = await stored(options, ann)
    const attempt = async (): Promise<number | null> => await withStore(options, { create: false }, async ({ limits }) => await limits.take(keyOf('login', 'perAccount', ann), { costMs: 60_000, roomMs: 60_000 }, 1000))
    t.strictSame([await attempt(), await attempt()], [null, 61_000])
    t.strictSame(await outcome((streams) => unlock({ ...options, email: 'aNN@example.com' }, streams)), [0, `${user?.id} may log in again.\n`, ''])
    t.equal(await attempt(), null)
    t.strictSame(await outcome((streams) => unlock({ ...options, email: 'nobody@example.com' }, streams)), [1, '', 'fastify-users: There is no such user.\n'])
  })

  await t.test('revoke-sessions counts up the epoch', async (t) => {
    const user = await stored(options, ann)
    t.strictSame(await outcome((streams) => revokeSessions({ ...options, email: 'aNN@example.com' }, streams)), [0, `All sessions of ${user?.id} have ended.\n`, ''])
    t.equal((await stored(options, ann))?.sessionEpoch, Number(user?.sessionEpoch) + 1)
    t.strictSame(await outcome((streams) => revokeSessions({ ...options, email: 'nobody@example.com' }, streams)), [1, '', 'fastify-users: There is no such user.\n'])
  })

  await t.test('a prefix that is none', async (t) => {
    t.match(await outcome(list({ ...options, tablePrefix: 'No Prefix' })), [1, '', /^fastify-users: options\.tablePrefix must be .*\n$/])
  })
}

t.test('a password that is typed', async (t) => {
  const options = { database: join(t.testdir({ 'users.db': '' }), 'users.db') }
  const again = 'Password: \nThe same again: \n'

  // \x7f is backspace, \x15 empties the line.
  t.match(await typed(create({ ...options, email: ann }), ['correct hoo\x7frse battery staple\r', `oops\x15${password}\n`]), [0, /^\S{36}\n$/, again])
  t.equal(await verify((await stored(options, ann))?.passwordHash ?? '', password), true)
  t.match(await typed(create({ ...options, email: 'pasted@example.com' }), [`${password}\r${password}\r`]), [0, /^\S{36}\n$/, again])

  const bob = { ...options, email: 'bob@example.com' }
  t.strictSame(await typed(create(bob), [`${password}\r`, 'correct horse\r']), [1, '', `${again}fastify-users: The two passwords differ.\n`])
  t.strictSame(await typed(create(bob), ['corr\x03']), [130, '', 'Password: \nfastify-users: Interrupted.\n'])
  t.strictSame(await typed(create(bob), [`${password}\r`, '\x03']), [130, '', `${again}fastify-users: Interrupted.\n`])
  t.strictSame(await typed(create(bob), ['\x04']), [1, '', 'Password: \nfastify-users: No password was given.\n'])
  t.strictSame(await typed(create({ ...options, email: ann }), []), [1, '', 'fastify-users: Another account has this e-mail address.\n'])
  t.equal(await stored(options, 'bob@example.com'), null)
})

t.test('many users, and strange ones', async (t) => {
  const options = { database: join(t.testdir(), 'users.db') }
  await withStore(options, { create: true }, async (store) => {
    for (let number = 0; number < 250; number++) {
      const email = number === 249 ? 'red\u001b[31m\u202e\u{e0041}@example.com' : `user${number}@example.com`
      await store.insert({ id: `01900000-0000-7000-8000-000000000${100 + number}`, email, emailKey: email, passwordHash: null, isActive: true, isVerified: false, isSuperuser: number % 100 === 99, createdAt: '2026-01-02T03:04:05.006Z', updatedAt: '2026-01-02T03:04:05.006Z', version: 1, sessionEpoch: 0, pendingTokens: {}, fields: {} })
    }
  })
  const lines = async (query: Partial<ListUsersOptions>): Promise<string[]> => (await outcome(list({ ...options, ...query })))[1].split('\n').slice(0, -1)

  t.equal((await lines({})).length, 251)
  t.equal((await lines({ limit: 101 })).length, 102)
  t.strictSame((await lines({ superusers: true })).map((line) => line.split(' ').at(-1)), ['email', 'user99@example.com', 'user199@example.com'])
  t.equal((await lines({ superusers: true, limit: 1 })).length, 2)
  t.match((await lines({})).at(-1), /no {9}red\\u001b\[31m\\u202e\\udb40\\udc41@example\.com$/)

  const strange = (await lines({ json: true, email: 'red' })).join('')
  t.match(strange, /^[\x20-\x7e]+$/)
  t.match(JSON.parse(strange), { email: 'red\u001b[31m\u202e\u{e0041}@example.com' })

  for (const limit of [0, -1, 1.5, NaN]) t.strictSame(await outcome(list({ ...options, limit })), [1, '', 'fastify-users: --limit must be a whole number from 1.\n'])

  const waiting: number[] = []
  const slow = new Writable({
    write (chunk: Buffer, _encoding, done) {
      waiting.push(this.writableLength - chunk.length)
      setImmediate(done)
    }
  })
  const streams = { stdin: new PassThrough(), stdout: slow, stderr: new PassThrough() }
  t.equal(await run(() => listUsers({ ...options, json: true }, streams), streams), 0)
  t.strictSame(waiting, [0, 0, 0], 'a page waits until the one before is written')
})

t.test('a reader that goes away, and what nobody expects', async (t) => {
  const ending = async (code: string): Promise<unknown> => {
    const stdout = new Writable({ write: (_chunk, _encoding, done) => { done(Object.assign(new Error('broken'), { code })) } })
    const streams = { stdin: new PassThrough(), stdout, stderr: new PassThrough() }
    return await run(() => secret({ bytes: 48 }, streams), streams)
  }
  t.equal(await ending('EPIPE'), 0)
  await t.rejects(ending('ENOSPC'), { code: 'ENOSPC' })
  await t.rejects(outcome(async () => { throw new TypeError('a mistake') }), new TypeError('a mistake'))
})

t.test('which database', async (t) => {
  const folder = t.testdir()
  const failed = async (database: string | undefined): Promise<string> => {
    const [code, stdout, stderr] = await outcome((streams) => migrate({ database }, streams))
    t.strictSame([code, stdout], [1, ''])
    t.notMatch(stderr, 'hunter2')
    return stderr
  }

  for (const database of [undefined, '']) t.match(await failed(database), /^fastify-users: Say which database: --database URL, or the environment variable DATABASE_URL\.\n$/)
  for (const database of ['mssql://u:hunter2@h/db', 'u:hunter2@h/db', 'u-1:hunter2@h/db', '//u:hunter2@h/db', 'sqlite:///users.db', 'file://host/users.db', 'file:users.db?mode=ro', 'sqlite:', 'sqlite:mysql://u:hunter2@h/db']) {
    t.match(await failed(database), /^fastify-users: The database must be the path of a SQLite file, .*\n$/)
  }
  for (const database of ['postgres://u:hunter2/@h/db', 'mysql://u:1?hunter2@h/db', 'mysql://u:1#hunter2@h/db', 'postgres://u:1/hunter2@h/db']) {
    t.match(await failed(database), /^fastify-users: The URL of the database cannot be read\. .*\n$/)
  }
  t.match(await failed(':memory:'), /in memory/)
  t.equal(await failed('mysql://u:hunter2%ff@h/db'), 'fastify-users: The database failed: URI malformed\n')

  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  for (const scheme of ['postgres', 'mysql']) {
    t.equal(await failed(`${scheme}://u:hunter2@127.0.0.1:${port}/db`), `fastify-users: The database failed: ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:${port}\n`)
  }

  await t.test('a file', async (t) => {
    const path = join(folder, 'users.db')
    const missing = [1, '', `fastify-users: There is no such file: ${path} (fastify-users migrate makes one)\n`]
    t.strictSame(await outcome(list({ database: path })), missing)
    t.strictSame(await outcome((streams) => revokeSessions({ database: path, email: ann }, streams)), missing)
    t.strictSame(await outcome(create({ database: path, email: ann }), password), missing)
    t.notOk(existsSync(path))

    t.equal((await outcome((streams) => migrate({ database: `file://${path}` }, streams)))[0], 0)
    t.equal((await outcome(create({ database: `file://${path}`, email: ann }), password))[0], 0, 'the first user of a new file')
    t.equal(statSync(path).mode & 0o777, 0o600)
    for (const database of [path, `sqlite:${path}`, `file:${path}`]) t.equal((await outcome(list({ database, json: true })))[1].split('\n').length, 2)

    const database = new Libsql(path)
    t.after(() => database.close())
    database.prepare('insert into fastify_users_migrations (version, applied_at) values (999, \'\')').run()
    t.equal(await failed(path), 'fastify-users: The tables have version 999, this release needs 1: run fastify-users migrate, or update the package.\n')
  })

  await t.test('no file', async (t) => {
    const path = join(folder, 'text.txt')
    writeFileSync(path, 'This is no database, but a text that is long enough to look into.')
    t.equal(await failed(path), 'fastify-users: The database failed: SQLITE_NOTADB: file is not a database\n')
    t.match(readFileSync(path, 'utf8'), /^This is no database/)
    mkdirSync(join(folder, 'folder'))
    t.match(await failed(join(folder, 'folder')), /^fastify-users: The database failed: .*\n$/)
    t.equal(await failed(join(folder, 'nowhere', 'users.db')), 'fastify-users: sqlite(database): the folder of the file does not exist. Make it first.\n')
  })
})

async function stored (options: DatabaseOptions, emailKey: string) {
  return await withStore(options, { create: false }, async (store) => await store.findByEmail(emailKey))
}

function skipped (t: Test, reason: string): void {
  t.comment(`skipped: ${reason}`)
  t.test('all', { skip: reason }, () => {})
}

function freshPrefix (): string {
  return `cli_${randomBytes(6).toString('hex')}`
}

function dropTables (prefix: string): string {
  return `drop table if exists ${prefix}, ${prefix}_sessions, ${prefix}_revocations, ${prefix}_limits, ${prefix}_migrations`
}
