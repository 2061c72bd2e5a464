// The load: keep-alive connections, each with one request under way. It is made by hand because it must cost less than the
// server it loads, or it would be what is measured: autocannon spends as much CPU on a request as bare Fastify does.
import { connect } from 'node:net'

const connections = 50
/** Latencies are counted in steps of 10 µs, up to 2 s. */
const stepsPerMillisecond = 100
const steps = 200_000

/**
 * Loads a server for `warmUp` seconds, then for `seconds` during which responses are counted: from the answer to one
 * `sample()` to the answer to the next.
 *
 * @param pauseMs how long a connection waits after each answer
 * @param next makes the bytes of the next request, whichever connection sends it
 * @throws if a response has another status than `status`, or a connection breaks
 */
export async function load ({ port, next, status, warmUp, seconds, sample, pauseMs = 0 }) {
  const expected = `HTTP/1.1 ${status} `
  const latencies = new Uint32Array(steps)
  let counting = false
  let count = 0
  let stopped = false
  let fail
  const failure = new Promise((resolve, reject) => { fail = reject })

  const sockets = Array.from({ length: connections }, () => {
    let sentAt = 0
    let text = ''

    const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread: { buffer: Buffer.allocUnsafe(16_384), callback: read } })
    socket.once('connect', send)
    socket.on('error', fail)
    socket.once('close', () => { if (!stopped) fail(new Error('the server closed a connection')) })
    return socket

    function send () {
      if (stopped) return
      const request = next()
      sentAt = performance.now()
      socket.write(request)
    }

    function read (length, buffer) {
      text += buffer.latin1Slice(0, length)
      if (stopped || !isWhole(text)) return true
      if (!text.startsWith(expected)) {
        fail(new Error(`expected ${status}, got: ${text}`))
        return false
      }
      text = ''
      if (counting) {
        count++
        latencies[Math.min(steps - 1, Math.floor((performance.now() - sentAt) * stepsPerMillisecond))]++
      }
      if (pauseMs === 0) send()
      else setTimeout(send, pauseMs)
      return true
    }
  })

  async function measure () {
    await sleep(warmUp)
    const before = await sample()
    const own = process.cpuUsage()
    const start = performance.now()
    counting = true
    await sleep(seconds)
    const after = await sample()
    counting = false
    const elapsed = performance.now() - start
    if (count === 0) throw new Error('the server answered nothing')

    const cpu = microseconds(after.cpu) - microseconds(before.cpu)
    return {
      requestsPerSecond: count / elapsed * 1000,
      cpuMicroseconds: cpu / count,
      p50: percentile(latencies, count, 0.5),
      p99: percentile(latencies, count, 0.99),
      rss: after.rss,
      serverBusy: cpu / 1000 / elapsed,
      loadBusy: microseconds(process.cpuUsage(own)) / 1000 / elapsed
    }
  }

  try {
    return await Promise.race([failure, measure()])
  } finally {
    stopped = true
    for (const socket of sockets) socket.destroy()
  }
}

/** Whether head and body have arrived. All contenders answer with a content-length; without one, nothing is ever counted. */
function isWhole (text) {
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) return false
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text)
  return length !== null && text.length >= head + 4 + Number(length[1])
}

/** In milliseconds. */
function percentile (latencies, count, share) {
  let seen = 0
  const step = latencies.findIndex((n) => (seen += n) >= count * share)
  return (step + 1) / stepsPerMillisecond
}

function microseconds ({ user, system }) {
  return user + system
}

function sleep (seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}
