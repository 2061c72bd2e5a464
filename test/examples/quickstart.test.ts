import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'

const run = promisify(execFile)

t.test('npm run demo: its curl lines answer what they say', { skip: hasCurl() ? false : 'no curl' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fastify-users-test-'))
  // tap would measure the demo as well, which is no part of lib.
  const env = { ...process.env, PORT: '0', TMPDIR: folder, NODE_OPTIONS: '', NODE_V8_COVERAGE: '', _TAPJS_PROCESSINFO_COVERAGE_: '0' }
  const demo = spawn('npm', ['run', '--silent', 'demo'], { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const ended = new Promise<number | null>((resolve) => demo.once('exit', resolve))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  t.after(() => { if (demo.exitCode === null && demo.signalCode === null) process.kill(-(demo.pid as number), 'SIGKILL') })

  let output = ''
  await new Promise<void>((resolve, reject) => {
    demo.once('exit', () => { reject(new Error(`the demo ended: ${output}`)) })
    demo.stdout.on('data', (chunk) => {
      output += String(chunk)
      if (output.includes('Ctrl-C ends it.')) resolve()
    })
  })
  t.match(output, /log in as demo@example\.com with the password "correct horse battery staple"/)

  // What a reader would paste, line by line into one shell; each says behind # what it answers.
  const lines = output.split('\n').map((line) => line.trim()).filter((line) => /^(?:curl|TOKEN=)/.test(line))
  const expected = lines.flatMap((line) => /# (\d+)/.exec(line)?.[1] ?? [])
  t.strictSame(expected, ['401', '200', '200', '200', '401', '200', '200', '200', '401', '200', '200', '200', '200', '204', '401', '401', '200', '201', '202'])
  const { stdout } = await run('bash', ['-c', lines.map((line) => line.replace('curl ', 'curl -sS ')).join('\n')], { cwd: folder })
  t.strictSame([...stdout.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status), expected)
  t.match(stdout, /^set-cookie: fastifyusersauth=[\w.-]+; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax\r$/m)
  t.match(stdout, /^set-cookie: session_refresh=[\w.-]+; Max-Age=1209600; Path=\/refresh\/session; HttpOnly; SameSite=Lax\r$/m)
  const sessions = JSON.parse(/^(\{"items":.*"current".*\})HTTP/m.exec(stdout)?.[1] ?? '{"items":[]}') as { items: Array<{ backend: string, current: boolean }> }
  t.strictSame(sessions.items.map(({ backend, current }) => [backend, current]).sort(), [['session', false], ['session', true]])
  t.equal(stdout.split('"email":"demo@example.com"').length - 1, 8, 'the user: three times by cookie and bearer token, in the list, and four times by session')

  // A mail leaves behind the reply.
  for (let chunks = 0; chunks < 20 && !output.includes('/reset-password#'); chunks++) await once(demo.stdout, 'data')
  const links = [...output.matchAll(/^Mail to ann@example\.com: .+\n {2}(http:\/\/127\.0\.0\.1:\d+)(\/[\w-]+)#token=(\S+)$/mg)]
  t.strictSame(links.map(([, , path]) => path), ['/verify', '/reset-password'])
  for (const [, origin = '', path = '', token = ''] of links) {
    t.match(await (await fetch(origin + path)).text(), /<!doctype html>/, `a page at ${path}`)
    const reply = await fetch(origin + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token, password: 'horse battery staple' }) })
    t.equal(reply.status, 200)
  }

  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? []
  const document = await (await fetch(`${url}/docs/json`)).json() as { components: { securitySchemes: object }, paths: Record<string, { get?: { security: object[] } }> }
  t.strictSame(Object.keys(document.components.securitySchemes), ['cookie', 'bearer', 'session'])
  t.strictSame(document.paths['/me']?.get?.security, [{ cookie: [] }, { bearer: [] }, { session: [] }])
  t.equal((await fetch(`${url}/docs`)).status, 200)

  const busy = await run(process.execPath, ['build/examples/quickstart.js'], { env: { ...env, PORT: new URL(url).port } }).catch((error: object) => error)
  t.match(busy, { code: 1, stderr: `Something else listens on port ${new URL(url).port}. Choose another one: PORT=${Number(new URL(url).port) + 1} npm run demo\n` })

  // Ctrl-C in a terminal reaches the whole group.
  process.kill(-(demo.pid as number), 'SIGINT')
  await ended
  t.match(output, /Bye\.\n$/)
  t.strictSame(readdirSync(folder).filter((name) => name.startsWith('fastify-users-demo-')), [], 'nothing is left behind')
})

function hasCurl (): boolean {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
