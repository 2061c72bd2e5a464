// Says what is being done, and for how much longer: on a terminal in one line, else now and then in another one.

const everyMs = 15_000

/** @param total how long all steps should take together: seconds */
export function startProgress (total, output = process.stderr) {
  const startedAt = performance.now()
  let expected = 0
  let saidAt = -Infinity

  return {
    /** Begins a step that should take so many seconds. */
    step (text, seconds) {
      const elapsed = (performance.now() - startedAt) / 1000
      // Steps that were expected to be shorter than they were tell of those that follow.
      const pace = expected < 20 ? 1 : elapsed / expected
      const left = Math.max(0, total - expected) * pace
      expected += seconds
      const line = `${text} (${duration(left)} left)`
      if (output.isTTY) {
        output.write(`\r\x1b[K${line}`)
      } else if (performance.now() - saidAt >= everyMs) {
        saidAt = performance.now()
        output.write(`${line}\n`)
      }
    },

    done () {
      if (output.isTTY) output.write('\r\x1b[K')
    }
  }
}

function duration (seconds) {
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`
}
