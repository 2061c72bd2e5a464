// What can be said on the command line of run.js.
import { parseArgs } from 'node:util'

const usage = `npm run bench -- [options]

  --only NAME     only contenders whose name contains NAME, and their floors; may be repeated
  --rounds N      how often each is measured (15; with --check and --accept 12; with --quick 5)
  --seconds N     for how long each time (0.6; with --check, --accept and --quick 0.3)
  --quick         a first look: also without the 10 s of idling before
  --json FILE     also write the rows to FILE
  --svg FILE      also draw the ratios, into FILE
  --profile DIR   write a CPU profile of each server to DIR, which slows them all
  --check         measure what is kept, and fail if it fell below accepted.json
  --accept        measure the same, and write accepted.json
  --list          the names of all contenders
  --help`

/** @param names of all contenders */
export function readOptions (names) {
  try {
    const { values: { help, list, only, rounds, seconds, quick, check, accept, ...files } } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        svg: { type: 'string' },
        profile: { type: 'string' },
        check: { type: 'boolean', default: false },
        accept: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
    if (help || list) {
      console.log(help ? usage : names.join('\n'))
      process.exit()
    }
    if ((check || accept) && only.length > 0) throw new Error('--only has no say in what is kept')
    const unknown = only.find((part) => !names.some((name) => name.includes(part)))
    if (unknown !== undefined) throw new Error(`--only ${unknown} matches none of: ${names.join(', ')}`)
    const short = quick || check || accept
    const howOften = Math.round(number('rounds', rounds ?? (quick ? '5' : short ? '12' : '15'), 1))
    return {
      only,
      rounds: howOften,
      starts: quick ? 1 : Math.min(3, howOften),
      seconds: number('seconds', seconds ?? (short ? '0.3' : '0.6'), 0.1),
      quick,
      short,
      check: check || accept,
      accept,
      ...files
    }
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
}

function number (name, text, least) {
  const value = Number(text)
  if (!(value >= least && value <= 1000)) throw new Error(`--${name} must be a number from ${least} to 1000`)
  return value
}
