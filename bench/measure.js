// Starts everybody, lets them show that they do their work, and measures them in turn.
import { check } from './check.js'
import { bare } from './contenders.js'
import { load } from './load.js'
import { pickServerCpu } from './pin.js'
import { startProgress } from './progress.js'
import { toRows } from './report.js'
import { requestsOf } from './requests.js'
import { startServer } from './server-process.js'

/** Longer than the 8 s after which V8's memory reducer sets in, which leaves a server slower for good. */
const idleSeconds = 10
const warmUpSeconds = 2
/** Before each measurement, so that connections are open and caches warm. */
const runUpSeconds = 0.15
/** A guess, for the progress alone. */
const startSeconds = 1

const serverCpu = pickServerCpu()

/**
 * Measures bare Fastify and these contenders; gives their rows.
 *
 * @param starts how often all servers are started anew: the rounds are shared out among the starts
 */
export async function measureAll (chosen, place, { rounds, starts = 1, seconds, quick, short = quick, profile }) {
  const everybody = [bare, ...chosen]
  const warmUp = short ? 1 : warmUpSeconds
  const groups = Array.from({ length: rounds }, (_, round) => inOrder(groupsOf(chosen), round))
  const perMeasurement = runUpSeconds + seconds
  const perStart = everybody.length * (startSeconds + warmUp) + (quick ? 0 : idleSeconds)
  const progress = startProgress(starts * perStart + groups.flat(2).length * perMeasurement)
  const rssIdle = new Map()
  let servers

  try {
    const results = []
    for (let start = 0; start < starts; start++) {
      const [from, to] = [start, start + 1].map((part) => Math.round(part * rounds / starts))
      results.push(...await measureRounds(from, to))
    }
    return toRows(results.sort((a, b) => everybody.indexOf(a.contender) - everybody.indexOf(b.contender)), rssIdle)
  } finally {
    progress.done()
  }

  /** With servers that have done nothing else. */
  async function measureRounds (from, to) {
    servers = new Map()
    try {
      await startAll()
      return await measureGroups(from, to)
    } finally {
      for (const server of servers.values()) await server.stop()
    }
  }

  async function startAll () {
    for (const [i, contender] of everybody.entries()) {
      progress.step(`start and check ${i + 1}/${everybody.length}: ${contender.name}`, startSeconds)
      servers.set(contender, await start(contender))
    }
    if (!quick) {
      progress.step('idle', idleSeconds)
      await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1000))
    }
    for (const [{ name }, server] of servers) rssIdle.set(name, (await server.sample()).rss)

    for (const contender of everybody) {
      progress.step(`warm up: ${contender.name}`, warmUp)
      await measure(contender, { warmUp: warmUp - 0.5, seconds: 0.5 })
    }
  }

  async function start ({ name, server, with: settings, env, guard }) {
    const started = await startServer(server, {
      settings: { ...settings, ...place.forServer(settings.store) },
      env,
      cpu: serverCpu,
      profileDir: profile
    })
    await check(name, started, guard)
    return started
  }

  async function measureGroups (from, to) {
    const results = []
    let lastBare
    for (let round = from; round < to; round++) {
      for (const [i, group] of groups[round].entries()) {
        const measured = new Map()
        for (const contender of group) {
          progress.step(`round ${round + 1}/${rounds}: ${contender.name}`, perMeasurement)
          measured.set(contender, await measure(contender, { warmUp: runUpSeconds, seconds }))
        }
        const neighbour = measured.get(bare)
        for (const contender of group) {
          if (contender !== bare) results.push({ round, contender, measured: measured.get(contender), neighbour })
        }
        // Once a round, as everybody else, against bare Fastify the time before: how far the two are apart is the noise.
        if (i === groups[round].length - 1) results.push({ round, contender: bare, measured: neighbour, neighbour: lastBare ?? neighbour })
        lastBare = neighbour
      }
    }
    return results
  }

  function measure (contender, times) {
    const server = servers.get(contender)
    const { port, sample } = server
    return load({ port, next: requestsOf(server, contender.sends), status: contender.status, sample, ...times })
  }
}

/** Who does the same work stands together, in threes at most, and in the midst of each group bare Fastify. */
function groupsOf (chosen) {
  const works = [...new Set(chosen.map(({ work }) => work))]
  const groups = works.flatMap((work) => inThrees(chosen.filter((contender) => contender.work === work)))
  return groups.length === 0 ? [[bare]] : groups
}

function inThrees (list) {
  return Array.from({ length: Math.ceil(list.length / 3) }, (_, i) => list.slice(3 * i, 3 * i + 3).toSpliced(1, 0, bare))
}

/** Each round begins with another group, and every other round goes backwards through each. */
function inOrder (groups, round) {
  const at = round % groups.length
  const order = [...groups.slice(at), ...groups.slice(0, at)]
  return round % 2 === 0 ? order : order.map((group) => group.toReversed())
}
