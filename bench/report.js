// From measurements to rows, and from rows to a table.

/**
 * One row a contender. A result is `{ round, contender, measured, neighbour }`, both as `load()` returns them; the
 * neighbour is bare Fastify, measured beside it. `rssIdle` tells the bytes of each contender, by name.
 */
export function toRows (results, rssIdle) {
  const compared = results.map((result) => ({
    ...result,
    ratio: result.measured.requestsPerSecond / result.neighbour.requestsPerSecond,
    cpuRatio: result.neighbour.cpuMicroseconds / result.measured.cpuMicroseconds
  }))

  return [...new Set(results.map(({ contender }) => contender))].map((contender) => {
    const own = compared.filter((result) => result.contender === contender)
    const of = (value) => own.map(value)
    const shares = (key) => own.flatMap((result) => {
      const floor = compared.find(({ round, contender: { name } }) => round === result.round && name === contender.floor)
      return floor === undefined ? [] : [result[key] / floor[key]]
    })

    return {
      name: contender.name,
      workload: contender.workload,
      work: contender.work,
      floor: contender.floor,
      ratio: median(of(({ ratio }) => ratio)),
      floorRatio: median(shares('ratio')),
      cpuMicroseconds: median(of(({ measured }) => measured.cpuMicroseconds)),
      spread: spread(of(({ ratio }) => ratio)),
      requestsPerSecond: median(of(({ measured }) => measured.requestsPerSecond)),
      p50: median(of(({ measured }) => measured.p50)),
      p99: median(of(({ measured }) => measured.p99)),
      rssIdle: rssIdle.get(contender.name),
      rssLoaded: Math.max(...of(({ measured }) => measured.rss)),
      cpuRatio: median(of(({ cpuRatio }) => cpuRatio)),
      cpuFloorRatio: median(shares('cpuRatio')),
      cpuSpread: spread(of(({ cpuRatio }) => cpuRatio)),
      cpuFloorSpread: spread(shares('cpuRatio')),
      serverBusy: median(of(({ measured }) => measured.serverBusy)),
      loadBusy: median(of(({ measured }) => measured.loadBusy))
    }
  })
}

const columns = [
  ['contender', ({ name }) => name],
  ['workload', ({ workload }) => workload],
  ['ratio', ({ ratio }) => fixed(ratio, 2)],
  ['of floor', ({ floorRatio }) => fixed(floorRatio, 2)],
  ['spread', ({ spread }) => percent(spread)],
  ['CPU ratio', ({ cpuRatio }) => fixed(cpuRatio, 2)],
  ['CPU, of floor', ({ cpuFloorRatio }) => fixed(cpuFloorRatio, 2)],
  ['CPU spread', ({ cpuSpread }) => percent(cpuSpread)],
  ['CPU µs', ({ cpuMicroseconds }) => fixed(cpuMicroseconds, 1)],
  ['requests/s', ({ requestsPerSecond }) => fixed(requestsPerSecond, 0)],
  ['p50 ms', ({ p50 }) => fixed(p50, 2)],
  ['p99 ms', ({ p99 }) => fixed(p99, 2)],
  ['RSS idle MB', ({ rssIdle }) => fixed(rssIdle / 1e6, 0)],
  ['RSS loaded MB', ({ rssLoaded }) => fixed(rssLoaded / 1e6, 0)],
  ['busy', ({ serverBusy }) => percent(serverBusy)]
]

export function toMarkdown (rows) {
  return toTable(columns, rows)
}

/** A column is its title, and what stands in the cell of a row; the first two are words. */
export function toTable (columns, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [
    line(columns.map(([title]) => title)),
    line(columns.map((_, i) => i < 2 ? '---' : '--:')),
    ...rows.map((row) => line(columns.map(([, cell]) => cell(row))))
  ].join('\n')
}

export function median (values) {
  return quantile(values, 0.5)
}

/** How far the middle half of the values reaches, as a share of the median. */
function spread (values) {
  return values.length < 2 ? null : (quantile(values, 0.75) - quantile(values, 0.25)) / median(values)
}

/** What so much of the values lies below, interpolated. */
function quantile (values, share) {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  const at = share * (sorted.length - 1)
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  return below + (above - below) * (at - Math.floor(at))
}

export function fixed (value, digits) {
  return value === null ? '' : value.toFixed(digits)
}

export function percent (value) {
  return value === null ? '' : `${(value * 100).toFixed(0)} %`
}
