// A command that keeps things somewhere: whatever becomes of it, also on Ctrl-C, its servers end and nothing is left behind.
import { killServers } from './server-process.js'
import { makePlace } from './stores.js'

/** @param main is given the place, and may leave in `place.busy` a promise for what a database has to end before it can be cleared */
export async function withPlace (main) {
  const place = makePlace()
  let isInterrupted = false
  let cleared

  const end = () => {
    killServers()
    cleared ??= Promise.resolve(place.busy).catch(() => {}).then(() => place.clear()).catch((error) => console.error(`something may be left behind: ${error.message}`))
    return cleared
  }
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) {
    process.once(signal, () => {
      isInterrupted = true
      end().finally(() => process.exit(code))
    })
  }

  try {
    await main(place)
  } catch (error) {
    // Ctrl-C ends the servers, too, and that they have ended is then no news.
    if (!isInterrupted) console.error(error.stack)
    process.exitCode = 1
  } finally {
    await end()
  }
}
