import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { hasCurl, plainEnv, untilReady } from './program.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

/** Why the lines of an example are not tried: they are for a shell. */
export const noShell = process.platform === 'win32' || !hasCurl() ? 'no bash or no curl' : false

/**
 * Starts an example that `loadTutorial` has built as a reader would, pastes the curl lines that it prints into a shell, one after the
 * other, and compares what they answer with what stands behind their `#`.
 *
 * @returns what the shell has printed
 */
export async function tryTutorial (t: Test, name: string, env: Record<string, string> = {}): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'fastify-users-test-'))
  const example = spawn(process.execPath, [join(root, `build/test-learn/${name}.js`)], { env: { ...plainEnv(), PORT: '0', ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => example.once('exit', resolve))
  try {
    const output = (await untilReady(example))()
    const lines = output.split('\n').map((line) => line.trim()).filter((line) => /^(?:curl|[A-Z]+=)/.test(line))
    const expected = lines.flatMap((line) => /# (\d{3})/.exec(line)?.[1] ?? [])
    t.ok(expected.length > 2, `${name} prints lines to try`)
    const { stdout } = await run('bash', ['-c', lines.map((line) => line.replace('curl ', 'curl -sS ')).join('\n')], { cwd: folder })
    t.strictSame([...stdout.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status), expected, `${name}: its curl lines answer what they say`)
    return stdout
  } finally {
    example.kill()
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
}
