import { execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

const program = [...process.execArgv, fileURLToPath(new URL('../../lib/cli/index.ts', import.meta.url))]
const password = 'correct horse battery staple'

type Outcome = [code: number | null, stdout: string, stderr: string]

interface Child {
  readonly stdin: NodeJS.WritableStream
  readonly stdout: NodeJS.ReadableStream & { destroy (): unknown }
  readonly outcome: Promise<Outcome>
}

/** Starts the command line in a process of its own, or what is given in its place. */
function start (t: Test, args: readonly string[], env: NodeJS.ProcessEnv = {}, [file, ...first]: readonly [string, ...string[]] = [process.execPath, ...program]): Child {
  const { DATABASE_URL: _, ...inherited } = process.env
  const child = spawn(file, [...first, ...args], { env: { ...inherited, ...env } })
  const ended = new Promise<number | null>((resolve) => { child.once('close', resolve) })
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  // The process may end before it has read all.
  child.stdin.on('error', () => {})
  const outcome = Promise.all([ended, text(child.stdout).catch(() => 'not read'), text(child.stderr)])
  return { stdin: child.stdin, stdout: child.stdout, outcome }
}

async function fastifyUsers (t: Test, args: readonly string[], env: NodeJS.ProcessEnv = {}, input = ''): Promise<Outcome> {
  const child = start(t, args, env)
  child.stdin.end(input)
  return await child.outcome
}

t.test('from a new file to ended sessions', async (t) => {
  const env = { DATABASE_URL: join(t.testdir(), 'users.db') }

  t.strictSame(await fastifyUsers(t, ['migrate'], env), [0, 'The tables were migrated from version 0 to version 1.\n', ''])
  const [code, id, stderr] = await fastifyUsers(t, ['create-user', 'ann@example.com', '--superuser', '--fields', '{"nickname":"A"}'], env, `${password}\n`)
  t.strictSame([code, stderr], [0, ''])
  const { DATABASE_URL: file } = env
  const [[, listed], revoked, unlocked, unread] = await Promise.all([
    fastifyUsers(t, ['list-users', '--database', file, '--json', '--superusers', '--no-migrate', '--limit', '1', '--email', 'ANN']),
    fastifyUsers(t, ['revoke-sessions', 'ann@example.com'], env),
    fastifyUsers(t, ['unlock', 'ann@example.com', '--no-migrate'], env),
    withoutReader(t, ['list-users'], env)
  ])
  t.match(JSON.parse(listed), { id: id.trim(), email: 'ann@example.com', isSuperuser: true, isVerified: true, isActive: true, nickname: 'A' })
  t.strictSame(revoked, [0, `All sessions of ${id.trim()} have ended.\n`, ''])
  t.strictSame(unlocked, [0, `${id.trim()} may log in again.\n`, ''])
  t.strictSame(unread, [0, 'not read', ''], 'a reader that has gone')
})

t.test('what needs no database', async (t) => {
  const [secret, version, unknown, help] = await Promise.all([
    fastifyUsers(t, ['secret']),
    fastifyUsers(t, ['--version']),
    fastifyUsers(t, ['create-user', 'ann@example.com', '--super']),
    fastifyUsers(t, ['create-user', '--help'])
  ])
  t.match(secret, [0, /^[\w-]{64}\n$/, ''])
  t.match(version, [0, /^\d+\.\d+\.\d+\n$/, ''])
  t.match(unknown, [1, '', /^error: unknown option '--super'\n/])
  t.match(help, [0, /DATABASE_URL[^]*address then counts as verified[^]*stored as given/, ''])
})

t.test('at a real terminal', { skip: hasScript() ? false : 'no script of util-linux' }, async (t) => {
  const database = join(t.testdir({ 'users.db': '' }), 'users.db')

  /** What a terminal shows, and how the command ended there; `stty` says what it left behind. */
  async function atTerminal (email: string, entries: readonly string[]): Promise<Outcome> {
    const line = [process.execPath, ...program, 'create-user', email, '--database', database].map((word) => `'${word}'`).join(' ')
    const child = start(t, [], { SHELL: '/bin/sh' }, ['script', '-qec', `${line}; code=$?; stty -a; exit $code`, '/dev/null'])
    const left = [...entries]
    let seen = ''
    child.stdout.on('data', (chunk) => {
      seen += String(chunk)
      if (!seen.endsWith(': ')) return
      seen = ''
      child.stdin.write(left.shift() ?? '')
    })
    return await child.outcome
  }

  const [code, shown] = await atTerminal('ann@example.com', ['correct hoo\x7frse battery staple\r', `${password}\r`])
  t.equal(code, 0)
  t.match(shown, /^Password: \r\nThe same again: \r\n[0-9a-f-]{36}\r\n/, 'nothing of what is typed')

  const [interrupted, left] = await atTerminal('bob@example.com', ['corr\x03'])
  t.equal(interrupted, 130)
  t.match(left, /^Password: \r\nfastify-users: Interrupted\.\r\n/)
  t.match(left, /\sicanon\s[^]*\secho\s/, 'the terminal is as it was')
})

/** Nobody reads what the process writes. */
async function withoutReader (t: Test, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  const child = start(t, args, env)
  child.stdin.end()
  child.stdout.destroy()
  return await child.outcome
}

function hasScript (): boolean {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).includes('util-linux')
  } catch {
    return false
  }
}
