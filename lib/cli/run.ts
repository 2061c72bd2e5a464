import type { Readable, Writable } from 'node:stream'
import { CliError, explain } from './errors.js'
import { printable } from './printable.js'

/** What a command reads and writes: those of the process, or of a test. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable
  readonly stderr: Writable
}

/**
 * Runs a command and gives its exit code. What was to be expected is said in a line on stderr.
 *
 * @throws everything else
 */
export async function run (work: () => Promise<void>, { stdout, stderr }: Streams): Promise<number> {
  // The write that fails says so itself.
  stdout.on('error', () => {})
  try {
    await work()
    return 0
  } catch (error) {
    // The reader has seen enough: `| head`.
    if ((error as { code?: unknown } | null)?.code === 'EPIPE') return 0
    const text = explain(error)
    if (text === null) throw error
    stderr.write(`fastify-users: ${printable(text)}\n`)
    return error instanceof CliError ? error.exitCode : 1
  }
}

/** Resolves when the text is written, so that a slow reader holds up the next page. */
export async function print (stdout: Writable, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stdout.write(text, (error) => { error == null ? resolve() : reject(error) })
  })
}
