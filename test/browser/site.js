// The web example, and a browser in front of it. Both end with the suite that asked for them.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, suite, test as nodeTest } from 'node:test'
import { chromium } from 'playwright-core'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const missing = existsSync(executablePath) ? false : `no Chromium at ${executablePath}`

/** What a browser under test does not need, or may not do: nothing leaves this machine. */
const args = [
  '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'
]

export const launchOptions = {
  executablePath,
  args,
  // That of people keeps pages in memory, for the way back.
  ignoreDefaultArgs: ['--disable-back-forward-cache'],
  timeout: 30_000
}

/** The password of everybody who is put there by a test. */
export const password = 'staple battery horse'

/**
 * A suite of tests that share a site. Without a browser they are skipped, unless `CI=true` promises one.
 *
 * @param {string} title
 * @param {(site: Site) => void} define is given a site that is there as soon as the first test runs
 */
export function siteSuite (title, define) {
  suite(title, { skip: process.env.CI !== 'true' && missing }, () => {
    const site = {}
    before(async () => Object.assign(site, await openSite()), { timeout: 60_000 })
    after(() => site.close?.(), { timeout: 30_000 })
    define(site)
  })
}

/** A test that cannot hang. */
export function test (title, run) {
  nodeTest(title, { timeout: 120_000 }, run)
}

/** @typedef {Awaited<ReturnType<typeof openSite>>} Site */

/** Starts the example in this process, with a clock that can be put forward, and a browser. */
export async function openSite () {
  const { createApp, superuser } = await import('../../build/examples/web/app.js')
  let ahead = 0
  const app = await createApp({ clock: () => Date.now() + ahead })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const browser = await chromium.launch(launchOptions).catch(async (error) => {
    await app.close()
    throw error
  })

  return {
    app,
    url,
    superuser,

    /** Puts the clock of the site forward. */
    later (seconds) {
      ahead += seconds * 1000
    },

    /** Somebody with an account, who need not have come by the pages. */
    async addUser (name, more = {}) {
      const email = `${name.toLowerCase()}@example.org`
      await app.users.create({ email, password, name, isVerified: true, ...more })
      return { name, email, password }
    },

    /** A page in a browser profile of its own, whose console stays empty until the test ends, but for what is `expected`. */
    async visit (t, path = '/', { expected = /^$/, ...options } = {}) {
      const context = await browser.newContext({ baseURL: url, ...options })
      const complaints = listen(context)
      t.after(async () => {
        await context.close()
        assert.deepEqual(complaints.filter((text) => !expected.test(text)), [], 'the browser complains of nothing')
      })
      const page = await context.newPage()
      await page.goto(path)
      return page
    },

    async close () {
      await browser.close()
      await stop(app)
    }
  }
}

/** Ends a server at once, though a browser may hold a connection that it has not used yet. */
export async function stop (app) {
  app.server.closeAllConnections()
  await app.close()
}

/** Notes what the browser's console would show in red: errors of scripts, and what the content security policy has stopped. */
export function listen (context) {
  context.setDefaultTimeout(15_000)
  const complaints = []
  context.on('weberror', (error) => complaints.push(String(error.error())))
  context.on('console', (message) => {
    // An answer of 400, say, is one that the page is made for.
    const expected = message.text().startsWith('Failed to load resource:')
    if (['error', 'warning'].includes(message.type()) && !expected) complaints.push(message.text())
  })
  return complaints
}
