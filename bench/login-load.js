// Clients that log in, and others that ask for something else meanwhile.
import { Agent, request } from 'node:http'

/** How often a second `/me` and `/pool` are asked for. */
const asked = { me: 100, pool: 25 }

/**
 * Loads a server for `warmUp` seconds, and then for `seconds` in which it is measured.
 *
 * @param login gives the nth login: `{ path, body }`
 * @param clients so many log in without a pause; or
 * @param rate so many logins come a second, whether the others were answered or not
 * @returns latencies in ms, logins a second, the share of 503s among the answers, how many wait at the end, and the most memory
 */
export async function loadLogins ({ port, credential, login, clients = 0, rate = 0, warmUp, seconds, sample }) {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity })
  const state = { measured: false, stopped: false, underWay: 0, statuses: new Map(), logins: [], me: [], pool: [] }
  const stops = []
  let next = 0
  let fail
  const failure = new Promise((resolve, reject) => { fail = reject })

  async function ask (path, options, body) {
    const start = performance.now()
    const status = await send(agent, port, path, options, body)
    return { status, ms: performance.now() - start }
  }

  async function logIn () {
    const { path, body } = login(next++)
    state.underWay++
    try {
      const { status, ms } = await ask(path, { method: 'POST', headers: { 'content-type': 'application/json' } }, body)
      if (status !== 200 && status !== 503) throw new Error(`a login was answered with ${status}`)
      if (!state.measured) return
      state.statuses.set(status, (state.statuses.get(status) ?? 0) + 1)
      if (status === 200) state.logins.push(ms)
    } finally {
      state.underWay--
    }
  }

  async function poll (path, latencies) {
    const { status, ms } = await ask(path, { headers: { [credential.header]: credential.value } })
    if (status !== 200) throw new Error(`${path} was answered with ${status}`)
    if (state.measured) latencies.push(ms)
  }

  const guarded = (work) => work().catch((error) => { if (!state.stopped) fail(error) })
  /** As often as it says, however long each takes; what a busy moment has kept is made up for. */
  const often = (perSecond, work) => {
    const start = performance.now()
    let done = 0
    const timer = setInterval(() => {
      for (const due = (performance.now() - start) / 1000 * perSecond; done < due; done++) guarded(work)
    }, 4)
    stops.push(() => clearInterval(timer))
  }

  often(asked.me, () => poll('/me', state.me))
  often(asked.pool, () => poll('/pool', state.pool))
  if (rate > 0) often(rate, logIn)
  for (let i = 0; i < clients; i++) guarded(async () => { while (!state.stopped) await logIn() })

  async function measure () {
    await sleep(warmUp)
    state.measured = true
    const start = performance.now()
    let rss = 0
    while (performance.now() < start + seconds * 1000) {
      await sleep(Math.min(0.5, seconds))
      rss = Math.max(rss, (await sample()).rss)
    }
    state.measured = false
    const elapsed = (performance.now() - start) / 1000
    const answers = [...state.statuses.values()].reduce((sum, count) => sum + count, 0)
    return {
      meP50: percentile(state.me, 0.5),
      meP99: percentile(state.me, 0.99),
      poolP99: percentile(state.pool, 0.99),
      loginsPerSecond: state.logins.length / elapsed,
      loginP50: percentile(state.logins, 0.5),
      loginP99: percentile(state.logins, 0.99),
      refused: answers === 0 ? 0 : (state.statuses.get(503) ?? 0) / answers,
      waiting: state.underWay,
      rss
    }
  }

  try {
    return await Promise.race([failure, measure()])
  } finally {
    state.stopped = true
    for (const stop of stops) stop()
    agent.destroy()
  }
}

/** Waits until a server has nothing left to do: three files in a row are read in no time. */
export async function settle ({ port }) {
  const agent = new Agent({ keepAlive: true })
  const end = performance.now() + 60_000
  try {
    for (let quick = 0; quick < 3;) {
      if (performance.now() > end) throw new Error('the server does not come to rest')
      const start = performance.now()
      await send(agent, port, '/pool', {})
      quick = performance.now() - start < 20 ? quick + 1 : 0
      await sleep(0.05)
    }
  } finally {
    agent.destroy()
  }
}

function send (agent, port, path, options, body) {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, agent, ...options }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode)).once('error', reject)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

/** `null` of nothing. */
function percentile (values, share) {
  return values.length === 0 ? null : values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]
}

function sleep (seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}
