// What was reached stays reached: figures that were accepted once, and whether those of today are as good.
//
// A figure is a share of CPU time: of the floor's, or where a contender has no floor, of bare Fastify's. Unlike requests per second it
// hardly moves with what else the machine does, and little from one machine to another.

/** A figure may always be lower by this share: two runs differ by as much. */
const leastNoise = 0.03
/** However noisy a run was, what is lower by more has become slower. */
const mostNoise = 0.1

/** What accepted.json says of each row. */
export function accept (rows) {
  return Object.fromEntries(rows.map(({ name, ratio, floorRatio, cpuRatio, cpuFloorRatio, cpuSpread, cpuFloorSpread }) => [name, {
    ratio: rounded(ratio),
    floorRatio: rounded(floorRatio),
    cpuRatio: rounded(cpuRatio),
    cpuFloorRatio: rounded(cpuFloorRatio),
    noise: rounded(cpuFloorRatio === null ? cpuSpread : cpuFloorSpread)
  }]))
}

/** What is wrong with the rows: each `{ name, text, isMeasured }`. Every one of `names` must have been measured, and accepted before. */
export function compare (rows, accepted, names) {
  return names.flatMap((name) => {
    const row = rows.find((row) => row.name === name)
    const before = accepted[name]
    if (row === undefined) return [{ name, isMeasured: false, text: `${name}: was not measured` }]
    if (before === undefined) return [{ name, isMeasured: false, text: `${name}: is not in accepted.json, which npm run bench -- --accept writes` }]
    const [now, then] = [row, before].map(share)
    const least = then * (1 - Math.min(mostNoise, Math.max(leastNoise, before.noise)))
    if (now >= least) return []
    return [{ name, isMeasured: true, text: `${name}: ${now.toFixed(3)} of ${row.cpuFloorRatio === null ? 'bare Fastify' : 'the floor'}, by CPU time, was ${then.toFixed(3)}, and ${least.toFixed(3)} is the least` }]
  })
}

function share ({ cpuRatio, cpuFloorRatio }) {
  return cpuFloorRatio ?? cpuRatio
}

function rounded (value) {
  return value === null ? null : Number(value.toFixed(4))
}
