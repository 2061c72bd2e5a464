// Which core is whose.
import { execFileSync } from 'node:child_process'

/** The first core that this process may use, for the servers. It moves itself to the last: the likeliest not to share one. */
export function pickServerCpu () {
  try {
    const list = execFileSync('taskset', ['-c', '-p', String(process.pid)], { encoding: 'utf8' }).split(': ').at(-1).trim()
    const [first, last] = [/^\d+/, /\d+$/].map((end) => Number(end.exec(list)[0]))
    if (first === last) throw new Error('only one core may be used')
    execFileSync('taskset', ['-a', '-c', '-p', String(last), String(process.pid)], { stdio: 'ignore' })
    return first
  } catch (error) {
    console.error(`server and load are not pinned to cores, so expect more noise: ${error.message}`)
    return null
  }
}
