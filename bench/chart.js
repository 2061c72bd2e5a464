// The ratios as bars, in an SVG that loads nothing and can be read on light and on dark pages.
import * as echarts from 'echarts'

const width = 860
const barHeight = 20
const textColour = '#57606a'

/** Who is a contender, told by the name: each kind has its colour, which stands out from white and from near black. */
const kinds = [
  { name: 'bare Fastify', colour: '#8b949e', has: (name) => name === 'bare fastify' },
  { name: 'by hand: the floor', colour: '#bf8700', has: (name) => name.startsWith('floor ') },
  { name: 'fastify-users', colour: '#2da44e', has: (name) => name.startsWith('fastify-users ') },
  { name: 'others', colour: '#539bf5', has: () => true }
]

/** @param rows as report.js makes them */
export function toSvg (rows) {
  const bars = inWork(rows)
  const height = bars.length * barHeight + 110
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: 'sans-serif', color: textColour },
    title: { text: 'Requests per second, as a share of bare Fastify’s', left: 8, top: 6, textStyle: { fontSize: 15, color: textColour } },
    legend: { data: kinds.map(({ name }) => name), left: 8, top: 30, itemWidth: 14, itemGap: 40, textStyle: { color: textColour } },
    grid: { left: 250, right: 56, top: 64, bottom: 40 },
    xAxis: {
      type: 'value',
      min: 0,
      name: 'GET /me; the median of all rounds',
      nameLocation: 'middle',
      nameGap: 24,
      nameTextStyle: { color: textColour },
      axisLabel: { color: textColour, formatter: (value) => value.toFixed(1) },
      splitLine: { lineStyle: { color: textColour, opacity: 0.25 } }
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: bars.map((row) => row?.name ?? ''),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: textColour } },
      axisLabel: { color: textColour, interval: 0, width: 236, overflow: 'truncate' }
    },
    series: kinds.map((kind) => ({
      name: kind.name,
      type: 'bar',
      barWidth: 13,
      barGap: '-100%',
      itemStyle: { color: kind.colour },
      label: { show: true, position: 'right', color: textColour, formatter: ({ value }) => value.toFixed(2) },
      data: bars.map((row) => row !== null && kindOf(row) === kind ? row.ratio : '-')
    }))
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return readable(svg, rows)
}

/** Those who do the same work stand together, first what they are measured by, next the fastest; `null` is a gap. */
function inWork (rows) {
  const works = [...new Set(rows.map(({ work }) => work))]
  return works.flatMap((work, i) => [
    ...(i === 0 ? [] : [null]),
    ...rows.filter((row) => row.work === work).toSorted((a, b) => isMeasure(b) - isMeasure(a) || b.ratio - a.ratio)
  ])
}

/** Bare Fastify, or a floor. */
function isMeasure (row) {
  return Number(kinds.indexOf(kindOf(row)) < 2)
}

function kindOf ({ name }) {
  return kinds.find(({ has }) => has(name))
}

/** A title for who cannot see it, and lighter letters on dark pages: a rule of a style sheet overrides the attributes. */
function readable (svg, rows) {
  const ours = rows.filter((row) => kinds[2].has(row.name)).map(({ name, ratio }) => `${name} ${ratio.toFixed(2)}`).join(', ')
  const style = `<style>@media (prefers-color-scheme: dark) { text { fill: #adbac7 !important } [stroke="${textColour}"] { stroke: #768390 } }</style>`
  return svg.replace(/<svg ([^>]*)>/, `<svg $1 role="img"><title>Shares of bare Fastify’s requests per second. ${ours}</title>${style}`)
}
