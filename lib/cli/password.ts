import { createInterface } from 'node:readline'
import { Writable, type Readable } from 'node:stream'
import { CliError } from './errors.js'
import type { Streams } from './run.js'

const LINE_FEED = 10

/** A new password: asked for twice on a terminal, and not shown there; else the first line of stdin. */
export async function readPassword ({ stdin, stderr }: Streams): Promise<string> {
  return stdin.isTTY === true ? await askTwice(stdin, stderr) : await firstLine(stdin)
}

async function askTwice (stdin: Readable, stderr: Writable): Promise<string> {
  // A terminal, so that keys such as backspace do what they should; what it would show goes nowhere.
  const hidden = new Writable({ write: (_chunk, _encoding, done) => { done() } })
  const terminal = createInterface({ input: stdin, output: hidden, terminal: true, historySize: 0 })
  let interrupted = false
  terminal.once('SIGINT', () => {
    interrupted = true
    terminal.close()
  })
  // It keeps lines that come before they are asked for: a paste of two.
  const lines = terminal[Symbol.asyncIterator]()

  async function ask (prompt: string): Promise<string> {
    stderr.write(prompt)
    const { value, done } = await lines.next()
    stderr.write('\n')
    if (interrupted) throw new CliError('Interrupted.', 130)
    if (done === true) throw new CliError('No password was given.')
    return value
  }

  try {
    const password = await ask('Password: ')
    if (await ask('The same again: ') !== password) throw new CliError('The two passwords differ.')
    return password
  } finally {
    terminal.close()
  }
}

/** Without its line end. What comes after it is not read. */
async function firstLine (stdin: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    if (chunk.includes(LINE_FEED)) break
  }
  const [line = ''] = decoded(Buffer.concat(chunks)).split(/\r?\n/, 1)
  return line
}

/** A character that was replaced would make another password, which nobody knows. */
function decoded (bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CliError('The password on stdin is not in UTF-8.')
  }
}
