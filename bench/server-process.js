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

  let first = await reply(child, name)
  if (first.requests !== undefined) {
    child.send(await visit(first))
    first = await reply(child, name)
  }
  const { port, credentials, secret } = first
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

/** Sends what the server has asked for: see `visit()` in serve.js. */
async function visit ({ port, requests }) {
  const responses = []
  for (const { path, method = 'GET', headers = {}, body } of requests) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs)
    })
    responses.push({ status: response.status, cookies: response.headers.getSetCookie(), body: JSON.parse(await response.text()) })
  }
  return responses
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
