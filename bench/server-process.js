// One server in a process of its own, and what may be asked of it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const timeoutMs = 60_000
const running = new Set()

/**
 * Starts `servers/<name>.js` with `settings`, on one core where `cpu` names it, and has it profiled where `profileDir` is given.
 *
 * @returns where it listens, with what credentials and which secret, and how to sample and stop it
 */
export async function startServer (name, { settings = {}, env = {}, cpu = null, profileDir } = {}) {
  const pin = cpu === null ? [] : ['taskset', '-c', String(cpu)]
  const profile = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`]
  const file = fileURLToPath(new URL(`servers/${name}.js`, import.meta.url))
  const [command, ...args] = [...pin, process.execPath, ...profile, file, JSON.stringify(settings)]
  const child = spawn(command, args, {
    // What a server prints would stand in the midst of the table.
    stdio: ['ignore', process.stderr, 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production', ...env }
  })
  running.add(child)
  child.once('exit', () => running.delete(child))

  const { port, credentials, secret } = await reply(child, name)
  return {
    port,
    credentials,
    secret,
    pid: child.pid,
    /** `{ cpu, rss }` so far; with `'heap'` also `heap`, after the garbage is gone. */
    async sample (what = 'sample') {
      child.send(what)
      return await reply(child, name)
    },
    /** Lets it leave by itself, so that its profile is written; it is killed if it does not. */
    async stop () {
      if (child.exitCode !== null || child.signalCode !== null) return
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
      const exit = once(child, 'exit')
      if (child.connected) child.disconnect()
      await exit
      clearTimeout(timer)
    }
  }
}

/** For a hurried end. */
export function killServers () {
  for (const child of running) child.kill('SIGKILL')
}

function reply (child, name) {
  return new Promise((resolve, reject) => {
    const settle = (how, value) => {
      clearTimeout(timer)
      child.off('message', onMessage)
      child.off('exit', onExit)
      child.off('error', onError)
      how(value)
    }
    const onMessage = (message) => settle(resolve, message)
    const onError = (error) => settle(reject, error)
    const onExit = (code, signal) => settle(reject, new Error(`the server ${name} ended (${signal ?? code})`))
    const timer = setTimeout(() => settle(reject, new Error(`the server ${name} did not answer within ${timeoutMs / 1000} s`)), timeoutMs)
    child.on('message', onMessage)
    child.on('exit', onExit)
    child.on('error', onError)
  })
}
